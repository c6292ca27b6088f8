// Random numbers, as the program may see them.
#pragma once

#include <cstdint>

namespace nokv {

// The real one asks the kernel's generator; SimRandom repeats itself for a seed. Thread-safe in
// the real one; the simulated one lives in the simulation's thread.
class Random {
 public:
  virtual ~Random() = default;

  virtual uint64_t next() = 0;

  // Uniform in [0, bound), up to a bias of bound / 2^64. `bound` is above 0.
  uint64_t below(uint64_t bound) { return next() % bound; }
};

}  // namespace nokv
