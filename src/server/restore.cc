#include "server/restore.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backup/known.h"
#include "codec/key.h"
#include "codec/redo.h"
#include "engine/rocks_engine.h"
#include "log/local_log.h"
#include "meta/at.h"
#include "object/waiter.h"
#include "server/identity.h"
#include "shard/shard.h"

namespace nokv::server {

using backup::PartKind;
using backup::PartName;
using codec::BackupManifest;

namespace {

// Ids that the namespace may have given out after what is known of it.
constexpr uint64_t kIdsSkipped = uint64_t{1} << 32;

// Up to where: the newest group at or before both.
struct Goal {
  uint64_t version = UINT64_MAX;
  int64_t time_ns = INT64_MAX;
  bool reaches(uint64_t version_there, int64_t time_there) const {
    return version_there <= version && time_there <= time_ns;
  }
};

std::string digits20(uint64_t number) {
  std::string out = std::to_string(number);
  return std::string(20 - out.size(), '0') + out;
}

class Restore {
 public:
  Restore(const Env& env, backup::Repository& repository, EventSink& events,
          const RestoreOptions& options)
      : env_(env), repository_(repository), events_(events), options_(options) {
    kind_ = options.engine_kind;
    if (kind_ == nullptr) {
      kind_ = std::make_shared<engine::RocksKind>(engine::RocksOptions());
    }
  }

  Result<Restored> run() {
    NOKV_TRY(choose());
    NOKV_TRY(begin());
    NOKV_TRY(fetch_files());
    NOKV_TRY(put_engine());
    NOKV_TRY(finish());
    return out_;
  }

 private:
  std::string path(std::string_view name) const { return str(options_.directory, "/", name); }

  // ---- which

  Result<> choose() {
    NOKV_ASSIGN(auto ids, repository_.ids());
    if (ids.empty()) {
      return fail(Code::not_found, "no backup in ", repository_.description());
    }
    std::optional<BackupManifest> chosen;
    bool by_id = std::ranges::find(ids, options_.at) != ids.end();
    if (options_.at.empty() || by_id) {
      auto manifest = repository_.manifest(by_id ? options_.at : ids.back());
      if (!manifest && ids.size() > 1) {
        return std::unexpected(std::move(manifest).error().with_hint(
            str("an older one may be whole: --at ", ids[ids.size() - 2])));
      }
      NOKV_ASSIGN(chosen, std::move(manifest));
    }
    for (const auto& id : ids) {
      auto manifest = repository_.manifest(id);
      if (!manifest && !chosen) return std::unexpected(std::move(manifest).error());
      if (!manifest) continue;
      next_id_ = std::max(next_id_, manifest->next_id);
      oldest_ns_ = std::min(oldest_ns_, manifest->time_ns);
      newest_ = {oldest_ns_, manifest->version, manifest->time_ns};
      all_.push_back(*std::move(manifest));
    }
    if (!chosen) return choose_for_goal();
    base_ = log_ = *std::move(chosen);
    return {};
  }

  Result<> choose_for_goal() {
    if (auto version = meta::parse_version(options_.at)) {
      goal_.version = *version;
    } else if (auto age = meta::parse_age(options_.at)) {
      goal_.time_ns = to_unix_ns(env_.clock.wall()) - *age;
    } else if (auto time = meta::parse_time(options_.at)) {
      goal_.time_ns = *time;
    } else {
      return std::unexpected(
          Error(Code::invalid_argument, str("'", options_.at, "' is no version, time or age"))
              .with_hint("a backup knows no snapshots' names: v123, 2h, 2026-11-24T05:19, or a "
                         "backup's id"));
    }
    for (auto log = all_.rbegin(); log != all_.rend(); ++log) {
      // Its log has to reach the goal: what came after its end is not known.
      if (goal_.version != UINT64_MAX ? log->log_version < goal_.version
                                      : log->log_time_ns < goal_.time_ns) {
        continue;
      }
      for (auto base = log; base != all_.rend(); ++base) {
        bool connected = base->lineage == log->lineage &&
                         (base->files_version == log->log_version ||
                          (!log->log.empty() && log->log.front().first <= base->files_version + 1));
        if (!connected || !goal_.reaches(base->version, base->time_ns)) continue;
        base_ = *base;
        log_ = *log;
        return {};
      }
    }
    const BackupManifest& first = all_.front();
    const BackupManifest& last = all_.back();
    return fail(Code::not_found, "no backup reaches ", options_.at, ": they hold v", first.version,
                " (", meta::format_time(first.time_ns), ") to v", last.log_version, " (",
                meta::format_time(last.log_time_ns), ")");
  }

  // ---- the directory

  // A directory that says 'restoring' holds nothing that anybody may need.
  Result<> begin() {
    Files& files = env_.files;
    NOKV_ASSIGN(bool cut_off, files.exists(path("restoring")));
    NOKV_ASSIGN(bool there, files.exists(options_.directory));
    if (there && !cut_off) {
      NOKV_ASSIGN(auto names, files.list(options_.directory));
      if (!names.empty()) {
        return std::unexpected(Error(Code::already_exists, options_.directory + ": is not empty")
                                   .with_hint("restore into another --meta directory"));
      }
    }
    NOKV_TRY(make_durable_dirs(files, options_.directory));
    auto lock = files.lock(path("lock"));
    if (!lock && lock.error().code() == Code::failed_precondition) {
      return fail(Code::failed_precondition, options_.directory, ": another process has it open");
    }
    NOKV_ASSIGN(lock_, std::move(lock));
    NOKV_TRY(write_file_atomic(files, path("restoring"), ""));
    for (const char* part : {"identity", "engine", "log", "checkpoints", "backups"}) {
      NOKV_TRY(remove_tree(files, path(part)));
    }
    return files.sync_dir(options_.directory);
  }

  Result<std::string> next_part(backup::PartReader& parts, const BackupManifest& of) {
    auto bytes = parts.next();
    if (!bytes) return std::unexpected(std::move(bytes).error().within("backup " + of.id));
    out_.bytes += bytes->size();
    if (options_.read) options_.read(bytes->size());
    return bytes;
  }

  // ---- the files

  Result<> fetch_files() {
    std::string checkpoint = path("checkpoints/") + digits20(base_.files_version);
    NOKV_TRY(make_durable_dirs(env_.files, checkpoint));
    std::vector<PartName> names;
    for (const auto& file : base_.files) {
      for (const auto& it : file.parts) names.push_back({PartKind::file, it});
    }
    backup::PartReader parts = repository_.read(std::move(names));
    for (const auto& file : base_.files) {
      if (file.name.empty() || file.name.find('/') != std::string::npos || file.name == "..") {
        return fail(Code::data_loss, "backup ", base_.id, " names a file '", file.name, "'");
      }
      NOKV_ASSIGN(auto to, env_.files.open(checkpoint + "/" + file.name, OpenMode::create));
      uint64_t offset = 0;
      for (size_t i = 0; i < file.parts.size(); ++i) {
        NOKV_ASSIGN(std::string bytes, next_part(parts, base_));
        NOKV_TRY(to->write_at(offset, bytes));
        offset += bytes.size();
      }
      NOKV_TRY(to->sync());
    }
    NOKV_TRY(env_.files.sync_dir(checkpoint));
    auto copied = kind_->restore(checkpoint, path("engine"));
    if (!copied) return std::unexpected(std::move(copied).error().within("backup " + base_.id));
    return {};
  }

  // ---- the log

  // The groups after the files' version, up to the goal.
  Result<> put_log() {
    log::ChainDigest digest{};
    uint64_t version = 0;  // that `digest` reaches; 0: nothing read yet
    std::vector<codec::BackupLog> pieces;
    std::vector<PartName> names;
    for (const auto& piece : log_.log) {
      if (piece.last <= base_.files_version) continue;
      pieces.push_back(piece);
      names.push_back({PartKind::log, piece.object});
    }
    backup::PartReader parts = repository_.read(std::move(names));
    for (const auto& piece : pieces) {
      NOKV_ASSIGN(std::string bytes, next_part(parts, log_));
      codec::BackupGroups groups;
      if (!codec::decode(bytes, groups)) {
        return fail(Code::data_loss, "backup ", log_.id, ": the log of version ", piece.first,
                    " cannot be decoded");
      }
      if (version == 0) {
        digest = groups.before;
        version = piece.first - 1;
      }
      for (auto& it : groups.groups) {
        log::Group group{Version{it.first}, Version{it.last}, std::move(it.bytes)};
        if (it.first != version + 1) {
          return fail(Code::data_loss, "backup ", log_.id, ": versions ", version + 1, " to ",
                      it.first - 1, " are missing in its log");
        }
        if (version >= base_.files_version) {
          NOKV_ASSIGN(bool wanted, within_goal(group));
          if (!wanted) return open_log(version, digest);
          NOKV_TRY(open_log(version, digest));
          NOKV_TRY(append(group));
        }
        digest = log::chain(digest, group);
        version = it.last;
      }
    }
    if (version == 0) return open_log(log_.log_version, log_.log_digest);
    return open_log(version, digest);
  }

  Result<bool> within_goal(const log::Group& group) const {
    codec::RedoGroup redo;
    if (!codec::decode(group.bytes, redo) || redo.records.empty()) {
      return fail(Code::data_loss, "backup ", log_.id, ": the group of version ",
                  group.first.value(), " cannot be decoded");
    }
    return goal_.reaches(group.last.value(), redo.records.back().time_ns);
  }

  Result<> open_log(uint64_t version, const log::ChainDigest& digest) {
    if (log_store_ != nullptr) return {};
    log::LocalLogOptions options;
    options.segment_bytes = options_.log_segment_bytes;
    options.begin = tail_ = {Version{version}, digest};
    NOKV_ASSIGN(log_store_, log::LocalLog::open(env_, path("log"), options));
    NOKV_ASSIGN(auto claim, log_store_->claim("restore"));
    epoch_ = claim.epoch;
    return {};
  }

  Result<> append(const log::Group& group) {
    Result<> out;
    log_store_->append(epoch_, tail_, group, [&](Result<log::Appended> appended) {
      if (!appended) out = std::unexpected(std::move(appended).error());
    });
    tail_ = {group.last, log::chain(tail_.digest, group)};
    return out;
  }

  // ---- the whole

  Result<> put_engine() {
    NOKV_TRY(put_log());
    NOKV_ASSIGN(auto engine, kind_->open(path("engine")));
    auto shard = shard::Shard::open(env_, *engine, *log_store_, events_, {});
    if (!shard) return std::unexpected(std::move(shard).error().within("backup " + base_.id));
    auto state = (*shard)->state();
    if (!state->initialised() || state->record.version != tail_.version.value()) {
      return fail(Code::data_loss, "backup ", base_.id, " gives version ", state->record.version,
                  " instead of ", tail_.version.value());
    }
    out_.backup = base_.id;
    out_.namespace_id = base_.namespace_id;
    out_.version = state->record.version;
    out_.time_ns = state->record.time_ns;
    NOKV_TRY(part_ways(**shard));
    object::Waiter<> stopped;
    (*shard)->stop([done = stopped.done()]() mutable { done({}); });
    NOKV_TRY(stopped.wait());
    shard->reset();
    NOKV_TRY(engine->flush());
    NOKV_ASSIGN(auto held, engine->durable_get(codec::table_key(codec::Table::state)));
    codec::StateRecord record;
    if (!held || !codec::decode(*held, record) || record.version != out_.version + 1) {
      return fail(Code::data_loss, "the engine's files do not tell their version after a flush");
    }
    engine.reset();
    log_store_.reset();
    return {};
  }

  // From here on this is another history: no id of the first one is given out again, and what its
  // open uploads put is not taken for rubbish. Sessions lose the ids that are reserved for them,
  // which the other history may have given to something.
  Result<> part_ways(shard::Shard& shard) {
    std::vector<std::string> uploads;
    auto state = shard.state();
    std::string table = codec::table_key(codec::Table::upload);
    auto rows = state->snapshot->iterate(table, codec::prefix_end(table));
    for (rows->seek(table); rows->valid(); rows->next()) uploads.emplace_back(rows->key());
    NOKV_TRY(rows->status());
    std::vector<std::pair<std::string, codec::SessionRecord>> sessions;
    table = codec::table_key(codec::Table::session);
    rows = state->snapshot->iterate(table, codec::prefix_end(table));
    for (rows->seek(table); rows->valid(); rows->next()) {
      codec::SessionRecord session;
      if (!codec::decode(rows->value(), session)) return meta::damaged(rows->key());
      if (std::exchange(session.ids, {}).empty()) continue;
      sessions.emplace_back(rows->key(), std::move(session));
    }
    NOKV_TRY(rows->status());
    uint64_t next_id = std::max(next_id_, state->record.next_id) + kIdsSkipped;
    object::Waiter<> parted;
    shard.upkeep(
        [uploads = std::move(uploads), sessions = std::move(sessions),
         next_id](meta::Transaction& txn) -> Result<> {
          for (const auto& key : uploads) txn.set(key, std::nullopt);
          for (const auto& [key, session] : sessions) txn.set(key, codec::encoded(session));
          txn.context().ids.next = next_id;
          txn.record().upkeep.emplace();
          return {};
        },
        true, parted.done());
    return parted.wait();
  }

  Result<> finish() {
    Files& files = env_.files;
    std::string url = options_.from.empty() ? std::string(backup::kOwnPlace) : options_.from;
    NOKV_TRY(backup::write_known(files, options_.directory, {{url, newest_}}));
    NOKV_TRY(write_file_atomic(files, path("identity"), encode_identity(base_.namespace_id)));
    NOKV_TRY(files.remove(path("restoring")));
    return files.sync_dir(options_.directory);
  }

  Env env_;
  backup::Repository& repository_;
  EventSink& events_;
  const RestoreOptions& options_;
  std::shared_ptr<engine::EngineKind> kind_;
  std::unique_ptr<FileLock> lock_;
  std::vector<BackupManifest> all_;  // that can be read
  backup::Known newest_;
  int64_t oldest_ns_ = INT64_MAX;
  uint64_t next_id_ = 0;
  Goal goal_;
  BackupManifest base_;  // whose files
  BackupManifest log_;   // whose log
  std::unique_ptr<log::LocalLog> log_store_;
  log::Epoch epoch_;
  log::Position tail_;
  Restored out_;
};

}  // namespace

Result<Restored> restore(const Env& env, backup::Repository& repository, EventSink& events,
                         const RestoreOptions& options) {
  return Restore(env, repository, events, options).run();
}

}  // namespace nokv::server
