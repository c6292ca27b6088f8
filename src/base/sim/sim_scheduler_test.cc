#include "base/sim/sim_scheduler.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nokv {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class SimSchedulerTest : public testing::Test {
 protected:
  SimScheduler scheduler{1};
  SimExecutors executors{scheduler};
};

TEST_F(SimSchedulerTest, ASerialExecutorRunsTasksInOrder) {
  auto executor = executors.serial("a");
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) executor->post([&, i] { order.push_back(i); });
  EXPECT_TRUE(order.empty());
  scheduler.run_until_idle();
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

// Two executors with three tasks each, and what a seed makes of it.
std::string interleaving(uint64_t seed, uint64_t* history = nullptr) {
  SimScheduler scheduler(seed);
  SimExecutors executors(scheduler);
  auto a = executors.serial("a");
  auto b = executors.serial("b");
  std::string order;
  for (int i = 0; i < 3; ++i) {
    a->post([&] { order += 'a'; });
    b->post([&] { order += 'b'; });
  }
  scheduler.run_until_idle();
  if (history != nullptr) *history = scheduler.history();
  return order;
}

TEST(SimScheduler, SameSeedSameHistory) {
  uint64_t first = 0;
  uint64_t second = 0;
  EXPECT_EQ(interleaving(5, &first), interleaving(5, &second));
  EXPECT_EQ(first, second);
}

TEST(SimScheduler, SeedsTogetherFindEveryInterleaving) {
  std::set<std::string> seen;
  std::set<uint64_t> histories;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    uint64_t history = 0;
    seen.insert(interleaving(seed, &history));
    histories.insert(history);
  }
  EXPECT_EQ(seen.size(), 20U);  // 6 over 3
  EXPECT_EQ(histories.size(), seen.size());
}

TEST(SimScheduler, APoolReordersOnlyAsFarAsItHasThreads) {
  std::set<std::vector<int>> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimScheduler scheduler(seed);
    auto pool = SimExecutors(scheduler).pool("p", 2);
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) pool->post([&, i] { order.push_back(i); });
    scheduler.run_until_idle();
    ASSERT_NE(order[0], 2);
    seen.insert(order);
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST_F(SimSchedulerTest, TimeJumpsToTheNextTimer) {
  auto executor = executors.serial("a");
  Clock::Instant start = scheduler.clock().now();
  std::vector<std::pair<int, Duration>> fired;
  auto fire = [&](int number, Duration delay) {
    executor->after(delay,
                    [&, number] { fired.push_back({number, scheduler.clock().now() - start}); });
  };
  fire(1, 3h);
  fire(2, 1s);
  fire(3, 1s);
  while (scheduler.step()) {
  }
  EXPECT_THAT(fired, ElementsAre(std::pair(2, 1s), std::pair(3, 1s), std::pair(1, 3h)));
}

TEST_F(SimSchedulerTest, ACancelledTimerDoesNotFireEvenWhenItIsDue) {
  auto executor = executors.serial("a");
  bool fired = false;
  TimerId second = 0;
  executor->after(1s, [&] { executor->cancel(second); });
  second = executor->after(1s, [&] { fired = true; });
  TimerId third = executor->after(2s, [&] { fired = true; });
  executor->cancel(third);
  executor->cancel(third);
  executor->cancel(12345);
  scheduler.run_for(1min);
  EXPECT_FALSE(fired);
}

TEST_F(SimSchedulerTest, AnotherExecutorsTimerCannotBeCancelled) {
  auto a = executors.serial("a");
  auto b = executors.serial("b");
  bool fired = false;
  b->cancel(a->after(1s, [&] { fired = true; }));
  scheduler.run_for(1s);
  EXPECT_TRUE(fired);
}

TEST_F(SimSchedulerTest, RunUntilIdleDoesNotWaitForTimersButForWhatIsOnItsWay) {
  auto executor = scheduler.executor("h", "a", 1);
  Clock::Instant start = scheduler.clock().now();
  std::string order;
  std::function<void()> tick = [&] {
    order += 't';
    executor->after(10s, tick);
  };
  executor->after(10s, tick);
  executor->deliver(15s, [&] { order += 'd'; });
  scheduler.run_until_idle();
  EXPECT_EQ(order, "td");
  EXPECT_EQ(scheduler.clock().now(), start + 15s);
}

TEST_F(SimSchedulerTest, RunForEndsAtItsTime) {
  auto executor = executors.serial("a");
  Clock::Instant start = scheduler.clock().now();
  int fired = 0;
  executor->after(1s, [&] { ++fired; });
  executor->after(1s + 1ns, [&] { ++fired; });
  scheduler.run_for(1s);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(scheduler.clock().now(), start + 1s);
}

TEST_F(SimSchedulerTest, RunUntilStopsAtOnceOrAtTheLimit) {
  auto executor = executors.serial("a");
  Clock::Instant start = scheduler.clock().now();
  int fired = 0;
  for (int i = 0; i < 5; ++i) executor->after(1s, [&] { ++fired; });
  EXPECT_TRUE(scheduler.run_until([&] { return fired == 2; }, 1h));
  EXPECT_EQ(fired, 2);
  EXPECT_FALSE(scheduler.run_until([&] { return fired == 9; }, 1h));
  EXPECT_EQ(scheduler.clock().now(), start + 1h + 1s);
}

TEST_F(SimSchedulerTest, ATaskThatRunsTheSimulationKeepsItsExecutorBusy) {
  auto a = executors.serial("a");
  auto b = executors.serial("b");
  std::string order;
  a->post([&] {
    b->post([&] { order += 'b'; });
    a->post([&] { order += 'a'; });
    scheduler.run_until_idle();
    order += '.';
  });
  scheduler.run_until_idle();
  EXPECT_EQ(order, "b.a");
}

TEST_F(SimSchedulerTest, AnExecutorThatEndsDestroysItsTasksUnrun) {
  auto alive = std::make_shared<int>();
  std::weak_ptr<int> watch = alive;
  auto executor = executors.serial("a");
  executor->post([alive] { FAIL(); });
  executor->after(1s, [alive] { FAIL(); });
  alive.reset();
  executor.reset();
  EXPECT_TRUE(watch.expired());
  scheduler.run_for(2s);
}

TEST_F(SimSchedulerTest, AKilledHostRunsNothingAnyMore) {
  SimExecutors other(scheduler, "other");
  auto dead = executors.serial("a");
  auto living = other.serial("a");
  bool ran = false;
  dead->post([] { FAIL(); });
  dead->after(1s, [] { FAIL(); });
  living->after(1s, [&] { ran = true; });
  scheduler.kill_host("sim");
  dead->post([] { FAIL(); });
  EXPECT_EQ(dead->after(1s, [] { FAIL(); }), 0U);
  auto next_life = executors.serial("a");
  int later = 0;
  next_life->post([&] { ++later; });
  scheduler.run_for(1min);
  EXPECT_TRUE(ran);
  EXPECT_EQ(later, 1);
}

TEST_F(SimSchedulerTest, TasksTakeTimeWhenTold) {
  scheduler.set_task_time(1us);
  auto executor = executors.serial("a");
  Clock::Instant end = scheduler.clock().now() + 1ms;
  std::function<void()> spin = [&] {
    if (scheduler.clock().now() < end) executor->post(spin);
  };
  executor->post(spin);
  scheduler.run_until_idle(100000);
  EXPECT_GE(scheduler.clock().now(), end);
}

TEST_F(SimSchedulerTest, ANoteIsPartOfTheHistory) {
  uint64_t before = scheduler.history();
  std::vector<std::string> lines;
  scheduler.set_trace([&](std::string_view line) { lines.emplace_back(line); });
  scheduler.note("fact");
  EXPECT_NE(scheduler.history(), before);
  EXPECT_THAT(lines, ElementsAre("1000000000000 fact"));
}

TEST_F(SimSchedulerTest, ASimulationThatNeverRestsIsNoticed) {
  auto executor = executors.serial("a");
  std::function<void()> forever = [&] { executor->post(forever); };
  executor->post(forever);
  EXPECT_DEATH(scheduler.run_until_idle(1000), "comes to rest");
}

}  // namespace
}  // namespace nokv
