#include "shard/background.h"

#include <algorithm>

#include "codec/key.h"
#include "shard/event_log.h"

namespace nokv::shard {

using codec::NodeId;
using codec::Table;
using meta::Transaction;

namespace {

// While others write, a step is followed by a rest of so many halves of the time it took: they keep
// most of their speed. One that waited for an object store took none of it.
constexpr int kRestHalves = 3;
constexpr Duration kRestMax = std::chrono::milliseconds(100);

constexpr size_t kObjectsAtOnce = 1000;
constexpr Duration kStoreTimeout = std::chrono::seconds(30);

std::unique_ptr<engine::Iterator> rows_of(const meta::State& state, std::string_view prefix,
                                          const std::string& after = {}) {
  auto rows = state.snapshot->iterate(prefix, codec::prefix_end(std::string(prefix)));
  rows->seek(after.empty() ? std::string(prefix) : after + '\0');
  return rows;
}

}  // namespace

Background::Background(const Env& env, Shard& shard, engine::Engine& engine, log::LogStore& log,
                       object::ObjectStore& store, EventSink& events, BackgroundOptions options)
    : env_(env),
      shard_(shard),
      engine_(engine),
      log_(log),
      store_(store),
      events_(events),
      options_(std::move(options)),
      externals_(options_.externals),
      checker_(env, shard, store, externals_, events),
      space_(env, shard, store, checker_.desk()),
      backups_(env, shard, engine, log, store, events, checkpoints_, options_.backups),
      home_(std::make_shared<Guarded<Executor*>>(nullptr)),
      executor_(env.executors.serial("nokv-upkeep")) {
  home_->with([this](Executor*& executor) { executor = executor_.get(); });
}

Background::~Background() {
  home_->with([](Executor*& executor) { executor = nullptr; });
}

void Background::start() {
  executor_->post([this] {
    // The first measurement comes one period after the start.
    started_ = last_checkpoint_ = last_measured_ = env_.clock.now();
    tick();
  });
}

bool Background::quiet() const { return env_.clock.now() - started_ < options_.start_quiet; }

// ---- passes

void Background::run(std::vector<Job> jobs, std::move_only_function<void(Result<>)> done) {
  auto pass = std::make_shared<Pass>();
  pass->jobs = std::move(jobs);
  pass->done = std::move(done);
  passes_.push_back(pass);
  if (passes_.size() == 1) run_next(std::move(pass));
}

void Background::run_next(std::shared_ptr<Pass> pass) {
  if (pass->next == pass->jobs.size()) {
    passes_.pop_front();
    if (!passes_.empty()) executor_->post([this] { run_next(passes_.front()); });
    pass->done(pass->error ? std::unexpected(*pass->error) : Result<>());
    return;
  }
  Job& job = pass->jobs[pass->next];
  job([this, pass, began = env_.clock.now(),
       version = shard_.state()->record.version](Result<bool> more) mutable {
    if (!more && !pass->error) pass->error = more.error();
    bool again = more && *more;
    if (!again) ++pass->next;
    // Through the executor: the stack does not grow, and a stop comes in between.
    auto next = [this, pass = std::move(pass)]() mutable { run_next(std::move(pass)); };
    bool others_write = shard_.state()->record.version > version + 1;
    if (again && others_write) {
      Duration rest = (env_.clock.now() - began) * kRestHalves / 2;
      executor_->after(std::min(rest, kRestMax), std::move(next));
    } else {
      executor_->post(std::move(next));
    }
  });
}

void Background::tick() {
  auto again = [this] { executor_->after(options_.tick, [this] { tick(); }); };
  auto state = shard_.state();
  if (passing_ || !state->initialised() || shard_.failure()) {
    again();
    return;
  }
  passing_ = true;
  run(due(), [this, again](Result<> result) {
    passing_ = false;
    if (!result) {
      counters_.errors.fetch_add(1, std::memory_order_relaxed);
      events_.warn("upkeep_failed", {{"error", result.error().message()}});
    }
    again();
  });
}

void Background::run_due(std::move_only_function<void(Result<>)> done) {
  executor_->post([this, done = std::move(done)]() mutable { run(due(), std::move(done)); });
}

std::vector<Background::Job> Background::due() {
  std::vector<Job> jobs;
  jobs.push_back([this](Then then) { make_moment(std::move(then)); });
  jobs.push_back([this](Then then) { release_pins(std::move(then)); });
  jobs.push_back([this](Then then) { keep_to_budget(std::move(then)); });
  jobs.push_back([this](Then then) { free_past(std::move(then)); });
  jobs.push_back([this](Then then) { flatten(std::move(then)); });
  jobs.push_back([this](Then then) { trim_changes(std::move(then)); });
  jobs.push_back([this](Then then) { collect_dead(options_.grace, std::move(then)); });
  jobs.push_back([this](Then then) { close_uploads(std::move(then)); });
  jobs.push_back([this](Then then) { delete_unpublished(options_.second_pass, std::move(then)); });
  jobs.push_back([this](Then then) { expire_sessions(std::move(then)); });
  jobs.push_back([this](Then then) { checkpoint(false, std::move(then)); });
  jobs.push_back([this](Then then) {
    backups_.tick();
    then(false);
  });
  return jobs;
}

void Background::run_gc(std::optional<Duration> grace,
                        std::move_only_function<void(Result<codec::GcReply>)> done) {
  executor_->post([this, grace, done = std::move(done)]() mutable {
    codec::GcReply before{
        counters_.blobs_deleted, counters_.objects_deleted, counters_.bytes_deleted,
        counters_.records_swept + counters_.records_refiled, counters_.uploads_closed};
    Duration wait = grace.value_or(options_.grace);
    std::vector<Job> jobs;
    jobs.push_back([this](Then then) { release_pins(std::move(then)); });
    jobs.push_back([this](Then then) { free_past(std::move(then)); });
    jobs.push_back([this](Then then) { flatten(std::move(then)); });
    last_changes_trim_ = env_.clock.now() - options_.trim_every;
    jobs.push_back([this](Then then) { trim_changes(std::move(then)); });
    jobs.push_back(
        [this](Then then) { delete_unpublished(options_.second_pass, std::move(then)); });
    jobs.push_back([this, wait](Then then) { collect_dead(wait, std::move(then)); });
    run(std::move(jobs), [this, before, done = std::move(done)](Result<> result) mutable {
      if (!result) {
        done(std::unexpected(std::move(result).error()));
        return;
      }
      codec::GcReply out;
      out.blobs_deleted = counters_.blobs_deleted - before.blobs_deleted;
      out.objects_deleted = counters_.objects_deleted - before.objects_deleted;
      out.bytes_deleted = counters_.bytes_deleted - before.bytes_deleted;
      out.records_freed =
          counters_.records_swept + counters_.records_refiled - before.records_freed;
      out.uploads_closed = counters_.uploads_closed - before.uploads_closed;
      auto state = shard_.state();
      for (auto rows = rows_of(*state, codec::table_key(Table::dead)); rows->valid();
           rows->next()) {
        ++out.pending;
      }
      done(out);
    });
  });
}

void Background::run_checkpoint(std::move_only_function<void(Result<>)> done) {
  executor_->post([this, done = std::move(done)]() mutable {
    checkpoint(true, [done = std::move(done)](Result<bool> result) mutable {
      if (result) {
        done({});
      } else {
        done(std::unexpected(std::move(result).error()));
      }
    });
  });
}

void Background::submit(Shard::Step step, bool begins_group, Then then) {
  shard_.upkeep(std::move(step), begins_group, [this, then = std::move(then)](Result<> r) mutable {
    executor_->post([then = std::move(then), r = std::move(r)]() mutable {
      if (r) {
        then(true);
      } else {
        then(std::unexpected(std::move(r).error()));
      }
    });
  });
}

// ---- pins

void Background::make_moment(Then then) {
  auto state = shard_.state();
  const auto& ladder = state->record.policy.ladder;
  if (ladder.empty() || state->record.version <= last_moment_) {
    then(false);
    return;
  }
  counters_.moments_made.fetch_add(1, std::memory_order_relaxed);
  submit([](Transaction& txn) { return meta::plan_moment(txn); }, true,
         [this, then = std::move(then)](Result<bool> result) mutable {
           // The record of the moment is a version too, and nothing to remember.
           last_moment_ = shard_.state()->record.version;
           then(result ? Result<bool>(false) : std::move(result));
         });
}

// One step of all that gives past records and detached trees back; each may give the others work.
void Background::free_past(Then then) {
  refile([this, then = std::move(then)](Result<bool> more) mutable {
    if (!more || *more) return then(std::move(more));
    sweep([this, then = std::move(then)](Result<bool> more_to_sweep) mutable {
      if (!more_to_sweep || *more_to_sweep) return then(std::move(more_to_sweep));
      end_clones(std::move(then));
    });
  });
}

void Background::release_pins(Then then) {
  auto state = shard_.state();
  int64_t now = shard_.now_ns();
  auto gone = meta::moments_to_release(*state->pins, state->record.policy, now);
  auto expired = state->pins->expired(now);
  gone.insert(gone.end(), expired.begin(), expired.end());
  if (gone.empty()) {
    then(false);
    return;
  }
  if (gone.size() > meta::kUpkeepStep) gone.resize(meta::kUpkeepStep);
  submit([gone](Transaction& txn) { return meta::plan_release(txn, gone); }, false,
         [then = std::move(then)](Result<bool> r) mutable {
           then(r ? Result<bool>(false) : std::move(r));
         });
}

void Background::keep_to_budget(Then then) {
  if (auto figures = std::exchange(measured_, nullptr)) {
    over_budget(*figures, std::move(then));
    return;
  }
  // Bodies that are kept were published once; inline ones went through the log. So unless this
  // much was published since the last figures, there is nothing to measure.
  auto last = space_.last();
  uint64_t published = shard_.counters().body_bytes.load();
  uint64_t at_most =
      last == nullptr ? UINT64_MAX : last->bytes() + published - body_bytes_measured_;
  bool due = env_.clock.now() - last_measured_ >= options_.measure_every &&
             at_most > options_.kept_bytes_min;
  // Other work does not wait for it: a later pass acts on what was measured.
  if (due) {
    last_measured_ = env_.clock.now();
    space_.measure(Clock::Instant::max(),
                   [this, home = home_, published](Result<SpaceMeter::Figures> figures) {
                     auto tell = [this, published, figures = std::move(figures)] {
                       if (!figures) {
                         counters_.errors.fetch_add(1, std::memory_order_relaxed);
                         events_.warn("measuring_failed", {{"error", figures.error().message()}});
                         return;
                       }
                       body_bytes_measured_ = published;
                       measured_ = *figures;
                     };
                     home->with([&](Executor* executor) {
                       if (executor != nullptr) executor->post(std::move(tell));
                     });
                   });
  }
  then(false);
}

void Background::over_budget(const meta::SpaceFigures& figures, Then then) {
  uint64_t budget =
      std::max(figures.live.bytes / 100 * options_.kept_percent, options_.kept_bytes_min);
  auto gone = meta::pins_over_budget(*shard_.state()->pins, figures, budget);
  if (gone.empty()) {
    then(false);
    return;
  }
  counters_.pins_over_budget += gone.size();
  events_.warn("kept_over_budget", {{"kept_bytes", figures.kept_bytes()},
                                    {"budget_bytes", budget},
                                    {"pins_released", gone.size()}});
  submit([gone](Transaction& txn) { return meta::plan_release(txn, gone); }, false,
         [then = std::move(then)](Result<bool> r) mutable {
           then(r ? Result<bool>(false) : std::move(r));
         });
}

void Background::refile(Then then) {
  auto state = shard_.state();
  const auto* going = state->pins->going().first();
  if (going == nullptr) {
    then(false);
    return;
  }
  uint64_t pin = going->id;
  std::string prefix = codec::number_key(Table::filed, pin);
  if (refile_cursor_.prefix != prefix) refile_cursor_ = {prefix, {}};
  meta::FiledRange range{refile_cursor_.last, refile_cursor_.last};
  size_t count = 0;
  auto rows = rows_of(*state, prefix, range.from);
  for (; rows->valid() && count < meta::kUpkeepStep; rows->next(), ++count)
    range.last = rows->key();
  bool done = !rows->valid();
  counters_.records_refiled.fetch_add(count, std::memory_order_relaxed);
  submit(
      [pin, range, done](Transaction& txn) -> Result<> {
        meta::plan_refile(txn, pin, range, done);
        return {};
      },
      false,
      [this, last = range.last, then = std::move(then)](Result<bool> result) mutable {
        if (result) refile_cursor_.last = last;
        then(std::move(result));
      });
}

// ---- what left the tree

void Background::sweep(Then then) {
  auto state = shard_.state();
  auto rows = rows_of(*state, codec::table_key(Table::detached));
  if (!rows->valid()) {
    then(false);
    return;
  }
  NodeId id;
  uint64_t body_number = 0;
  if (!codec::split_detached_key(rows->key(), id, body_number)) {
    then(std::unexpected(meta::damaged(rows->key()).error()));
  } else if (body_number != 0) {
    sweep_chunks(*state, id, body_number, std::move(then));
  } else {
    sweep_directory(*state, id, std::move(then));
  }
}

void Background::sweep_directory(const meta::State& state, const NodeId& id, Then then) {
  std::vector<std::string> names;
  std::string prefix = codec::dentry_key(id, {});
  if (sweep_cursor_.prefix != prefix) sweep_cursor_ = {prefix, {}};
  std::string last = sweep_cursor_.last;
  auto rows = rows_of(state, prefix, last);
  for (; rows->valid() && names.size() < meta::kUpkeepStep; rows->next()) {
    codec::DentryKey key;
    if (codec::split_dentry_key(rows->key(), key)) names.emplace_back(key.name);
    last = rows->key();
  }
  bool done = !rows->valid();
  counters_.records_swept.fetch_add(names.size(), std::memory_order_relaxed);
  submit([id, names = std::move(names),
          done](Transaction& txn) { return meta::plan_sweep(txn, id, names, done); },
         false,
         [this, last, then = std::move(then)](Result<bool> result) mutable {
           if (result) sweep_cursor_.last = last;
           then(std::move(result));
         });
}

void Background::sweep_chunks(const meta::State& state, const NodeId& id, uint64_t body_number,
                              Then then) {
  std::string prefix = codec::node_table_key(Table::chunk, id);
  codec::put_u64(prefix, body_number);
  std::vector<uint32_t> chunks;
  auto rows = rows_of(state, prefix);
  for (; rows->valid() && chunks.size() < meta::kUpkeepStep; rows->next()) {
    codec::ChunkKey key;
    if (codec::split_chunk_key(rows->key(), key)) chunks.push_back(key.index);
  }
  bool done = !rows->valid();
  counters_.records_swept.fetch_add(chunks.size(), std::memory_order_relaxed);
  submit(
      [id, body_number, chunks = std::move(chunks), done](Transaction& txn) {
        return meta::plan_sweep_chunks(txn, id, body_number, chunks, done);
      },
      false, std::move(then));
}

// Ends clones that nothing live names, then sweeps the whiteouts of their nodes.
void Background::end_clones(Then then) {
  auto state = shard_.state();
  auto rows = rows_of(*state, codec::table_key(Table::ending));
  if (!rows->valid()) {
    then(false);
    return;
  }
  uint64_t clone = 0;
  if (!codec::split_number_key(rows->key(), clone)) {
    then(std::unexpected(meta::damaged(rows->key()).error()));
    return;
  }
  auto life = state->view().present<codec::CloneLife>(codec::number_key(Table::clone_life, clone));
  if (!life) {
    then(std::unexpected(std::move(life).error()));
    return;
  }
  if (*life && (*life)->ended == 0) {
    submit([clone](Transaction& txn) { return meta::plan_end_clone(txn, clone); }, false,
           std::move(then));
    return;
  }
  std::vector<NodeId> nodes;
  auto graves = rows_of(*state, codec::number_key(Table::grave, clone));
  for (; graves->valid() && nodes.size() < meta::kUpkeepStep; graves->next()) {
    uint64_t of = 0;
    NodeId id;
    if (codec::split_grave_key(graves->key(), of, id)) nodes.push_back(std::move(id));
  }
  bool done = !graves->valid();
  counters_.records_swept.fetch_add(nodes.size(), std::memory_order_relaxed);
  submit([clone, nodes = std::move(nodes),
          done](Transaction& txn) { return meta::plan_sweep_graves(txn, clone, nodes, done); },
         false, std::move(then));
}

// One step of making the shortcuts of a clone at the end of a long chain.
void Background::flatten(Then then) {
  auto state = shard_.state();
  auto queue = rows_of(*state, codec::table_key(Table::flattening));
  uint64_t clone = 0;
  if (!queue->valid()) {
    flattener_.reset();
    then(false);
    return;
  }
  if (!codec::split_number_key(queue->key(), clone)) {
    then(std::unexpected(meta::damaged(queue->key()).error()));
    return;
  }
  meta::View view = state->view();
  auto record = meta::clone_record(view, clone);
  if (!record || !*record) {
    if (record) {
      drop_shortcuts(*state, clone, std::move(then));
    } else {
      then(std::unexpected(std::move(record).error()));
    }
    return;
  }
  bool first = !flattener_ || flattener_->clone() != clone;
  if (first) flattener_.emplace(clone);
  auto length = meta::chain_length(view, **record, shard_.chain_max() + 1);
  bool needed = length && *length > shard_.chain_max();
  meta::Flattener::Rows rows;
  auto more = needed ? flattener_->step(view, meta::kUpkeepStep, rows) : Result<bool>(false);
  if (!length || !more) {
    flattener_.reset();
    then(std::unexpected(length ? std::move(more).error() : std::move(length).error()));
    return;
  }
  bool last = !needed || (!first && !*more);
  codec::FlatClone flat = flattener_->flat();
  flat.whole = last;
  counters_.shortcuts_made.fetch_add(rows.size(), std::memory_order_relaxed);
  if (last && needed) counters_.clones_flattened.fetch_add(1, std::memory_order_relaxed);
  submit(
      [clone, flat = std::move(flat), rows = std::move(rows), last](Transaction& txn) -> Result<> {
        meta::plan_flatten(txn, clone, flat, rows, last);
        return {};
      },
      false,
      [this, last, then = std::move(then)](Result<bool> result) mutable {
        if (!result || last) flattener_.reset();
        then(std::move(result));
      });
}

void Background::drop_shortcuts(const meta::State& state, uint64_t clone, Then then) {
  std::vector<std::string> keys;
  auto rows = rows_of(state, codec::shortcut_key(clone, {}));
  for (; rows->valid() && keys.size() < meta::kUpkeepStep; rows->next()) {
    keys.emplace_back(rows->key());
  }
  bool done = !rows->valid();
  counters_.records_swept.fetch_add(keys.size(), std::memory_order_relaxed);
  submit(
      [clone, keys = std::move(keys), done](Transaction& txn) -> Result<> {
        meta::plan_drop_shortcuts(txn, clone, keys, done);
        return {};
      },
      false, std::move(then));
}

// What changed before the oldest version that is kept, nobody asks for.
void Background::trim_changes(Then then) {
  if (trim_cursor_.empty() && env_.clock.now() - last_changes_trim_ < options_.trim_every) {
    then(false);
    return;
  }
  constexpr size_t kDirectories = 1024;
  auto state = shard_.state();
  uint64_t oldest = state->pins->oldest_version();
  if (oldest == 0) oldest = state->record.version;
  std::string table = codec::table_key(Table::changed);
  std::string at = trim_cursor_.empty() ? table : trim_cursor_;
  auto rows = state->snapshot->iterate(table, codec::prefix_end(table));
  std::vector<std::string> keys;
  rows->seek(at);
  for (size_t looks = 0; rows->valid() && keys.size() < meta::kUpkeepStep && looks < kDirectories;
       ++looks) {
    codec::ChangedKey row;
    if (!codec::split_changed_key(rows->key(), row)) {
      then(std::unexpected(meta::damaged(rows->key()).error()));
      return;
    }
    at = rows->key();
    if (row.version <= oldest) {
      keys.push_back(at);
      at += '\0';
      rows->next();
    } else {
      at = codec::prefix_end(codec::node_table_key(Table::changed, row.directory));
      rows->seek(at);
    }
  }
  bool done = !rows->valid();
  trim_cursor_ = done ? std::string() : at;
  if (done) last_changes_trim_ = env_.clock.now();
  if (keys.empty()) {
    then(!done);
    return;
  }
  submit(
      [keys = std::move(keys)](Transaction& txn) -> Result<> {
        for (const std::string& key : keys) txn.set(key, std::nullopt);
        return {};
      },
      false,
      [done, then = std::move(then)](Result<bool> result) mutable {
        then(result ? Result<bool>(!done) : std::move(result));
      });
}

// ---- bytes

void Background::delete_objects(std::vector<std::string> keys,
                                std::move_only_function<void(Result<size_t>)> done) {
  size_t count = keys.size();
  store_.remove(
      std::move(keys), env_.clock.now() + kStoreTimeout,
      [home = home_, count,
       done = std::move(done)](Result<std::vector<object::RemoveFailure>> result) mutable {
        auto tell = [count, done = std::move(done), result = std::move(result)]() mutable {
          if (!result) {
            done(std::unexpected(std::move(result).error()));
          } else if (!result->empty()) {
            done(std::unexpected(result->front().error));
          } else {
            done(count);
          }
        };
        home->with([&](Executor* executor) {
          if (executor != nullptr) executor->post(std::move(tell));
        });
      });
}

void Background::collect_dead(Duration grace, Then then) {
  auto state = shard_.state();
  int64_t now = shard_.now_ns();
  std::vector<uint64_t> blobs;
  std::vector<std::string> keys;
  uint64_t bytes = 0;
  int64_t died_until = now - grace.count();
  if (auto needed = backups_.needs_after_ns()) died_until = std::min(died_until, *needed);
  for (auto rows = rows_of(*state, codec::table_key(Table::dead)); rows->valid(); rows->next()) {
    std::string_view rest = rows->key().substr(1);
    uint64_t died = 0;
    uint64_t blob = 0;
    if (!codec::take_u64(rest, died) || !codec::take_u64(rest, blob)) continue;
    if (static_cast<int64_t>(died) > died_until) break;
    auto record = state->view().present<codec::BlobRecord>(codec::number_key(Table::blob, blob));
    if (!record || !*record) continue;
    // While its upload is open the record must stay: it says that the blob was published once.
    auto upload = state->view().present<codec::UploadRecord>(
        codec::number_key(Table::upload, (*record)->upload));
    if (!upload || (*upload && (*upload)->closed_ns == 0)) continue;
    // What lies with somebody else stays there: only the record goes.
    bool ours = !(*record)->external;
    uint32_t blocks = ours ? codec::block_count((*record)->bytes) : 0;
    if (keys.size() + blocks > kObjectsAtOnce && !keys.empty()) break;
    for (uint32_t i = 0; i < blocks; ++i) keys.push_back(codec::blob_object_name(blob, i));
    blobs.push_back(blob);
    if (ours) bytes += (*record)->bytes;
    if (blobs.size() == kObjectsAtOnce) break;
  }
  if (blobs.empty()) {
    then(false);
    return;
  }
  delete_objects(std::move(keys),
                 [this, blobs, bytes, then = std::move(then)](Result<size_t> deleted) mutable {
                   if (!deleted) {
                     then(std::unexpected(std::move(deleted).error()));
                     return;
                   }
                   counters_.blobs_deleted.fetch_add(blobs.size(), std::memory_order_relaxed);
                   counters_.objects_deleted.fetch_add(*deleted, std::memory_order_relaxed);
                   counters_.bytes_deleted.fetch_add(bytes, std::memory_order_relaxed);
                   submit(
                       [blobs](Transaction& txn) -> Result<> {
                         meta::plan_purge(txn, blobs);
                         return {};
                       },
                       false, std::move(then));
                 });
}

// ---- uploads and sessions

void Background::close_uploads(Then then) {
  auto state = shard_.state();
  // Serving time: a server that was off for a week has closed nothing by that.
  if (env_.clock.now() - started_ < options_.upload_ttl) {
    then(false);
    return;
  }
  for (auto rows = rows_of(*state, codec::table_key(Table::upload)); rows->valid(); rows->next()) {
    codec::UploadRecord record;
    uint64_t id = 0;
    if (!codec::split_number_key(rows->key(), id) || !codec::decode(rows->value(), record)) {
      continue;
    }
    if (record.closed_ns != 0 || shard_.now_ns() - record.opened_ns < options_.upload_ttl.count()) {
      continue;
    }
    counters_.uploads_closed.fetch_add(1, std::memory_order_relaxed);
    submit([id](Transaction& txn) { return meta::plan_close_upload(txn, id); }, false,
           std::move(then));
    return;
  }
  then(false);
}

// The blobs of a closed upload that nobody published: deleted at once, and again later for a PUT
// that was stuck on its way.
void Background::delete_unpublished(Duration second_pass, Then then) {
  auto state = shard_.state();
  for (auto rows = rows_of(*state, codec::table_key(Table::upload)); rows->valid(); rows->next()) {
    codec::UploadRecord record;
    uint64_t id = 0;
    if (!codec::split_number_key(rows->key(), id) || !codec::decode(rows->value(), record)) {
      continue;
    }
    if (record.closed_ns == 0) continue;
    bool last = record.passes > 0;
    int64_t now = shard_.now_ns();
    if (last && now - record.closed_ns < second_pass.count()) continue;
    auto keys = std::make_shared<std::vector<std::string>>();
    constexpr uint32_t kBlocks = codec::kBlobBytes / codec::kBlockBytes;
    for (uint32_t i = 0; i < record.count; ++i) {
      uint64_t blob = record.first_blob + i;
      auto there = state->view().get_present(codec::number_key(Table::blob, blob));
      if (!there || *there) continue;
      for (uint32_t block = 0; block < kBlocks; ++block) {
        keys->push_back(codec::blob_object_name(blob, block));
      }
    }
    delete_objects(
        std::move(*keys), [this, id, last, then = std::move(then)](Result<size_t> deleted) mutable {
          if (!deleted) {
            then(std::unexpected(std::move(deleted).error()));
            return;
          }
          submit([id, last](Transaction& txn) { return meta::plan_upload_pass(txn, id, last); },
                 false, std::move(then));
        });
    return;
  }
  then(false);
}

void Background::expire_sessions(Then then) {
  if (quiet()) {
    then(false);
    return;
  }
  shard_.expire_sessions(options_.session_idle,
                         [this, then = std::move(then)](Result<size_t> gone) mutable {
                           executor_->post([then = std::move(then), gone]() mutable {
                             if (gone) {
                               then(*gone != 0);
                             } else {
                               then(std::unexpected(gone.error()));
                             }
                           });
                         });
}

// ---- checkpoints and the log

void Background::checkpoint(bool now, Then then) {
  uint64_t log_bytes = shard_.counters().log_bytes.load();
  bool due = env_.clock.now() - last_checkpoint_ >= options_.checkpoint_every &&
             log_bytes != checkpoint_log_bytes_;
  bool grown = log_bytes - checkpoint_log_bytes_ >= options_.checkpoint_log_bytes;
  if (!now && !due && !grown) {
    // Time passes for events, though nothing changes.
    bool look = env_.clock.now() - last_log_trim_ >= options_.checkpoint_every;
    Result<> trimmed = look ? trim_log() : Result<>();
    then(trimmed ? Result<bool>(false) : std::unexpected(std::move(trimmed).error()));
    return;
  }
  last_checkpoint_ = env_.clock.now();
  checkpoint_log_bytes_ = log_bytes;
  Result<> made = make_checkpoint();
  then(made ? Result<bool>(false) : std::unexpected(std::move(made).error()));
}

Result<> Background::make_checkpoint() {
  std::lock_guard lock(checkpoints_);
  NOKV_TRY(engine_.flush());
  NOKV_ASSIGN(auto value, engine_.durable_get(codec::table_key(Table::state)));
  codec::StateRecord held;
  if (!value || !codec::decode(*value, held)) {
    return fail(Code::data_loss, "the engine's files do not tell their version after a flush");
  }
  if (options_.checkpoint_directory.empty()) {
    recoverable_ = held.version;
    return trim_log();
  }
  NOKV_TRY(env_.files.make_dirs(options_.checkpoint_directory));
  std::string name = std::to_string(held.version);
  std::string digits(20 - name.size(), '0');
  std::string path = options_.checkpoint_directory + "/" + digits + name;
  NOKV_ASSIGN(bool there, env_.files.exists(path));
  if (!there) NOKV_TRY(engine_.checkpoint(path));
  // The log reaches back to the older of the two newest.
  NOKV_ASSIGN(auto names, env_.files.list(options_.checkpoint_directory));
  std::erase_if(names, [](const std::string& n) {
    return n.size() != 20 || !std::ranges::all_of(n, [](char c) { return c >= '0' && c <= '9'; });
  });
  while (names.size() > 2) {
    NOKV_TRY(remove_tree(env_.files, options_.checkpoint_directory + "/" + names.front()));
    names.erase(names.begin());
  }
  if (names.size() < 2) return {};
  uint64_t oldest = std::stoull(names.front());
  events_.info("checkpoint_made", {{"version", held.version}, {"log_needed_from", oldest + 1}});
  recoverable_ = oldest;
  return trim_log();
}

// Drops the oldest parts of the log that neither recovery nor events need.
Result<> Background::trim_log() {
  last_log_trim_ = env_.clock.now();
  auto parts = log_.parts();
  uint64_t bytes = 0;
  for (const auto& part : parts) bytes += part.bytes;
  int64_t kept_since = shard_.now_ns() - options_.log_kept_for.count();
  uint64_t upto = 0;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    Version next = parts[i + 1].first;
    if (next.value() > recoverable_ + 1) break;
    if (bytes <= options_.log_kept_bytes) {
      // What comes before the next part is older than its first record.
      NOKV_ASSIGN(int64_t begins, time_of_part(log_, next));
      if (begins > kept_since) break;
    }
    upto = next.value() - 1;
    bytes -= parts[i].bytes;
  }
  return upto == 0 ? Result<>() : log_.trim(Version{upto});
}

}  // namespace nokv::shard
