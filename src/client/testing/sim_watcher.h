// A watcher of the simulation: it hears everything, through whatever happens, and compares it with
// the log.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/caller.h"
#include "client/testing/sim_world.h"
#include "codec/event_cursor.h"

namespace nokv::client {

// The real caller and RPC channel, on a machine of its own. Home: the simulation's thread.
class SimWatcher {
 public:
  // Watches from the newest version on, once there is one.
  SimWatcher(SimWorld& world, std::string name);
  ~SimWatcher();

  const std::string& name() const { return host_.name(); }
  // It has been told of everything up to `version`.
  bool reached(uint64_t version) const { return cursor_.version > version; }
  // What does not fit the log, which it has reached the end of.
  std::vector<std::string> judge() const;
  uint64_t heard() const { return heard_.size(); }
  uint64_t gaps() const { return gaps_.size(); }

 private:
  void ask();
  void told(const codec::WatchReply& reply);
  void again();

  SimWorld& world_;
  SimHost host_;
  std::unique_ptr<Executor> timers_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Caller> caller_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  codec::EventCursor begin_;
  codec::EventCursor cursor_;
  // In the order they came.
  std::vector<std::pair<std::pair<uint64_t, uint32_t>, std::string>> heard_;
  // Where it was too slow: versions that it was told to pass over.
  std::map<uint64_t, uint64_t> gaps_;
  std::vector<std::string> complaints_;
};

}  // namespace nokv::client
