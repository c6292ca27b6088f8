#include "base/posix/posix_clock.h"

#include <gtest/gtest.h>

namespace nokv {
namespace {

TEST(PosixClock, NeverGoesBack) {
  PosixClock clock;
  Clock::Instant last = clock.now();
  for (int i = 0; i < 10000; ++i) {
    Clock::Instant now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last.time_since_epoch(), Duration{0});
}

TEST(PosixClock, TellsTheSystemsWallTime) {
  PosixClock clock;
  auto before = std::chrono::system_clock::now();
  WallTime wall = clock.wall();
  auto after = std::chrono::system_clock::now();
  EXPECT_GE(wall, before);
  EXPECT_LE(wall, after);
}

}  // namespace
}  // namespace nokv
