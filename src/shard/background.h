// What a shard does by itself: moments, thinning, expiry, sweeping, garbage, checkpoints.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/env/env.h"
#include "base/guarded.h"
#include "base/log_event.h"
#include "codec/rpc.h"
#include "log/log_store.h"
#include "meta/flatten.h"
#include "meta/upkeep.h"
#include "object/object_store.h"
#include "shard/backups.h"
#include "shard/checker.h"
#include "shard/external_stores.h"
#include "shard/shard.h"
#include "shard/space_meter.h"

namespace nokv::shard {

struct BackgroundOptions {
  Duration tick = std::chrono::seconds(1);
  Duration grace = std::chrono::hours(1);           // between a blob's death and its deletion
  Duration second_pass = std::chrono::hours(24);    // after an upload closed, for late PUTs
  Duration upload_ttl = std::chrono::hours(24);     // of serving time
  Duration session_idle = std::chrono::hours(24);   // of serving time
  Duration start_quiet = std::chrono::minutes(10);  // nothing expires that soon after a start
  Duration checkpoint_every = std::chrono::minutes(10);
  uint64_t checkpoint_log_bytes = 1ULL << 30;  // or when the log grew by this
  // For events: until they are older than this, or newer ones take more. What recovery needs of the
  // log is kept beside that.
  Duration log_kept_for = std::chrono::hours(24 * 7);
  uint64_t log_kept_bytes = 4ULL << 30;
  std::string checkpoint_directory;  // empty: none are made
  // What moments and undo pins keep may be this part of what is live, or this much; beyond it the
  // oldest go. Measured when so much may have been written since that it could be exceeded.
  uint64_t kept_percent = 20;
  uint64_t kept_bytes_min = 10ULL << 30;
  Duration measure_every = std::chrono::minutes(10);
  BackupOptions backups;
  ExternalOptions externals;
  Duration trim_every = std::chrono::minutes(1);  // what is noted of changes, below the oldest pin
};

struct BackgroundCounters {
  std::atomic<uint64_t> blobs_deleted{0};
  std::atomic<uint64_t> objects_deleted{0};
  std::atomic<uint64_t> bytes_deleted{0};
  std::atomic<uint64_t> records_swept{0};
  std::atomic<uint64_t> records_refiled{0};
  std::atomic<uint64_t> uploads_closed{0};
  std::atomic<uint64_t> moments_made{0};
  std::atomic<uint64_t> pins_over_budget{0};  // moments and undo pins that went before their time
  std::atomic<uint64_t> clones_flattened{0};
  std::atomic<uint64_t> shortcuts_made{0};
  std::atomic<uint64_t> errors{0};
};

// One step at a time, each a small logged record, so writers go on; between steps it lets the
// sequencer breathe. Home: its own serial executor.
class Background {
 public:
  // All outlive this.
  Background(const Env& env, Shard& shard, engine::Engine& engine, log::LogStore& log,
             object::ObjectStore& store, EventSink& events, BackgroundOptions options);
  ~Background();

  void start();

  // A whole pass of sweeping, refiling and garbage now; `grace` instead of the setting.
  // Thread-safe.
  void run_gc(std::optional<Duration> grace,
              std::move_only_function<void(Result<codec::GcReply>)> done);
  // All that is due by now, as each tick does it. Thread-safe.
  void run_due(std::move_only_function<void(Result<>)> done);
  // A checkpoint now. Thread-safe.
  void run_checkpoint(std::move_only_function<void(Result<>)> done);

  // fsck, on an executor of its own.
  Checker& checker() { return checker_; }
  const Checker& checker() const { return checker_; }

  // What lies with others, for who reads it.
  ExternalStores& externals() { return externals_; }
  const ExternalStores& externals() const { return externals_; }

  Backups& backups() { return backups_; }
  const Backups& backups() const { return backups_; }

  SpaceMeter& space() { return space_; }
  const SpaceMeter& space() const { return space_; }

  // What it works with, for figures.
  const Shard& shard() const { return shard_; }
  const engine::Engine& engine() const { return engine_; }
  const log::LogStore& log() const { return log_; }
  log::LogStore& log() { return log_; }

  const BackgroundCounters& counters() const { return counters_; }
  const BackgroundOptions& options() const { return options_; }

 private:
  using Then = std::move_only_function<void(Result<bool>)>;  // true: there was something to do

  using Job = std::function<void(Then)>;
  // Jobs in turn, each until it finds nothing more to do (or once, when not `until_idle`).
  struct Pass {
    std::vector<Job> jobs;
    size_t next = 0;
    bool until_idle = true;
    std::optional<Error> error;
    std::move_only_function<void(Result<>)> done;
  };

  void tick();
  std::vector<Job> due();
  void run(std::vector<Job> jobs, std::move_only_function<void(Result<>)> done);
  void run_next(std::shared_ptr<Pass> pass);
  void submit(Shard::Step step, bool begins_group, Then then);

  void make_moment(Then then);
  void release_pins(Then then);
  void keep_to_budget(Then then);
  void over_budget(const meta::SpaceFigures& figures, Then then);
  void free_past(Then then);
  void refile(Then then);
  void sweep(Then then);
  void collect_dead(Duration grace, Then then);
  void close_uploads(Then then);
  void delete_unpublished(Duration second_pass, Then then);
  void expire_sessions(Then then);
  void checkpoint(bool now, Then then);
  Result<> make_checkpoint();
  Result<> trim_log();
  void sweep_directory(const meta::State& state, const codec::NodeId& id, Then then);
  void sweep_chunks(const meta::State& state, const codec::NodeId& id, uint64_t body_number,
                    Then then);
  void end_clones(Then then);
  void flatten(Then then);
  void drop_shortcuts(const meta::State& state, uint64_t clone, Then then);
  void trim_changes(Then then);
  void delete_objects(std::vector<std::string> keys,
                      std::move_only_function<void(Result<size_t>)> done);
  bool quiet() const;

  Env env_;
  Shard& shard_;
  engine::Engine& engine_;
  log::LogStore& log_;
  object::ObjectStore& store_;
  EventSink& events_;
  BackgroundOptions options_;
  BackgroundCounters counters_;
  Clock::Instant started_{};
  Clock::Instant last_checkpoint_{};
  uint64_t checkpoint_log_bytes_ = 0;
  uint64_t recoverable_ = 0;  // without the log up to here
  Clock::Instant last_log_trim_{};
  bool passing_ = false;  // a pass of tick()
  // One at a time, so that no step rests on what another one is about to do.
  std::deque<std::shared_ptr<Pass>> passes_;
  // Where the next step goes on: what lies before it is done, and dear to step over.
  struct Cursor {
    std::string prefix;
    std::string last;
  };
  Cursor refile_cursor_;
  Cursor sweep_cursor_;
  std::string trim_cursor_;  // of the changed table; empty: at its beginning
  Clock::Instant last_changes_trim_{};
  std::optional<meta::Flattener> flattener_;  // of the clone that is being flattened
  uint64_t last_moment_ = 0;                  // the version of the last one
  ExternalStores externals_;
  Checker checker_;
  SpaceMeter space_;
  SpaceMeter::Figures measured_;  // to act on
  Clock::Instant last_measured_{};
  uint64_t body_bytes_measured_ = 0;  // published by then, since the start
  std::mutex checkpoints_;            // held while the engine is copied
  Backups backups_;
  // For answers of the object store, which may come when all this is gone: null then.
  std::shared_ptr<Guarded<Executor*>> home_;
  // Last, so that it stops first: what it runs uses the rest.
  std::unique_ptr<Executor> executor_;
};

}  // namespace nokv::shard
