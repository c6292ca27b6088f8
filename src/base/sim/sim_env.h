// One simulated machine: its own disk, executors and address, in a shared time and network.
#pragma once

#include <string>

#include "base/env/env.h"
#include "base/sim/sim_files.h"
#include "base/sim/sim_net.h"
#include "base/sim/sim_random.h"
#include "base/sim/sim_scheduler.h"

namespace nokv {

// Home: the simulation's thread; `scheduler` and `net` outlive it. To crash what runs on it:
//
//   host.crash(SimCrash::power);   // nothing of it acts any more
//   server.reset();                // whatever its destructors do goes nowhere
//   host.restart();
//   server = make_server(host.env(), host.net());
class SimHost {
 public:
  SimHost(SimScheduler& scheduler, SimNet& net, std::string name);
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  const std::string& name() const { return name_; }
  Env env() { return Env{scheduler_.clock(), random_, files_, executors_}; }
  Net& net() { return net_.host(name_); }
  SimFiles& files() { return files_; }
  bool up() const { return up_; }

  // Its tasks and timers are destroyed unrun, its connections are gone, its open files are dead and
  // its disk fails every call until restart(). Power: what was not synced is kept or lost by draw.
  void crash(SimCrash how);
  void restart();

 private:
  SimScheduler& scheduler_;
  SimNet& net_;
  std::string name_;
  SimRandom random_;  // of its own, so that what it draws does not shift what others draw
  SimFiles files_;
  SimExecutors executors_;
  bool up_ = true;
};

}  // namespace nokv
