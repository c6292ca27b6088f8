// How far back watches reach, and what they are told beyond that.
#include "shard/testing/watch_fixture.h"

namespace nokv::shard {
namespace {

using namespace std::chrono_literals;

class RetentionTest : public WatchTest {
 protected:
  void SetUp() override {}
  void checkpoint() {
    bool done = false;
    ns->background().run_checkpoint([&](Result<> made) {
      EXPECT_TRUE(made);
      done = true;
    });
    ns->scheduler().run_until([&] { return done; }, 1h);
  }
  void run_due() {
    bool done = false;
    ns->background().run_due([&](Result<> result) {
      EXPECT_TRUE(result);
      done = true;
    });
    ns->scheduler().run_until([&] { return done; }, 1h);
  }
  void write(int count) {
    for (int i = 0; i < count; ++i) must({put_op(str("/f", ++number), std::string(1000, 'x'))});
  }
  uint64_t oldest() { return ns->background().log().oldest().value(); }
  uint64_t log_bytes() {
    uint64_t bytes = 0;
    for (const auto& part : ns->background().log().parts()) bytes += part.bytes;
    return bytes;
  }
  BackgroundOptions options = SimNamespace::quiet_background();
  int number = 0;
};

TEST_F(RetentionTest, EventsAreKeptForTheirTimeAndACursorFromBeforeIsTooOld) {
  options.log_kept_for = 1h;
  begin(options, 16 << 10);
  std::string since = now();
  write(60);
  checkpoint();
  EXPECT_EQ(oldest(), 1U);
  ns->scheduler().run_for(2h);
  uint64_t later = ns->shard().state()->record.version + 1;
  write(60);
  checkpoint();
  EXPECT_GT(oldest(), 20U);
  EXPECT_LE(oldest(), later);
  WatchReply reply = page({.path = "/", .since = since});
  EXPECT_EQ(reply.failure.code, Code::cursor_too_old);
  EXPECT_EQ(EventCursor::parse(reply.oldest)->version, oldest());
  EXPECT_EQ(page({.path = "/", .since = "v3"}).failure.code, Code::cursor_too_old);
  EXPECT_EQ(page({.path = "/", .since = "1d"}).failure.code, Code::cursor_too_old);
  EXPECT_EQ(ns->service().watch_counters().too_old, 3U);
  auto kept = all({.path = "/", .since = reply.oldest});
  ASSERT_GE(kept.size(), 60U);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].version, oldest() + i);
  std::string oldest_cursor = page({.path = "/", .since = "oldest"}).cursor;
  EXPECT_EQ(told(all({.path = "/", .since = oldest_cursor})), told(kept));
}

TEST_F(RetentionTest, TimePassesForEventsThoughNothingChanges) {
  options.log_kept_for = 1h;
  begin(options, 16 << 10);
  write(60);
  checkpoint();
  ns->scheduler().run_for(30min);
  run_due();
  EXPECT_EQ(oldest(), 1U);
  ns->scheduler().run_for(2h);
  run_due();
  EXPECT_GT(oldest(), 20U);
}

TEST_F(RetentionTest, EventsTakeNoMoreThanTheirSpaceUnlessRecoveryNeedsIt) {
  options.log_kept_bytes = 64 << 10;
  begin(options, 16 << 10);
  write(200);
  run_due();
  EXPECT_EQ(oldest(), 1U);  // there is no checkpoint yet
  checkpoint();
  EXPECT_GT(oldest(), 1U);
  EXPECT_LE(log_bytes(), options.log_kept_bytes);
  EXPECT_GT(log_bytes(), options.log_kept_bytes / 2);
}

// What it is in the middle of goes.
TEST_F(RetentionTest, AWatcherThatTheTrimmingOvertakesIsTold) {
  options.log_kept_for = 0s;
  begin(options, 16 << 10);
  std::string since = now();
  write(120);
  WatchReply first = page({.path = "/", .since = since, .limit = 3});
  EXPECT_EQ(first.events.size(), 3U);
  checkpoint();
  WatchReply next = page({.path = "/", .since = first.cursor, .limit = 3});
  EXPECT_EQ(next.failure.code, Code::cursor_too_old);
  EXPECT_TRUE(next.events.empty());
  EXPECT_FALSE(all({.path = "/", .since = next.oldest}).empty());
}

}  // namespace
}  // namespace nokv::shard
