// A server and an object store in simulated machines, with the server's death and its return.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/log_event.h"
#include "base/metrics.h"
#include "base/sim/sim_env.h"
#include "client/testing/faulty_store.h"
#include "codec/redo.h"
#include "engine/memory_engine.h"
#include "server/server.h"
#include "server/shard_host.h"

namespace nokv::client {

// Home: the simulation's thread. The server is the real one, over the simulated net and disk, with
// the memory engine, which forgets what came after its last checkpoint when it dies.
class SimWorld {
 public:
  explicit SimWorld(uint64_t seed);
  ~SimWorld();

  static inline const Address kServer{"server", 7777, ""};

  // Opens what is on the server's disk and serves it. Errors: those of recovery.
  Result<> start_server();
  // The server is gone and its machine is up again; the store and the clients are not touched.
  void crash_server(SimCrash how);
  // Finishes what was admitted first.
  void stop_server();
  // Its next calls that change the disk fail after `changes` of them: the moment to crash it.
  void halt_server_disk(uint64_t changes) { server_host_.files().halt_after(changes); }
  bool server_up() const { return process_ != nullptr; }
  // The disk failed under it, or it stopped by itself: it is to be crashed.
  bool server_broken();
  // The last start_server() failed since the disk was told to fail.
  bool server_disk_was_cut() const { return disk_was_cut_; }

  // Runs for `time`; a server that broke is crashed (power) and stays down.
  void run_for(Duration time);
  // Runs until `holds`; false when that takes longer than `limit`.
  bool run_until(const std::function<bool()>& holds, Duration limit);

  // The newest version that the server shows; of the last one, when it is down.
  uint64_t published_version();

  // Every record that was ever seen in the log, by version. gather_log() reads what is new, or all,
  // and check()s that nothing that was there has changed.
  void gather_log(bool all = false);
  const std::map<uint64_t, codec::RedoRecord>& log() const { return log_; }

  SimScheduler& scheduler() { return scheduler_; }
  SimRandom& random() { return scheduler_.random(); }
  SimNet& net() { return net_; }
  StoreWorld& store() { return store_; }
  server::ShardHost& host() { return *process_->host; }
  SimHost& server_host() { return server_host_; }
  server::HostOptions& options() { return options_; }

 private:
  struct Process {
    Metrics metrics;
    std::unique_ptr<FaultyStore> store;
    std::unique_ptr<server::ShardHost> host;
    std::unique_ptr<server::Server> server;
  };

  SimScheduler scheduler_;
  SimNet net_;
  SimHost server_host_;
  SimHost store_host_;
  std::unique_ptr<Executor> store_executor_;
  StoreWorld store_;
  EventLines events_;
  server::HostOptions options_;
  std::unique_ptr<Process> process_;
  bool sync_failed_ = false;
  bool disk_was_cut_ = false;
  uint64_t published_ = 0;
  std::map<uint64_t, codec::RedoRecord> log_;
};

}  // namespace nokv::client
