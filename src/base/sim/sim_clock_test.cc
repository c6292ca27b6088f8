#include "base/sim/sim_clock.h"

#include <gtest/gtest.h>

#include "base/sim/sim_random.h"

namespace nokv {
namespace {

using namespace std::chrono_literals;

TEST(SimClock, MovesOnlyWhenMoved) {
  SimClock clock;
  Clock::Instant start = clock.now();
  WallTime wall = clock.wall();
  EXPECT_EQ(clock.now(), start);
  clock.advance(3s);
  EXPECT_EQ(clock.now(), start + 3s);
  EXPECT_EQ(clock.wall(), wall + 3s);
}

TEST(SimClock, TheWallJumpsWithoutTheBootClock) {
  SimClock clock;
  Clock::Instant start = clock.now();
  WallTime wall = clock.wall();
  clock.jump_wall(-24h);
  EXPECT_EQ(clock.wall(), wall - 24h);
  clock.set_wall(from_unix_ns(5));
  clock.advance(2ns);
  EXPECT_EQ(to_unix_ns(clock.wall()), 7);
  EXPECT_EQ(clock.now(), start + 2ns);
}

TEST(SimRandom, OneSeedGivesOneSequence) {
  SimRandom a(7);
  SimRandom b(7);
  SimRandom c(8);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(SimRandom, DrawsStayInTheirRanges) {
  SimRandom random(1);
  int hits = 0;
  for (int i = 0; i < 1000; ++i) {
    Duration drawn = random.between(2ns, 4ns);
    ASSERT_GE(drawn, 2ns);
    ASSERT_LE(drawn, 4ns);
    hits += random.one_in(4) ? 1 : 0;
    ASSERT_FALSE(random.one_in(0));
  }
  EXPECT_GT(hits, 150);
  EXPECT_LT(hits, 350);
}

}  // namespace
}  // namespace nokv
