// Time as the log tells it: it never goes back, whatever the machine's clocks do.
#pragma once

#include <cstdint>

#include "base/env/clock.h"

namespace nokv::shard {

// A jump of the wall clock is progress that the boot clock does not confirm. Jumps beyond
// kJumpMax are not followed: time then goes on with the boot clock, and jumped() says so.
// Home: the shard, under its lock.
class LogClock {
 public:
  static constexpr int64_t kJumpMaxNs = 5LL * 60 * 1'000'000'000;

  // `clock` outlives this.
  explicit LogClock(const Clock& clock) : clock_(clock) {}

  // Time goes on after `last_ns`, the time of the newest record. The first reading is taken as it
  // is, if it is not behind: the machine may have been off for days.
  void start(int64_t last_ns) {
    last_ns_ = last_ns;
    boot_ = clock_.now();
    wall_ns_ = to_unix_ns(clock_.wall());
    if (wall_ns_ < last_ns_) wall_ns_ = last_ns_;
  }

  // The time of the next record: max(previous + 1 ns, wall clock).
  int64_t next() {
    int64_t now = current();
    last_ns_ = now > last_ns_ ? now : last_ns_ + 1;
    return last_ns_;
  }

  // The time now, without using it up.
  int64_t current() {
    auto boot = clock_.now();
    int64_t expected = wall_ns_ + (boot - boot_).count();
    int64_t wall = to_unix_ns(clock_.wall());
    int64_t jump = wall - expected;
    clamped_ = jump > kJumpMaxNs || jump < -kJumpMaxNs;
    if (clamped_) wall = expected;
    boot_ = boot;
    wall_ns_ = wall;
    return wall > last_ns_ ? wall : last_ns_;
  }

  // Whether the last reading was held back.
  bool clamped() const { return clamped_; }

 private:
  const Clock& clock_;
  int64_t last_ns_ = 0;
  int64_t wall_ns_ = 0;
  Clock::Instant boot_{};
  bool clamped_ = false;
};

}  // namespace nokv::shard
