#include "object/closable_store.h"

#include <optional>

#include <gtest/gtest.h>

#include "base/sim/sim_scheduler.h"
#include "object/memory_store.h"

namespace nokv::object {
namespace {

using namespace std::chrono_literals;

class ClosableStoreTest : public testing::Test {
 protected:
  Clock::Instant soon() { return scheduler.clock().now() + 10s; }

  SimScheduler scheduler{1};
  std::unique_ptr<SimExecutor> executor = scheduler.executor("host", "store", 1);
  MemoryStore memory{*executor, scheduler.clock()};
  std::unique_ptr<ClosableStore> store = std::make_unique<ClosableStore>(memory);
};

TEST_F(ClosableStoreTest, HandsOnEveryCall) {
  std::optional<Result<>> put;
  store->put("k", std::make_shared<const std::string>("body"), {}, soon(),
             [&](Result<> r) { put = std::move(r); });
  ASSERT_TRUE(scheduler.run_until([&] { return put.has_value(); }, 60s));
  EXPECT_TRUE(*put);
  std::optional<Result<std::string>> got;
  store->get("k", std::nullopt, soon(), [&](Result<std::string> r) { got = std::move(r); });
  ASSERT_TRUE(scheduler.run_until([&] { return got.has_value(); }, 60s));
  EXPECT_EQ(**got, "body");
  got.reset();
  store->get_same("k", {"", 4}, {0, 4}, soon(), [&](Result<std::string> r) { got = std::move(r); });
  ASSERT_TRUE(scheduler.run_until([&] { return got.has_value(); }, 60s));
  EXPECT_EQ(got->error().code(), Code::aborted);
  EXPECT_EQ(store->description(), "memory");
}

TEST_F(ClosableStoreTest, ClosingEndsCallsUnderWayAtOnceAndOnlyOnce) {
  memory.set_delay(5s);
  int ended = 0;
  std::optional<Error> error;
  store->get("k", std::nullopt, soon(), [&](Result<std::string> r) {
    ++ended;
    error = std::move(r).error();
  });
  store->close();
  ASSERT_EQ(ended, 1);
  EXPECT_EQ(error->code(), Code::cancelled);
  // What the store tells later is dropped, also when nobody is there any more.
  store.reset();
  scheduler.run_until([] { return false; }, 60s);
  EXPECT_EQ(ended, 1);
}

TEST_F(ClosableStoreTest, ACallAfterClosingIsCancelledWithoutAskingTheStore) {
  store->close();
  std::optional<Result<ListPage>> listed;
  store->list("", "", 10, soon(), [&](Result<ListPage> r) { listed = std::move(r); });
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->error().code(), Code::cancelled);
  EXPECT_EQ(memory.counters().lists, 0U);
}

}  // namespace
}  // namespace nokv::object
