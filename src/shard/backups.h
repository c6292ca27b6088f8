// Backups of a shard: made while it serves, listed, removed; and what they forbid to delete.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backup/known.h"
#include "backup/make.h"
#include "backup/repository.h"
#include "base/env/env.h"
#include "base/guarded.h"
#include "base/log_event.h"
#include "codec/rpc.h"
#include "engine/engine.h"
#include "log/log_store.h"
#include "object/object_store.h"
#include "shard/shard.h"

namespace nokv::shard {

struct BackupOptions {
  std::string directory;  // --meta: has the file that tells what is known; empty: no backups
  std::string namespace_id;
  Duration every{0};  // 0: none by itself
  std::string to;     // a URL; empty: the namespace's own object store
  uint64_t keep = 7;  // of those at `to`; older ones are removed. 0: all
  // Opens the object store of a URL; the prefix is in it. Errors: invalid_argument.
  std::function<Result<std::shared_ptr<object::ObjectStore>>(const std::string& url)> open;
};

struct BackupCounters {
  std::atomic<uint64_t> made{0};
  std::atomic<uint64_t> failed{0};
  std::atomic<uint64_t> objects_put{0};
  std::atomic<uint64_t> bytes_put{0};
};

// Works on an executor of its own, one thing at a time, and blocks there on the object store.
// Thread-safe. Errors of the calls: failed_precondition (no namespace yet, no data directory, a
// place of another namespace, or one that had backups and has none), data_loss (a manifest or the
// engine is damaged), those of the store.
class Backups {
 public:
  // Everything outlives this. `checkpoints` is held while the engine is copied.
  Backups(const Env& env, Shard& shard, engine::Engine& engine, log::LogStore& log,
          object::ObjectStore& own, EventSink& events, std::mutex& checkpoints,
          BackupOptions options);
  // Ends what is under way.
  ~Backups();

  // `to` is a URL, or empty for the place of the options.
  void make(std::string to, std::move_only_function<void(Result<codec::BackupReply>)> done);
  void list(std::string to, std::move_only_function<void(Result<codec::BackupsReply>)> done);
  // With an empty id: what is known of the place is forgotten, for its backups were deleted.
  void remove(std::string to, std::string id,
              std::move_only_function<void(Result<codec::BackupsReply>)> done);

  // Makes the backup that is due, if one is. Called now and then.
  void tick();

  // Bodies that died after this log time may be needed; nullopt: no backup needs any.
  std::optional<int64_t> needs_after_ns() const;

  // What there is to tell of them in an answer.
  void tell(codec::StatusReply& reply) const;

  const BackupCounters& counters() const { return counters_; }
  const BackupOptions& options() const { return options_; }

 private:
  struct Place {
    std::string url;  // as it is known
    std::shared_ptr<object::ObjectStore> opened;
    std::unique_ptr<backup::Repository> repository;
  };
  struct State {
    backup::KnownBackups known;
    bool readable = true;              // the file that tells it
    std::optional<int64_t> making_ns;  // a backup of a version at or after this is under way
    std::string error;                 // of the last attempt
    bool scheduled = false;            // one is on its way
    Clock::Instant not_before{};       // after one that failed
  };

  Result<Place> open(const std::string& to);
  Result<codec::BackupReply> make_now(const std::string& to);
  Result<codec::BackupReply> make_at(Place& place);
  Result<backup::Source> copy_engine();
  Result<> prune(Place& place);
  Result<std::vector<codec::BackupManifest>> kept(Place& place);
  Result<> note(const std::function<void(backup::KnownBackups&)>& change);
  Result<> note_all(const std::string& url, const std::vector<codec::BackupManifest>& all);
  std::string copy_directory() const { return options_.directory + "/checkpoints/backup"; }

  Env env_;
  Shard& shard_;
  engine::Engine& engine_;
  log::LogStore& log_;
  object::ObjectStore& own_;
  EventSink& events_;
  std::mutex& checkpoints_;
  const BackupOptions options_;
  BackupCounters counters_;
  mutable Guarded<State> state_;
  std::atomic<bool> stopping_ = false;
  std::unique_ptr<Executor> executor_;  // last: what it runs uses the rest
};

}  // namespace nokv::shard
