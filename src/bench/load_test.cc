#include "bench/load.h"

#include <algorithm>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "base/sim/sim_clock.h"

namespace nokv::bench {
namespace {

using namespace std::chrono_literals;

class LoadTest : public testing::Test {
 protected:
  SimClock clock;
};

// Deep enough to overflow a stack that grew with each of them.
TEST_F(LoadTest, AnswersThatComeAtOnceDoNotNest) {
  uint64_t begun = 0;
  auto load = run_load(clock, {.time = 1h, .count = 1'000'000}, [&](int, uint64_t, LoadDone done) {
    ++begun;
    done({});
  });
  ASSERT_TRUE(load);
  EXPECT_EQ(load->operations, 1'000'000U);
  EXPECT_EQ(begun, load->operations);
}

TEST_F(LoadTest, EachNumberIsBegunOnce) {
  std::multiset<uint64_t> numbers;
  auto load =
      run_load(clock, {.lanes = 3, .time = 1h, .count = 100}, [&](int, uint64_t i, LoadDone done) {
        numbers.insert(i);
        done({});
      });
  ASSERT_TRUE(load);
  EXPECT_EQ(numbers.size(), 100U);
  EXPECT_EQ(*numbers.rbegin(), 99U);
  EXPECT_EQ(std::set<uint64_t>(numbers.begin(), numbers.end()).size(), 100U);
  EXPECT_GE(load->numbers, 100U);
}

TEST_F(LoadTest, AsManyOperationsAreOnTheirWayAsThereAreLanes) {
  std::vector<LoadDone> open;
  size_t most = 0;
  auto load = run_load(clock, {.lanes = 4, .time = 1h, .count = 12},
                       [&](int lane, uint64_t, LoadDone done) {
                         EXPECT_LT(lane, 4);
                         open.push_back(std::move(done));
                         most = std::max(most, open.size());
                         if (open.size() < 4) return;
                         auto answered = std::exchange(open, {});
                         for (auto& each : answered) each({});
                       });
  ASSERT_TRUE(load);
  EXPECT_EQ(most, 4U);
  EXPECT_EQ(load->operations, 12U);
}

TEST_F(LoadTest, EndsWhenTheTimeIsOverAndTellsTheRateAndTheLatencies) {
  auto load = run_load(clock, {.time = 1s}, [&](int, uint64_t, LoadDone done) {
    clock.advance(100ms);
    done({});
  });
  ASSERT_TRUE(load);
  EXPECT_EQ(load->operations, 10U);
  EXPECT_DOUBLE_EQ(load->per_second(), 10);
  EXPECT_EQ(load->latencies_us, std::vector<double>(10, 100'000));
}

TEST_F(LoadTest, TheFirstErrorEndsItAfterWhatIsOnItsWay) {
  uint64_t begun = 0;
  auto load = run_load(clock, {.lanes = 2, .time = 1h}, [&](int, uint64_t i, LoadDone done) {
    ++begun;
    if (i < 5) return done({});
    done(fail(Code::not_found, "number ", i));
  });
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code(), Code::not_found);
  EXPECT_EQ(load.error().message(), "number 5");
  EXPECT_EQ(begun, 6U);
}

TEST_F(LoadTest, AskedToStopItIsCancelled) {
  std::stop_source stop;
  auto load =
      run_load(clock, {.time = 1h, .stop = stop.get_token()}, [&](int, uint64_t i, LoadDone done) {
        if (i == 3) stop.request_stop();
        done({});
      });
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code(), Code::cancelled);
}

}  // namespace
}  // namespace nokv::bench
