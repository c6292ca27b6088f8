#include "base/posix/posix_executors.h"

#include <atomic>
#include <barrier>
#include <latch>
#include <semaphore>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include "base/guarded.h"
#include "base/posix/posix_clock.h"
#include "base/posix/posix_env.h"

namespace nokv {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class PosixExecutorsTest : public testing::Test {
 protected:
  // Waits until everything posted before has run.
  static void drain(Executor& executor) {
    std::latch done(1);
    executor.post([&] { done.count_down(); });
    done.wait();
  }

  PosixExecutors executors;
};

TEST_F(PosixExecutorsTest, ASerialExecutorRunsTasksInOrder) {
  auto executor = executors.serial("test");
  std::vector<int> order;
  for (int i = 0; i < 10000; ++i) executor->post([&, i] { order.push_back(i); });
  drain(*executor);
  ASSERT_EQ(order.size(), 10000U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(PosixExecutorsTest, EachThreadsPostsKeepTheirOrder) {
  auto executor = executors.serial("test");
  std::vector<std::pair<int, int>> order;
  {
    auto post = [&](int thread) {
      for (int i = 0; i < 2000; ++i)
        executor->post([&, thread, i] { order.push_back({thread, i}); });
    };
    std::jthread a([&] { post(0); });
    std::jthread b([&] { post(1); });
  }
  drain(*executor);
  ASSERT_EQ(order.size(), 4000U);
  int next[2] = {0, 0};
  for (auto [thread, i] : order) ASSERT_EQ(i, next[thread]++);
}

TEST_F(PosixExecutorsTest, ATaskMayPostToItsOwnExecutor) {
  auto executor = executors.serial("test");
  std::latch done(1);
  executor->post([&] { executor->post([&] { done.count_down(); }); });
  done.wait();
}

TEST_F(PosixExecutorsTest, ThreadsBearTheName) {
  auto executor = executors.serial("sequencer");
  char name[16] = {};
  executor->post([&] { pthread_getname_np(pthread_self(), name, sizeof(name)); });
  drain(*executor);
  EXPECT_STREQ(name, "sequencer");
}

TEST_F(PosixExecutorsTest, APoolRunsAsManyTasksAtOnceAsItHasThreads) {
  auto pool = executors.pool("test", 3);
  std::barrier<> all(3);
  std::latch done(3);
  for (int i = 0; i < 3; ++i) {
    pool->post([&] {
      all.arrive_and_wait();  // ends only when three are here
      done.count_down();
    });
  }
  done.wait();
}

TEST_F(PosixExecutorsTest, TimersFireInTheOrderTheyAreDueAndNotEarly) {
  PosixClock clock;
  auto executor = executors.serial("test");
  std::vector<int> order;
  std::latch done(3);
  Clock::Instant start = clock.now();
  auto fire = [&](int ms) {
    executor->after(std::chrono::milliseconds(ms), [&, ms] {
      EXPECT_GE(clock.now(), start + std::chrono::milliseconds(ms));
      order.push_back(ms);
      done.count_down();
    });
  };
  fire(20);
  fire(1);
  fire(10);
  done.wait();
  EXPECT_THAT(order, ElementsAre(1, 10, 20));
}

TEST_F(PosixExecutorsTest, TimersOfOneMomentFireInTheOrderTheyWereSet) {
  auto executor = executors.serial("test");
  std::vector<int> order;
  std::latch done(100);
  executor->post([&] {
    for (int i = 0; i < 100; ++i) {
      executor->after(-1s, [&, i] {
        order.push_back(i);
        done.count_down();
      });
    }
  });
  done.wait();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(PosixExecutorsTest, ACancelledTimerDoesNotFireEvenWhenItIsDue) {
  auto executor = executors.serial("test");
  bool fired = false;
  TimerId second = 0;
  executor->post([&] {
    executor->after(0s, [&] { executor->cancel(second); });
    second = executor->after(0s, [&] { fired = true; });
    TimerId third = executor->after(0s, [&] { fired = true; });
    executor->cancel(third);
    executor->cancel(third);
    executor->cancel(12345);
  });
  std::latch later(1);
  executor->after(1ms, [&] { later.count_down(); });
  later.wait();
  drain(*executor);
  EXPECT_FALSE(fired);
}

TEST_F(PosixExecutorsTest, ATimerStillFiresWhileOtherTasksKeepTheExecutorBusy) {
  auto executor = executors.serial("test");
  std::atomic<bool> fired = false;
  std::latch done(1);
  std::function<void()> again = [&] {
    if (fired) {
      done.count_down();
    } else {
      executor->post(again);
    }
  };
  executor->post(again);
  executor->after(1ms, [&] { fired = true; });
  done.wait();
}

TEST_F(PosixExecutorsTest, TasksStillRunInAPoolWhoseTimersAreAlwaysDue) {
  auto pool = executors.pool("test", 2);
  std::atomic<bool> stop = false;
  std::latch ended(4);
  std::function<void()> again = [&] {
    if (stop) {
      ended.count_down();
    } else {
      pool->after(0s, again);
    }
  };
  for (int i = 0; i < 4; ++i) pool->after(0s, again);
  for (int i = 0; i < 20; ++i) drain(*pool);
  stop = true;
  ended.wait();
}

TEST_F(PosixExecutorsTest, ATimerFiresWhileAnotherThreadOfThePoolIsBusy) {
  auto pool = executors.pool("test", 2);
  std::binary_semaphore fired(0);
  std::latch done(1);
  pool->post([&] {
    pool->after(1ms, [&] { fired.release(); });
    fired.acquire();  // ends only when the other thread sees to the timer
    done.count_down();
  });
  done.wait();
}

TEST_F(PosixExecutorsTest, ATimerWakesAThreadThatSleepsOrWaitsForALaterOne) {
  for (bool waits : {false, true}) {
    auto executor = executors.serial("test");
    if (waits) executor->after(1h, [] {});
    for (int i = 0; i < 300; ++i) {  // in most rounds the thread has gone to sleep
      drain(*executor);
      for (int turn = 0; turn < 20; ++turn) std::this_thread::yield();
      std::latch fired(1);
      executor->after(0s, [&] { fired.count_down(); });
      fired.wait();
    }
  }
}

TEST_F(PosixExecutorsTest, AThreadThatRunsATimerLeavesTheNextOneToAnother) {
  auto pool = executors.pool("test", 3);
  std::binary_semaphore fired(0);
  std::latch done(1);
  pool->after(10ms, [&] {
    fired.acquire();  // ends only when the next timer fires meanwhile
    done.count_down();
  });
  pool->after(11ms, [&] { fired.release(); });
  done.wait();
}

TEST_F(PosixExecutorsTest, TasksNotBegunAreDestroyedUnrun) {
  auto alive = std::make_shared<int>();
  std::weak_ptr<int> watch = alive;
  std::atomic<int> ran = 0;
  std::binary_semaphore started(0);
  std::binary_semaphore finish(0);
  auto executor = executors.serial("test");
  executor->post([&] {
    started.release();
    finish.acquire();
    ++ran;
  });
  for (int i = 0; i < 10; ++i) executor->post([&ran, alive] { ++ran; });
  executor->after(0s, [&ran, alive] { ++ran; });
  alive.reset();
  started.acquire();
  std::jthread stopper([&] { executor.reset(); });
  // The running task is waited for: it ends only after the stop was asked for, or just before,
  // when the others may run too; either way nothing is left behind.
  finish.release();
  stopper.join();
  EXPECT_GE(ran, 1);
  EXPECT_TRUE(watch.expired());
}

TEST_F(PosixExecutorsTest, ATaskDestroyedUnrunMayCallItsExecutor) {
  struct CallsBack {
    Executor* executor;
    ~CallsBack() {
      executor->post([] {});
      executor->cancel(executor->after(0s, [] {}));
    }
  };
  auto executor = executors.serial("test");
  auto calls_back = std::make_shared<CallsBack>(executor.get());
  executor->after(1h, [calls_back] {});
  TimerId cancelled = executor->after(1h, [again = std::make_shared<CallsBack>(executor.get())] {});
  executor->cancel(cancelled);
  calls_back.reset();
  executor.reset();
}

TEST_F(PosixExecutorsTest, ManyThreadsPostAndSetTimersAndNothingIsLost) {
  auto pool = executors.pool("test", 3);
  constexpr int each = 2000;
  std::latch done(3 * each * 2);
  {
    auto post = [&] {
      for (int i = 0; i < each; ++i) {
        pool->post([&] { done.count_down(); });
        pool->after(std::chrono::microseconds(i % 50), [&] { done.count_down(); });
      }
    };
    std::jthread a(post);
    std::jthread b(post);
    std::jthread c(post);
  }
  done.wait();
}

TEST(PosixEnv, GivesTheRealDoors) {
  PosixEnv real;
  Env env = real.env();
  EXPECT_TRUE(env.files.exists("/").value());
  EXPECT_GT(env.clock.now(), Clock::Instant{});
}

}  // namespace
}  // namespace nokv
