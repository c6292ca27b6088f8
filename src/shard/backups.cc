#include "shard/backups.h"

#include <algorithm>
#include <utility>

#include "codec/key.h"

namespace nokv::shard {

using codec::BackupManifest;

namespace {

constexpr Duration kTryAgain = std::chrono::minutes(1);

codec::BackupInfo info_of(const BackupManifest& manifest) {
  codec::BackupInfo out{manifest.id,          manifest.version,     manifest.time_ns,
                        manifest.log_version, manifest.log_time_ns, 0};
  for (const auto& file : manifest.files) {
    for (const auto& part : file.parts) out.bytes += part.bytes;
  }
  return out;
}

codec::BackupsReply reply_of(const std::vector<BackupManifest>& all,
                             const backup::Repository& repository) {
  codec::BackupsReply out;
  for (const auto& it : all) out.backups.push_back(info_of(it));
  out.to = repository.description();
  return out;
}

}  // namespace

Backups::Backups(const Env& env, Shard& shard, engine::Engine& engine, log::LogStore& log,
                 object::ObjectStore& own, EventSink& events, std::mutex& checkpoints,
                 BackupOptions options)
    : env_(env),
      shard_(shard),
      engine_(engine),
      log_(log),
      own_(own),
      events_(events),
      checkpoints_(checkpoints),
      options_(std::move(options)),
      executor_(env.executors.serial("nokv-backup")) {
  if (options_.directory.empty()) return;
  auto known = backup::read_known(env_.files, options_.directory);
  state_.with([&](State& state) {
    state.readable = known.has_value();
    if (known) {
      state.known = *std::move(known);
    } else {
      state.error = known.error().message();
    }
  });
  if (!known) {
    events_.error("backups_unknown", {{"error", known.error().message()},
                                      {"effect", "no object of a body is deleted"}});
  }
}

Backups::~Backups() {
  stopping_ = true;
  executor_.reset();
}

// ---- what is known

std::optional<int64_t> Backups::needs_after_ns() const {
  return state_.with([](const State& state) -> std::optional<int64_t> {
    if (!state.readable) return INT64_MIN;
    std::optional<int64_t> out = state.making_ns;
    for (const auto& [url, it] : state.known) out = std::min(out.value_or(INT64_MAX), it.oldest_ns);
    return out;
  });
}

void Backups::tell(codec::StatusReply& reply) const {
  if (options_.every.count() != 0) {
    reply.backup_to = options_.to.empty() ? backup::kOwnPlace : options_.to;
  }
  state_.with([&](const State& state) {
    reply.backup_error = state.error;
    for (const auto& [url, it] : state.known) {
      if (it.version < reply.backup_version) continue;
      reply.backup_version = it.version;
      reply.backup_time_ns = it.time_ns;
    }
  });
}

// What a restart has to know is on disk before a backup is there, and after it is gone.
Result<> Backups::note(const std::function<void(backup::KnownBackups&)>& change) {
  auto known = state_.with([&](State& state) -> std::optional<backup::KnownBackups> {
    if (!state.readable) return std::nullopt;
    change(state.known);
    return state.known;
  });
  if (!known) return fail(Code::data_loss, options_.directory, "/backups: is damaged");
  return backup::write_known(env_.files, options_.directory, *known);
}

Result<> Backups::note_all(const std::string& url, const std::vector<BackupManifest>& all) {
  return note([&](backup::KnownBackups& known) {
    if (all.empty()) {
      known.erase(url);
      return;
    }
    auto oldest = std::ranges::min_element(all, {}, &BackupManifest::time_ns);
    known[url] = {oldest->time_ns, all.back().version, all.back().time_ns};
  });
}

// ---- places

Result<Backups::Place> Backups::open(const std::string& to) {
  Place out;
  if (options_.directory.empty()) {
    return fail(Code::failed_precondition, "there is no data directory to back up");
  }
  out.url = to.empty() ? options_.to : to;
  if (out.url.empty() || out.url == backup::kOwnPlace) {
    out.url = backup::kOwnPlace;
    out.repository =
        std::make_unique<backup::Repository>(env_, own_, std::string(backup::kOwnPrefix));
    return out;
  }
  if (!options_.open) return fail(Code::unimplemented, "no other place for backups is known here");
  NOKV_ASSIGN(out.opened, options_.open(out.url));
  out.repository = std::make_unique<backup::Repository>(env_, *out.opened, "");
  return out;
}

// What is there now; and that is known from here on.
Result<std::vector<BackupManifest>> Backups::kept(Place& place) {
  NOKV_ASSIGN(auto all, place.repository->manifests());
  for (const auto& it : all) {
    if (it.namespace_id == options_.namespace_id) continue;
    return fail(Code::failed_precondition, place.repository->description(),
                ": holds backups of another namespace (", it.namespace_id, ")");
  }
  bool gone = all.empty() && state_.with([&](const State& state) {
    auto it = state.known.find(place.url);
    return it != state.known.end() && it->second.version != 0;
  });
  if (gone) {
    return std::unexpected(
        Error(Code::failed_precondition,
              str(place.repository->description(), ": had backups, and has none now"))
            .with_hint("is the right disk mounted there? If they were deleted: nokv backup "
                       "--forget --to URL"));
  }
  NOKV_TRY(note_all(place.url, all));
  return all;
}

// ---- the calls

void Backups::make(std::string to, std::move_only_function<void(Result<codec::BackupReply>)> done) {
  executor_->post([this, to = std::move(to), done = std::move(done)]() mutable {
    auto made = make_now(to);
    state_.with([&](State& state) {
      state.error = made ? std::string() : made.error().message();
      state.scheduled = false;
      if (!made) state.not_before = env_.clock.now() + kTryAgain;
    });
    if (made) {
      counters_.made.fetch_add(1, std::memory_order_relaxed);
      events_.info("backup_made", {{"id", made->backup.id},
                                   {"version", made->backup.version},
                                   {"objects_put", made->objects_put},
                                   {"bytes_put", made->bytes_put}});
    } else {
      counters_.failed.fetch_add(1, std::memory_order_relaxed);
      events_.warn("backup_failed", {{"error", made.error().message()}});
    }
    done(std::move(made));
  });
}

void Backups::list(std::string to,
                   std::move_only_function<void(Result<codec::BackupsReply>)> done) {
  executor_->post([this, to = std::move(to), done = std::move(done)]() mutable {
    done([&]() -> Result<codec::BackupsReply> {
      NOKV_ASSIGN(Place place, open(to));
      NOKV_ASSIGN(auto all, kept(place));
      return reply_of(all, *place.repository);
    }());
  });
}

void Backups::remove(std::string to, std::string id,
                     std::move_only_function<void(Result<codec::BackupsReply>)> done) {
  executor_->post([this, to = std::move(to), id = std::move(id), done = std::move(done)]() mutable {
    done([&]() -> Result<codec::BackupsReply> {
      NOKV_ASSIGN(Place place, open(to));
      if (id.empty()) {
        NOKV_TRY(note_all(place.url, {}));
        return reply_of({}, *place.repository);
      }
      NOKV_ASSIGN(auto ids, place.repository->ids());
      if (std::ranges::find(ids, id) == ids.end()) {
        return fail(Code::not_found, "no backup ", id, " in ", place.repository->description());
      }
      // One that cannot be read can go too; it may be of another namespace only if all are.
      auto manifest = place.repository->manifest(id);
      if (manifest && manifest->namespace_id != options_.namespace_id) {
        return fail(Code::failed_precondition, "backup ", id, " is of another namespace");
      }
      NOKV_TRY(place.repository->remove_manifest(id));
      NOKV_ASSIGN(auto all, place.repository->manifests());
      NOKV_TRY(note_all(place.url, all));
      NOKV_TRY(place.repository->remove_rest(all));
      events_.info("backup_removed", {{"id", id}});
      return reply_of(all, *place.repository);
    }());
  });
}

void Backups::tick() {
  if (options_.every.count() == 0 || options_.directory.empty()) return;
  auto newest = shard_.state();
  if (!newest->initialised()) return;
  int64_t now_ns = shard_.now_ns();
  std::string url = options_.to.empty() ? std::string(backup::kOwnPlace) : options_.to;
  bool due = state_.with([&](State& state) {
    if (state.scheduled || env_.clock.now() < state.not_before) return false;
    auto last = state.known.find(url);
    bool old = last == state.known.end() || now_ns - last->second.time_ns >= options_.every.count();
    bool changed = last == state.known.end() || newest->record.version != last->second.version;
    if (old && changed) state.scheduled = true;
    return old && changed;
  });
  if (due) make({}, [](const Result<codec::BackupReply>&) {});
}

// ---- making one

Result<codec::BackupReply> Backups::make_now(const std::string& to) {
  auto before = shard_.state();
  if (!before->initialised()) {
    return std::unexpected(Error(Code::failed_precondition, "there is no namespace here yet")
                               .with_hint("create it with: nokv init"));
  }
  NOKV_ASSIGN(Place place, open(to));
  state_.with([&](State& state) { state.making_ns = before->record.time_ns; });
  auto made = make_at(place);
  state_.with([](State& state) { state.making_ns.reset(); });
  auto removed = remove_tree(env_.files, copy_directory());
  if (made && !removed) return std::unexpected(std::move(removed).error());
  return made;
}

Result<codec::BackupReply> Backups::make_at(Place& place) {
  NOKV_TRY(kept(place));
  NOKV_ASSIGN(backup::Source source, copy_engine());
  auto before_manifest = [&](const BackupManifest& manifest) {
    return note([&](backup::KnownBackups& known) {
      auto [it, first] = known.try_emplace(place.url, backup::Known{manifest.time_ns});
      it->second.oldest_ns = std::min(it->second.oldest_ns, manifest.time_ns);
    });
  };
  NOKV_ASSIGN(auto manifest, backup::make(env_, *place.repository, log_, source, before_manifest,
                                          [this] { return stopping_.load(); }));
  NOKV_TRY(kept(place));
  const auto& put = place.repository->counters();
  counters_.objects_put.fetch_add(put.objects_put, std::memory_order_relaxed);
  counters_.bytes_put.fetch_add(put.bytes_put, std::memory_order_relaxed);
  codec::BackupReply reply{info_of(manifest), place.repository->description(), put.objects_put,
                           put.bytes_put};
  // The backup is there; older ones go with the next one.
  if (auto pruned = prune(place); !pruned) {
    events_.warn("backups_not_pruned", {{"error", pruned.error().message()}});
  }
  return reply;
}

Result<> Backups::prune(Place& place) {
  std::string_view scheduled = options_.to.empty() ? backup::kOwnPlace : options_.to;
  if (options_.keep == 0 || place.url != scheduled) return {};
  NOKV_ASSIGN(auto all, kept(place));
  if (all.size() <= options_.keep) return {};
  while (all.size() > options_.keep) {
    NOKV_TRY(place.repository->remove_manifest(all.front().id));
    all.erase(all.begin());
  }
  NOKV_TRY(note_all(place.url, all));
  return place.repository->remove_rest(all);
}

// The files of one moment: at least the version that is read from them first, at most the one that
// is readable afterwards.
Result<backup::Source> Backups::copy_engine() {
  backup::Source out;
  out.namespace_id = options_.namespace_id;
  out.directory = copy_directory();
  std::lock_guard lock(checkpoints_);
  NOKV_TRY(remove_tree(env_.files, out.directory));
  NOKV_TRY(env_.files.make_dirs(options_.directory + "/checkpoints"));
  NOKV_TRY(engine_.flush());
  NOKV_ASSIGN(auto value, engine_.durable_get(codec::table_key(codec::Table::state)));
  codec::StateRecord held;
  if (!value || !codec::decode(*value, held)) {
    return fail(Code::data_loss, "the engine's files do not tell their version after a flush");
  }
  out.files_version = held.version;
  out.files_digest = held.digest;
  NOKV_TRY(engine_.checkpoint(out.directory));
  // Of the engine, not of what the shard shows: that may be a group behind.
  std::string now;
  NOKV_ASSIGN(bool there, engine_.snapshot()->get(codec::table_key(codec::Table::state), now));
  if (!there || !codec::decode(now, held)) {
    return fail(Code::data_loss, "the engine does not tell its version");
  }
  out.version = held.version;
  out.time_ns = held.time_ns;
  out.next_id = held.next_id;
  return out;
}

}  // namespace nokv::shard
