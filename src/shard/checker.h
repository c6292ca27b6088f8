// fsck of a running shard: its records, its objects, and what can be mended.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/env/env.h"
#include "base/guarded.h"
#include "base/log_event.h"
#include "codec/rpc.h"
#include "object/object_store.h"
#include "shard/external_stores.h"
#include "shard/shard.h"
#include "shard/store_looks.h"

namespace nokv::shard {

struct CheckerOptions {
  size_t records_at_once = 1000;  // between two looks at the clock
  size_t heads_at_once = 32;      // requests to the store that are under way
  size_t reads_at_once = 8;       // the same of whole blocks: 4 MiB of memory each
  size_t blob_window = 1 << 20;   // meta/check/blob_passes.h
  uint64_t runs_max = 2;          // beyond it: overloaded
  Duration store_timeout = std::chrono::seconds(30);
  Duration progress_every = std::chrono::seconds(10);  // log events
};

struct CheckerCounters {
  std::atomic<uint64_t> running{0};
  std::atomic<uint64_t> finished{0};
  std::atomic<uint64_t> checked{0};
  std::atomic<uint64_t> problems{0};
  std::atomic<uint64_t> repaired{0};
};

// Reads one state of the engine while writers go on; repairs are logged steps like all upkeep.
// Thread-safe. Runs on an executor of its own, in small steps, and never on that of the caller.
class Checker {
 public:
  using Done = std::move_only_function<void(Result<codec::FsckReply>)>;

  // All outlive the checker.
  Checker(const Env& env, Shard& shard, object::ObjectStore& store, ExternalStores& externals,
          EventSink& events, CheckerOptions options = {});
  ~Checker();

  // A check that is under way answers everybody who asks for the same: a client that lost its
  // connection in a long one asks again.
  // Errors: overloaded, cancelled (the deadline; repairs that were made stay), unavailable (the
  // server stops), failed_precondition (no namespace), those of resolving the path.
  void fsck(codec::FsckRequest request, Clock::Instant deadline, Done done);

  const CheckerCounters& counters() const { return counters_; }
  // For others who read all of it, now and then.
  const std::shared_ptr<Desk>& desk() const { return desk_; }

 private:
  class Run;

  Env env_;
  Shard& shard_;
  object::ObjectStore& store_;
  ExternalStores& externals_;
  EventSink& events_;
  CheckerOptions options_;
  CheckerCounters counters_;
  struct Running {
    std::string request;
    std::weak_ptr<Run> run;
    std::vector<Done> waiters;
  };
  // Takes the run off the list, and answers all who wait for it.
  void answer(const std::string& request, const Result<codec::FsckReply>& reply);

  Guarded<std::vector<Running>> runs_;
  std::unique_ptr<Executor> executor_;
  std::shared_ptr<Desk> desk_;
};

}  // namespace nokv::shard
