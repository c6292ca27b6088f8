// A namespace in a directory: its lock, identity, engine, log and shard.
//
// DIR/identity    says what lies here: format, the namespace's id
// DIR/creating    is there while the directory is being made
// DIR/lock        held by the process that has it open
// DIR/engine      the metadata engine (a cache of the log)
// DIR/log         the log, which is the truth
// DIR/checkpoints copies of the engine's files; the log reaches back to the older one
// DIR/backups     where backups are kept, and since when
// DIR/restoring   is there while a backup is being restored into the directory
// DIR/objects     bodies, when no other object store is named
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/env/env.h"
#include "base/log_event.h"
#include "engine/engine.h"
#include "engine/engine_kind.h"
#include "log/local_log.h"
#include "log/log_store.h"
#include "object/closable_store.h"
#include "object/object_store.h"
#include "shard/background.h"
#include "shard/service.h"
#include "shard/shard.h"

namespace nokv::server {

struct HostOptions {
  std::string directory;
  std::string server_version;
  // RocksDB with this cache, when no other kind is given.
  uint64_t engine_cache_bytes = 256ULL << 20;
  std::shared_ptr<engine::EngineKind> engine_kind;
  uint64_t log_segment_bytes = 64ULL << 20;
  // As in log::LocalLogOptions: for the simulator.
  std::function<void(const Error&)> log_sync_failed;
  shard::ShardOptions shard;
  shard::BackgroundOptions background;
  // Throws the engine's files away and rebuilds them from the newest good checkpoint and the log.
  bool rebuild_engine = false;
  // False: a directory that holds no namespace is not_found instead of being made.
  bool create = true;
};

// Owns everything of one data directory. Opening blocks, and so does closing (it waits for what
// runs). Thread-safe between.
class ShardHost {
 public:
  // `env`, `store` and `events` outlive the host. Errors: failed_precondition when another process
  // has the directory open, or it is of a newer format; data_loss when files are missing or
  // damaged beyond what checkpoint and log can rebuild: the message says which.
  static Result<std::unique_ptr<ShardHost>> open(const Env& env, object::ObjectStore& store,
                                                 EventSink& events, HostOptions options);
  ~ShardHost();

  shard::Service& service() { return *service_; }
  shard::Shard& shard() { return *shard_; }
  shard::Background& background() { return *background_; }
  engine::Engine& engine() { return *engine_; }
  log::LogStore& log() { return *log_; }
  const std::string& id() const { return id_; }

  // Looks whether the object store works and its prefix is this namespace's; blocks, at most for
  // `time`. Errors: failed_precondition when it holds the bodies of another namespace, else those
  // of the store: it may work later.
  Result<> look_at_store(Duration time);

  // Finishes what was admitted, makes the engine's files hold all of it, closes. Blocks.
  void stop();

  // Closes at once, as when the process dies: what was not answered is not, and nothing is waited
  // for. For the simulator, where one thread stands for all.
  void abandon();

 private:
  ShardHost(const Env& env, object::ObjectStore& store, EventSink& events, HostOptions options);

  Result<> open_identity();
  Result<> make_identity(const std::string& path);
  Result<> open_parts();
  Result<> open_engine();
  Result<> discard_engine(const Error& why);
  Result<> open_shard();
  log::LocalLogOptions log_options() const;

  Env env_;
  object::ClosableStore store_;  // closed before those who use it go
  EventSink& events_;
  HostOptions options_;
  std::string id_;
  bool fresh_ = false;  // nothing was here before
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<log::LogStore> log_;
  std::unique_ptr<shard::Shard> shard_;
  std::unique_ptr<shard::Background> background_;
  std::unique_ptr<shard::Service> service_;
};

}  // namespace nokv::server
