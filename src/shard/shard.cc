#include "shard/shard.h"

#include <algorithm>

#include "base/check.h"
#include "base/known_bad.h"
#include "codec/key.h"
#include "meta/upkeep.h"

namespace nokv::shard {

using codec::CommitReply;
using codec::CommitRequest;
using codec::RedoRecord;

namespace {

bool anonymous(const CommitRequest& request) { return request.session == codec::SessionId{}; }

// What a record adds to its group, roughly.
size_t weight(const RedoRecord& record) {
  size_t bytes = 64 + record.result.size();
  for (const auto& change : record.changes) {
    bytes += change.key.size() + 16 + (change.value ? change.value->size() : 0);
  }
  for (const auto& set : record.sets) bytes += set.key.size() + (set.value ? set.value->size() : 0);
  for (const auto& blob : record.blobs) bytes += blob.bytes.size() + blob.block_crcs.size() * 5;
  for (const auto& event : record.events) bytes += 32 + event.path.size() + event.old_path.size();
  return bytes;
}

}  // namespace

Shard::Shard(const Env& env, engine::Engine& engine, log::LogStore& log, EventSink& events,
             const ShardOptions& options)
    : env_(env),
      log_(log),
      events_(events),
      options_(options),
      clock_(LogClock(env.clock)),
      cache_(options.cache_bytes),
      applier_(engine, cache_) {
  log_thread_ = env.executors.serial("nokv-log");
  sequencer_ = env.executors.serial("nokv-seq");
}

Shard::~Shard() {
  // The sequencer may post to the log thread and the other way round: both stop before either
  // is destroyed.
  sequencer_.reset();
  log_thread_.reset();
}

Result<std::unique_ptr<Shard>> Shard::open(const Env& env, engine::Engine& engine,
                                           log::LogStore& log, EventSink& events,
                                           const ShardOptions& options) {
  std::unique_ptr<Shard> shard(new Shard(env, engine, log, events, options));
  NOKV_TRY(shard->recover());
  return shard;
}

// ---- asking

std::shared_ptr<const meta::State> Shard::state() const {
  return state_.with([](auto& state) { return state; });
}

std::optional<Error> Shard::failure() const {
  return failure_.with([](auto& failure) { return failure; });
}

// Of a record: later than that of any other. A clock that jumps is told of once.
int64_t Shard::tell_time(bool of_a_record) {
  bool clamped = false;
  int64_t ns = clock_.with([&](LogClock& clock) {
    int64_t told = of_a_record ? clock.next() : clock.current();
    clamped = clock.clamped();
    return told;
  });
  if (clamped) counters_.clamped_times.fetch_add(1, std::memory_order_relaxed);
  if (clamped != clamped_.load(std::memory_order_relaxed) &&
      clamped != clamped_.exchange(clamped) && clamped) {
    int64_t ahead_ns = to_unix_ns(env_.clock.wall()) - ns;
    events_.warn("wall_clock_jumped", {{"ahead_s", ahead_ns / 1'000'000'000}});
  }
  return ns;
}

void Shard::commit(CommitRequest request, std::string principal, CommitDone done) {
  Work work;
  for (const auto& box : request.operations) {
    if (const auto* publish = std::get_if<codec::Publish>(&box.op)) {
      work.bytes += publish->body.bytes.size();
    }
    work.bytes += 256;
  }
  work.begins_group = meta::begins_group(request);
  work.reads_applied = meta::reads_applied(request);
  work.request = std::move(request);
  work.principal = std::move(principal);
  work.done = std::move(done);
  submit(std::move(work));
}

void Shard::upkeep(Step step, bool begins_group, std::move_only_function<void(Result<>)> done) {
  Work work;
  work.step = std::move(step);
  work.begins_group = begins_group;
  work.step_done = std::move(done);
  submit(std::move(work));
}

void Shard::repair(Step step, std::move_only_function<void(Result<>)> done) {
  Work work;
  work.step = std::move(step);
  work.reads_applied = true;
  work.step_done = std::move(done);
  submit(std::move(work));
}

void Shard::submit(Work work) {
  std::optional<Error> refusal;
  bool schedule = inbox_.with([&](Inbox& inbox) {
    if (inbox.stopping) {
      refusal = Error(Code::unavailable, "the server is stopping");
    } else if (inbox.work.size() >= options_.queue_max ||
               inbox.bytes + work.bytes > options_.queue_bytes_max) {
      refusal =
          Error(Code::overloaded, str("the queue of ", inbox.work.size(), " requests is full"));
      counters_.overloaded.fetch_add(1, std::memory_order_relaxed);
    } else {
      inbox.bytes += work.bytes;
      inbox.work.push_back(std::move(work));
      queue_length_.store(inbox.work.size(), std::memory_order_relaxed);
      return !std::exchange(inbox.scheduled, true);
    }
    return false;
  });
  if (refusal) {
    if (work.done) work.done(std::unexpected(*refusal));
    if (work.step_done) work.step_done(std::unexpected(*refusal));
  } else if (schedule) {
    sequencer_->post([this] { drain(); });
  }
}

void Shard::init(const codec::RetentionPolicy& policy,
                 std::move_only_function<void(Result<bool>)> done) {
  sequencer_->post([this, policy, done = std::move(done)]() mutable {
    if (next_version() > 1) {
      done(false);
      return;
    }
    RedoRecord record;
    codec::RetentionPolicy chosen = policy;
    if (policy.ladder.empty() && policy.undo_ns == 0) chosen = meta::default_policy();
    if (auto fine = meta::check_policy(chosen); !fine) {
      done(std::unexpected(std::move(fine).error()));
      return;
    }
    auto plan_context = context(ids_);
    meta::plan_init(plan_context, tell_time(true), chosen, record);
    Answer answer{CommitReply(), {}, {}, {}};
    answer.step_done = [done = std::move(done)](Result<> result) mutable {
      if (result) {
        done(true);
      } else {
        done(std::unexpected(std::move(result).error()));
      }
    };
    append_record(std::move(record), std::move(answer));
    flush();
  });
}

void Shard::wait_for(uint64_t version, std::move_only_function<void(Result<uint64_t>)> done) {
  sequencer_->post([this, version, done = std::move(done)]() mutable {
    uint64_t newest = next_version() - 1;
    uint64_t wanted = version != 0 ? version : newest;
    if (failed_) {
      done(std::unexpected(*failure()));
    } else if (wanted > newest) {
      done(fail(Code::unavailable, "version ", wanted, " is not there: the newest is ", newest));
    } else if (applier_.version() >= wanted) {
      done(applier_.version());
    } else {
      waiters_.push_back({wanted, std::move(done)});
    }
  });
}

void Shard::stop(std::move_only_function<void()> done) {
  inbox_.with([](Inbox& inbox) { inbox.stopping = true; });
  sequencer_->post([this, done = std::move(done)]() mutable {
    stopped_ = std::move(done);
    drain();
    check_stopped();
  });
}

void Shard::check_stopped() {
  if (!stopped_ || !waiting_.empty()) return;
  if (!failed_ && !nothing_pending()) return;
  auto done = std::move(stopped_);
  stopped_ = nullptr;
  done();
}

// ---- sequencing

uint64_t Shard::next_version() const {
  uint64_t version = applier_.version() + 1;
  bool counted = known_bad(KnownBad::apply_before_append);
  if (in_flight_ && !counted) version += in_flight_->redo.records.size();
  return version + current_.redo.records.size();
}

meta::PlanContext Shard::context(meta::IdSource& ids) {
  return {pending_, *view_, *applied_view_, applier_.pins(), ids, policy_, options_.chain_max};
}

void Shard::take_inbox() {
  inbox_.with([&](Inbox& inbox) {
    inbox.scheduled = false;
    inbox.bytes = 0;
    if (waiting_.empty()) {
      waiting_.swap(inbox.work);
    } else {
      std::ranges::move(inbox.work, std::back_inserter(waiting_));
      inbox.work.clear();
    }
    queue_length_.store(0, std::memory_order_relaxed);
  });
}

void Shard::drain() {
  if (draining_) return;  // a lone group is finished from inside flush()
  draining_ = true;
  take_inbox();
  while (!waiting_.empty()) {
    if (failed_) {
      refuse_waiting(*failure());
      break;
    }
    bool full = current_.redo.records.size() >= options_.group_records_max ||
                current_.bytes >= options_.group_bytes_max;
    if (full) {
      if (in_flight_) break;
      flush();
      continue;
    }
    if (!handle(waiting_.front())) {
      if (in_flight_) break;
      flush();
      continue;
    }
    waiting_.pop_front();
    if (waiting_.empty()) {
      flush();
      take_inbox();
    }
  }
  draining_ = false;
  if (waiting_.empty()) flush();
  check_stopped();
}

bool Shard::handle(Work& work) {
  if (work.begins_group && !current_.redo.records.empty()) return false;
  if (work.reads_applied && !nothing_pending()) return false;
  if (work.step) {
    handle_step(work);
  } else {
    handle_commit(work);
  }
  return true;
}

void Shard::handle_step(Work& work) {
  if (applier_.version() == 0 && nothing_pending()) {
    work.step_done({});
    return;
  }
  RedoRecord record;
  pending_.begin();
  uint64_t id_before = ids_.next;
  int64_t now = tell_time(true);
  meta::Transaction txn(context(ids_), next_version(), now, record);
  Result<> planned = work.step(txn);
  bool empty =
      record.changes.empty() && record.sets.empty() && record.pins.empty() && !record.upkeep;
  if (!planned || empty) {
    pending_.undo();
    ids_.next = id_before;
    work.step_done(std::move(planned));
    return;
  }
  pending_.keep();
  record.time_ns = now;
  record.next_id = ids_.next;
  Answer answer{CommitReply(), {}, {}, std::move(work.step_done)};
  append_record(std::move(record), std::move(answer));
}

void Shard::handle_commit(Work& work) {
  if (next_version() == 1) {
    work.done(std::unexpected(Error(Code::failed_precondition, "there is no namespace here yet")
                                  .with_hint("create it with: nokv init")));
    return;
  }
  bool opens = false;
  if (!anonymous(work.request)) {
    auto verdict = sessions_.admit(work.request, env_.clock.now(), work.done);
    using Kind = SessionTable::Verdict::Kind;
    if (verdict.kind == Kind::wait) return;
    if (verdict.kind == Kind::answer) {
      counters_.repeated.fetch_add(1, std::memory_order_relaxed);
      // What it repeats may still be on its way to the log.
      answer_later({*std::move(verdict.answer), std::move(work.done), {}, {}});
      return;
    }
    opens = verdict.opens;
  }
  plan_commit(work, opens);
}

// What may be answered early takes ids that are reserved for its session, as long as there are
// enough; `first_id` is the first of them then. Else it is 0, and ids are taken that anybody may.
Result<CommitReply> Shard::plan_with_ids(const CommitRequest& request, uint64_t version,
                                         RedoRecord& record, uint64_t& first_id) {
  int64_t now = tell_time(true);
  bool again = request.first_id != 0;
  if ((request.durability == codec::Durability::early || again) && !anonymous(request)) {
    NOKV_ASSIGN(auto ranges, sessions_.own_ids(request, applier_.version()));
    for (const codec::IdRange& range : ranges) {
      meta::IdSource own{range.first, range.end};
      meta::IdSource& ids = known_bad(KnownBad::early_ids_of_all) ? ids_ : own;
      auto planned = meta::plan(context(ids), version, now, request, record);
      if (ids.exceeded) continue;
      if (planned && !request.dry_run) {
        sessions_.took_ids(request.session, ids.next);
        first_id = range.first;
      }
      return planned;
    }
    if (again) {
      return fail(Code::stale, "more ids are needed than are left from ", request.first_id, " on");
    }
  }
  return meta::plan(context(ids_), version, now, request, record);
}

void Shard::plan_commit(Work& work, bool opens) {
  const CommitRequest& request = work.request;
  RedoRecord record;
  record.principal = work.principal;
  uint64_t version = next_version();
  uint64_t first_id = 0;
  auto planned = plan_with_ids(request, version, record, first_id);
  if (!planned) counters_.refused.fetch_add(1, std::memory_order_relaxed);
  if (!planned && planned.error().code() == Code::quota_exceeded) {
    counters_.over_quota.fetch_add(1, std::memory_order_relaxed);
  }
  bool named = !anonymous(request);
  bool early = request.durability == codec::Durability::early && named && planned;
  if (early) {
    planned->first_id = first_id;
    if (first_id == 0) planned->synced = version;  // it is answered when that is true
  }
  Answer answer{planned, std::move(work.done), {}, {}};
  // A session that opens with a refused request is open all the same.
  bool logged = (planned && !request.dry_run && !request.operations.empty()) ||
                (named && (opens || request.close_session));
  if (named && opens) sessions_.opened(request.session, {tell_time(false), work.principal, {}});
  bool reserves = early && logged && sessions_.wants_ids(request.session);
  if (reserves) {
    codec::IdRange ids{ids_.next, ids_.next + SessionTable::kIdsReserved};
    ids_.next = ids.end;
    sessions_.reserve(request.session, ids, version);
  }
  if (named && (opens || reserves)) {
    record.sets.push_back(
        {codec::bytes_key(codec::Table::session, codec::session_bytes(request.session)),
         codec::encoded(sessions_.record(request.session))});
  }
  if (named) sessions_.finish(request, planned);
  if (!logged) {
    if (named) answer.waiters = sessions_.take_waiters(request);
    answer_later(std::move(answer));
    return;
  }
  record.time_ns = tell_time(true);
  record.next_id = ids_.next;
  record.principal = work.principal;
  bool forgets = known_bad(KnownBad::result_apart_from_effect);
  if (named && planned && !request.close_session && !forgets) {
    record.session = codec::session_bytes(request.session);
    record.sequence = request.sequence;
    record.acked_below = request.acked_below;
    record.result = codec::encoded(*planned);
    record.session_next_id = sessions_.next_id(request.session);
  }
  if (named && request.close_session) {
    auto id = codec::session_bytes(request.session);
    record.sets.push_back({codec::bytes_key(codec::Table::session, id), std::nullopt});
    uint64_t newest = std::max(request.sequence, sessions_.newest(request.session));
    for (uint32_t slot = 0; slot < std::min(newest, codec::kSessionWindow); ++slot) {
      uint64_t of_slot = (slot + 1) % codec::kSessionWindow;
      record.sets.push_back({codec::request_key(id, static_cast<uint32_t>(of_slot)), std::nullopt});
    }
    sessions_.close(request.session);
  }
  if (early && first_id != 0 && answer.done) {
    planned->synced = applier_.version();
    auto done = std::move(answer.done);
    answer.done = nullptr;
    current_.early = true;
    done(std::move(planned));
  }
  append_record(std::move(record), std::move(answer));
}

void Shard::expire_sessions(Duration idle, std::move_only_function<void(Result<size_t>)> done) {
  sequencer_->post([this, idle, done = std::move(done)]() mutable {
    constexpr size_t kAtOnce = 16;
    auto gone = sessions_.idle(env_.clock.now(), idle, kAtOnce);
    if (gone.empty()) {
      done(size_t{0});
      return;
    }
    RedoRecord record;
    for (const auto& id : gone) {
      auto bytes = codec::session_bytes(id);
      record.sets.push_back({codec::bytes_key(codec::Table::session, bytes), std::nullopt});
      for (uint32_t slot = 0; slot < codec::kSessionWindow; ++slot) {
        record.sets.push_back({codec::request_key(bytes, slot), std::nullopt});
      }
      sessions_.close(id);
    }
    record.time_ns = tell_time(true);
    record.next_id = ids_.next;
    Answer answer{CommitReply(), {}, {}, {}};
    answer.step_done = [count = gone.size(), done = std::move(done)](Result<> result) mutable {
      if (result) {
        done(count);
      } else {
        done(std::unexpected(std::move(result).error()));
      }
    };
    append_record(std::move(record), std::move(answer));
    flush();
  });
}

void Shard::append_record(RedoRecord record, Answer answer) {
  codec::RedoGroup& redo = current_.redo;
  if (redo.records.empty()) redo.first = next_version();
  current_.bytes += weight(record);
  redo.records.push_back(std::move(record));
  current_.answers.push_back(std::move(answer));
}

// An answer may depend on what is pending: it waits until that is durable.
void Shard::answer_later(Answer answer) {
  if (!current_.redo.records.empty()) {
    current_.answers.push_back(std::move(answer));
  } else if (in_flight_) {
    in_flight_->answers.push_back(std::move(answer));
  } else {
    give(std::move(answer));
  }
}

void Shard::flush() {
  if (in_flight_ || current_.redo.records.empty() || failed_) return;
  uint64_t last = next_version() - 1;
  meta::Tree tree(*view_, meta::kNow);
  auto directories = pending_.close_group(tree, last);
  if (!directories) {
    stop_for_ever(directories.error());
    return;
  }
  current_.redo.directories = *std::move(directories);
  in_flight_.emplace(std::move(current_));
  current_ = OpenGroup();
  log::Group& group = in_flight_->encoded;
  group.first = Version{in_flight_->redo.first};
  group.last = Version{last};
  codec::encode(in_flight_->redo, group.bytes);
  in_flight_->digest = log::chain(tail_.digest, group);
  if constexpr (known_bad(KnownBad::apply_before_append)) {
    if (applier_.apply(in_flight_->redo, in_flight_->digest)) publish();
  }
  auto from_elsewhere = [this](Result<log::Appended> result) {
    sequencer_->post([this, r = std::move(result)]() mutable { appended(std::move(r)); });
  };
  // A lone request pays no handoff: nothing else could be planned while it is written.
  bool lone = in_flight_->redo.records.size() == 1 && !in_flight_->early && waiting_.empty() &&
              queue_length_.load(std::memory_order_relaxed) == 0;
  if (!log_.blocking()) {
    log_.append(epoch_, tail_, in_flight_->encoded, from_elsewhere);
  } else if (lone) {
    log_.append(epoch_, tail_, in_flight_->encoded,
                [this](Result<log::Appended> result) { appended(std::move(result)); });
  } else {
    log_thread_->post([this, from_elsewhere] {
      log_.append(epoch_, tail_, in_flight_->encoded, from_elsewhere);
    });
  }
}

void Shard::appended(Result<log::Appended> result) {
  if (!result) {
    Error error = std::move(result).error();
    if (error.outcome() == Outcome::maybe_done) {
      stop_for_ever(std::move(error).within("log"));  // a restart finds out
    } else if (in_flight_->early || current_.early) {
      // What was answered early may not be taken back, nor its versions given to others: only a
      // restart makes clients send it again.
      stop_for_ever(std::move(error).within("log, with changes that were answered early"));
    } else {
      // Nothing was written. All that was decided since the last applied group is void.
      void_pending(std::move(error).within("log"));
    }
  } else if (*result == log::Appended::fenced) {
    stop_for_ever(Error(Code::wrong_shard, "another server took the log over"));
  } else {
    check(*result == log::Appended::appended, "the local log knows the outcome of its appends");
    finish_group();
  }
  if (!draining_) drain();
}

void Shard::finish_group() {
  auto done = known_bad(KnownBad::apply_before_append)
                  ? Result<>()
                  : applier_.apply(in_flight_->redo, in_flight_->digest);
  if (!done) {
    // It is in the log, so it has happened; a restart will show it.
    stop_for_ever(std::move(done).error().within("apply").maybe_done());
    return;
  }
  tail_ = {in_flight_->encoded.last, in_flight_->digest};
  counters_.groups.fetch_add(1, std::memory_order_relaxed);
  counters_.records.fetch_add(in_flight_->redo.records.size(), std::memory_order_relaxed);
  counters_.log_bytes.fetch_add(in_flight_->encoded.bytes.size(), std::memory_order_relaxed);
  uint64_t bodies = 0;
  for (const auto& record : in_flight_->redo.records) {
    for (const auto& blob : record.blobs) bodies += blob.size;
  }
  counters_.body_bytes.fetch_add(bodies, std::memory_order_relaxed);
  publish();
  pending_.applied(applier_.version());
  OpenGroup group = std::move(*in_flight_);
  in_flight_.reset();
  if (feed_.wanted()) feed_.push(std::move(group.redo), group.encoded.bytes.size());
  for (Answer& answer : group.answers) give(std::move(answer));
  std::erase_if(waiters_, [&](Waiter& waiter) {
    if (waiter.version > applier_.version()) return false;
    waiter.done(applier_.version());
    return true;
  });
}

void Shard::publish() {
  auto state = std::make_shared<const meta::State>(applier_.state());
  view_ = std::make_unique<meta::View>(state->snapshot, state->record.version, &cache_, &pending_,
                                       state->flat);
  applied_view_ = std::make_unique<meta::View>(state->view());
  state_.with([&](auto& published) { published = std::move(state); });
}

void Shard::give(Answer answer) {
  if (answer.step_done) {
    answer.step_done(answer.result ? Result<>() : std::unexpected(answer.result.error()));
  }
  for (CommitDone& waiter : answer.waiters) waiter(answer.result);
  if (answer.done) answer.done(std::move(answer.result));
}

// Answers everybody whose decision will not happen.
void Shard::refuse_pending(const Error& error) {
  auto refuse = [&](OpenGroup& group) {
    for (Answer& answer : group.answers) {
      answer.result = std::unexpected(error);
      give(std::move(answer));
    }
  };
  if (in_flight_) refuse(*in_flight_);
  in_flight_.reset();
  refuse(current_);
  current_ = OpenGroup();
  for (Waiter& waiter : std::exchange(waiters_, {})) waiter.done(std::unexpected(error));
}

void Shard::void_pending(const Error& error) {
  events_.error("log_append_failed", {{"error", error.message()}});
  refuse_pending(error);
  pending_.clear();
  ids_ = {std::max<uint64_t>(applier_.record().next_id, 2)};
  policy_ = applier_.record().policy;
  // What the sessions remember of it is void too.
  if (auto loaded = sessions_.load(*applied_view_, env_.clock.now()); !loaded) {
    stop_for_ever(std::move(loaded).error());
  }
}

void Shard::stop_for_ever(Error error) {
  events_.event(Level::error, "shard_failed",
                {{"error", error.message()}, {"code", std::string(code_name(error.code()))}});
  failed_ = true;
  failure_.with([&](auto& failure) { failure = error; });
  refuse_pending(error);
  refuse_waiting(error);
  if (options_.failed) options_.failed(error);
}

void Shard::refuse_waiting(const Error& error) {
  for (Work& work : std::exchange(waiting_, {})) {
    if (work.done) work.done(std::unexpected(error));
    if (work.step_done) work.step_done(std::unexpected(error));
  }
}

// ---- recovery

Result<> Shard::recover() {
  NOKV_TRY(applier_.load());
  NOKV_ASSIGN(auto claim, log_.claim("local"));
  epoch_ = claim.epoch;
  tail_ = claim.tail;
  uint64_t held = applier_.version();
  uint64_t newest = tail_.version.value();
  if (held > newest) {
    // Not data_loss: the engine is good, and must not be thrown away for an older one.
    return fail(Code::failed_precondition, "the engine holds version ", held,
                " and the log ends at ", newest,
                ": log files are missing; put them back, or restore a backup");
  }
  if (held == newest && held != 0 && applier_.record().digest != tail_.digest) {
    return fail(Code::data_loss, "version ", held,
                " of the engine is not on the chain of this log: they are of two servers");
  }
  if (held < newest) NOKV_TRY(replay(held));
  pending_.clear();
  ids_ = {std::max<uint64_t>(applier_.record().next_id, 2)};
  policy_ = applier_.record().policy;
  clock_.with([&](LogClock& clock) { clock.start(applier_.record().time_ns); });
  publish();
  NOKV_TRY(sessions_.load(*applied_view_, env_.clock.now()));
  events_.event(Level::info, "shard_recovered",
                {{"engine_version", static_cast<int64_t>(held)},
                 {"version", static_cast<int64_t>(applier_.version())}});
  return {};
}

Result<> Shard::replay(uint64_t held) {
  if (log_.oldest().value() > held + 1) {
    return fail(Code::data_loss, "the engine holds version ", held,
                " and the log reaches back only to ", log_.oldest().value(),
                ": put the missing engine or log files back, or restore a backup");
  }
  NOKV_ASSIGN(auto reader, log_.read(Version{held + 1}));
  log::ChainDigest digest = applier_.record().digest;
  for (;;) {
    NOKV_ASSIGN(auto entry, reader->next());
    if (!entry) return {};
    uint64_t first = entry->group.first.value();
    digest = log::chain(digest, entry->group);
    if (first != applier_.version() + 1 || digest != entry->after.digest) {
      return fail(Code::data_loss, "version ", applier_.version(),
                  " of the engine is not on the chain of this log");
    }
    codec::RedoGroup redo;
    if (!codec::decode(entry->group.bytes, redo) || redo.first != first ||
        redo.records.size() != entry->group.last.value() - first + 1) {
      return fail(Code::data_loss, "the log's group of version ", first, " cannot be decoded");
    }
    NOKV_TRY(applier_.apply(redo, digest));
  }
}

}  // namespace nokv::shard
