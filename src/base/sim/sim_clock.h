// Clocks that move only when they are moved.
#pragma once

#include "base/check.h"
#include "base/env/clock.h"

namespace nokv {

// Moved by a SimScheduler, or by a unit test by hand. Home: the simulation's thread.
class SimClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  WallTime wall() const override { return wall_at_boot_ + now_.time_since_epoch(); }

  // Both clocks go on.
  void advance(Duration by) {
    check(by >= Duration{0}, "time does not go back");
    now_ += by;
  }

  // The wall clock jumps, either way; the boot clock does not notice.
  void set_wall(WallTime wall) { wall_at_boot_ = wall - now_.time_since_epoch(); }
  void jump_wall(Duration by) { wall_at_boot_ += by; }

 private:
  // Some uptime and some date, so that nothing comes to rely on zero.
  Instant now_{std::chrono::seconds(1000)};
  WallTime wall_at_boot_{std::chrono::seconds(1'800'000'000)};
};

}  // namespace nokv
