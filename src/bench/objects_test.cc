#include "bench/objects.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "bench/floor.h"
#include "object/memory_store.h"
#include "object/waiter.h"

namespace nokv::bench {
namespace {

using namespace std::chrono_literals;

class ObjectBenchTest : public testing::Test {
 protected:
  size_t objects_left() {
    object::Waiter<object::ListPage> page;
    store.list("", "", 1000, posix.clock.now() + 10s, page.done());
    return page.wait().value().objects.size();
  }
  Result<BenchSummary> run() {
    BenchListener listener{.begins = [](std::string_view, size_t, size_t) {},
                           .measured =
                               [&](const Row& row) {
                                 rows.push_back(row);
                                 if (stop_after == rows.size()) stop.request_stop();
                               }};
    ObjectBenchOptions options{
        .sizes = {1 << 10}, .at_once = {1, 2}, .quick = true, .stop = stop.get_token()};
    return run_object_bench(posix.env(), store, options, listener);
  }

  PosixEnv posix;
  std::unique_ptr<Executor> executor = posix.executors.serial("store");
  object::MemoryStore store{*executor, posix.clock};
  std::vector<Row> rows;
  std::stop_source stop;
  size_t stop_after = 0;
};

TEST_F(ObjectBenchTest, EveryRowHasAValueAndAFloorAndNothingIsLeft) {
  auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message();
  std::vector<std::string> names;
  for (const Row& row : rows) {
    names.push_back(row.row);
    EXPECT_TRUE(row.value) << row.row << row.error;
    EXPECT_TRUE(row.floor) << row.row;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"put_1k_1", "put_1k_2", "get_1k_1", "get_1k_2",
                                             "delete_1k"}));
  EXPECT_EQ(summary->measured, 5U);
  EXPECT_EQ(objects_left(), 0U);
}

TEST_F(ObjectBenchTest, InterruptedItLeavesNothingEither) {
  stop_after = 1;
  auto summary = run();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code(), Code::cancelled);
  EXPECT_EQ(rows.size(), 1U);
  EXPECT_EQ(objects_left(), 0U);
}

TEST(Sizes, AreNamedAsPeopleWriteThem) {
  EXPECT_EQ(size_name(4096), "4k");
  EXPECT_EQ(size_name(3 << 20), "3m");
  EXPECT_EQ(size_name(1000), "1000");
}

TEST(Floors, AreMeasuredWhereTheyCanBe) {
  PosixEnv posix;
  auto echo = echo_run(posix.clock, 190, 20ms);
  ASSERT_TRUE(echo) << echo.error().message();
  EXPECT_GT(echo->value, 0);
  auto sync = sync_run(posix.clock, "/nowhere", 300, 20ms);
  ASSERT_FALSE(sync);
  EXPECT_EQ(sync.error().code(), Code::unavailable);
  EXPECT_GT(copy_run(posix.clock, 1 << 20, 16 << 10, 5ms).value, 0);
}

}  // namespace
}  // namespace nokv::bench
