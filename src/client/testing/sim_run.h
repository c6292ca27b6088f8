// One simulation from one seed: workload and faults, healing, oracles.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/testing/sim_history.h"

namespace nokv::client {

struct SimResult {
  uint64_t digest = 0;  // of all that happened; the same for the same seed
  std::vector<std::string> complaints;
  SimHistory::Counts counts;
  uint64_t heard = 0;    // events, by watchers
  uint64_t gaps = 0;     // where a watcher was so slow that the log had left it behind
  uint64_t crashes = 0;  // of the server
  uint64_t faults = 0;   // altogether, but for what the network does by itself
};

// `trace` hears each step, when given.
SimResult run_simulation(uint64_t seed, std::function<void(std::string_view)> trace = nullptr);

}  // namespace nokv::client
