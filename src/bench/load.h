// A closed loop: so many operations on their way at once, each begun by the answer to another.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "base/env/clock.h"
#include "base/result.h"

namespace nokv::bench {

struct LoadOptions {
  int lanes = 1;                // operations on their way at once
  Duration time{};              // no operation begins later
  uint64_t count = UINT64_MAX;  // nor more than these
  std::stop_token stop = {};
};

struct Load {
  uint64_t operations = 0;
  // All numbers that were begun lie below; near the end of the time some may have been left out.
  uint64_t numbers = 0;
  Duration elapsed{};
  std::vector<double> latencies_us;

  double per_second() const;
};

using LoadDone = std::move_only_function<void(Result<>)>;

// Begins operation `number` (from 0, each once) of `lane` (below lanes) and calls `done` once when
// it is answered, from any thread, possibly before it returns.
using Begin = std::function<void(int lane, uint64_t number, LoadDone done)>;

// Blocks until all that was begun is answered. Errors: the first of an operation, after which none
// is begun; cancelled.
Result<Load> run_load(const Clock& clock, const LoadOptions& options, const Begin& begin);

}  // namespace nokv::bench
