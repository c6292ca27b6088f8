// Numbers that look random and are the same in every run with the same seed.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "base/env/clock.h"
#include "base/env/random.h"

namespace nokv {

// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
// Home: the simulation's thread.
class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : state_(seed) {}

  uint64_t next() override {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // True once in `n` times; never for 0.
  bool one_in(uint64_t n) { return n != 0 && below(n) == 0; }

  // Uniform in [least, most].
  Duration between(Duration least, Duration most) {
    check(least <= most, "a range has an inside");
    return least + Duration(below(static_cast<uint64_t>((most - least).count()) + 1));
  }

 private:
  uint64_t state_;
};

}  // namespace nokv
