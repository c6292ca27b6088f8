#include "base/sim/sim_env.h"

#include <utility>

#include "base/check.h"

namespace nokv {

SimHost::SimHost(SimScheduler& scheduler, SimNet& net, std::string name)
    : scheduler_(scheduler),
      net_(net),
      name_(std::move(name)),
      random_(scheduler.random().next()),
      executors_(scheduler, name_) {
  net_.host(name_);
}

void SimHost::crash(SimCrash how) {
  check(up_, "a host crashes once before it restarts");
  up_ = false;
  scheduler_.note("crash " + name_);
  // The disk first: what is destroyed below may still try to write.
  if (how == SimCrash::power) {
    files_.power_cut(scheduler_.random());
  } else {
    files_.process_dies();
  }
  files_.halt_after(0);
  net_.crash(name_, how);
  scheduler_.kill_host(name_);
}

void SimHost::restart() {
  check(!up_, "a host restarts after a crash");
  up_ = true;
  scheduler_.note("restart " + name_);
  scheduler_.kill_host(name_);  // what the old process's destructors may have made
  files_.process_dies();
  net_.restart(name_);
}

}  // namespace nokv
