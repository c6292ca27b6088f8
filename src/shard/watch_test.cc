// Watches of a shard: what they hear, in which order, and that nothing is missing.
#include <deque>

#include "meta/event_filter.h"
#include "shard/testing/watch_fixture.h"

namespace nokv::shard {
namespace {

using namespace std::chrono_literals;
using codec::EventKind;

TEST_F(WatchTest, ThePastIsToldInOrderEachEventOnce) {
  std::string since = now();
  must({mkdir_op("/a"), put_op("/a/f", "1")});
  must({put_op("/a/f", "22")});
  must({rename_op("/a/f", "/a/g")});
  must({remove_op("/a", true)});
  auto events = all({.path = "/", .since = since});
  ASSERT_EQ(told(events), (Strings{"created /a", "created /a/f", "published /a/f",
                                   "renamed /a/f -> /a/g", "removed /a"}));
  EXPECT_EQ(events[0].version, events[1].version);
  EXPECT_EQ(events[1].index, 1U);
  EXPECT_EQ(events[2].event.size, 2U);
  EXPECT_EQ(events[2].event.old_generation, events[1].event.generation);
  EXPECT_EQ(events[2].principal, "test");
  EXPECT_TRUE(events[4].event.covers_subtree);
}

TEST_F(WatchTest, APollThatWaitsIsAnsweredWhenItsEventIsDurable) {
  std::string since = now();
  Waiting waiting;
  start(waiting, {.path = "/b", .since = since, .wait_ns = 60 * kSecond});
  must({mkdir_op("/a")});
  ns->scheduler().run_for(1s);
  EXPECT_FALSE(waiting.answer);
  EXPECT_EQ(ns->service().watch_counters().watchers, 1U);
  must({mkdir_op("/b")});
  ns->scheduler().run_for(1ms);
  ASSERT_TRUE(waiting.answer);
  EXPECT_EQ(told(waiting.reply().events), (Strings{"created /b"}));
  EXPECT_EQ(ns->service().watch_counters().watchers, 0U);
  EXPECT_EQ(ns->service().watch_counters().log_reads, 0U);
}

TEST_F(WatchTest, AnIdleWatchIsAnsweredInTimeAndItsCursorMovesOn) {
  std::string since = now();
  Waiting waiting;
  start(waiting, {.path = "/b", .since = since, .wait_ns = 10 * kSecond});
  must({mkdir_op("/a")});
  ns->scheduler().run_for(9s);
  EXPECT_FALSE(waiting.answer);
  ns->scheduler().run_for(2s);
  WatchReply reply = waiting.reply();
  EXPECT_TRUE(reply.events.empty());
  EXPECT_FALSE(reply.more);
  EXPECT_GT(*EventCursor::parse(reply.cursor), *EventCursor::parse(since));
  EXPECT_EQ(reply.cursor, now());
}

TEST_F(WatchTest, ACallThatWouldGiveUpIsAnsweredBeforeItDoes) {
  Waiting waiting;
  start(waiting, {.path = "/", .since = now(), .wait_ns = 60 * kSecond}, 5s);
  ns->scheduler().run_for(4100ms);
  EXPECT_TRUE(waiting.answer);
}

TEST_F(WatchTest, PagesAreBoundedAndContinueInTheMiddleOfAVersion) {
  std::string since = now();
  std::vector<codec::Operation> many;
  for (int i = 0; i < 25; ++i) many.push_back(mkdir_op(str("/d", i)));
  must(many);
  std::vector<WatchEvent> got;
  WatchRequest request{.path = "/", .since = since, .limit = 10};
  for (size_t expected : {10U, 10U, 5U}) {
    WatchReply reply = page(request);
    EXPECT_EQ(reply.events.size(), expected);
    EXPECT_EQ(reply.more, expected == 10U);
    got.insert(got.end(), reply.events.begin(), reply.events.end());
    request.since = reply.cursor;
  }
  for (uint32_t i = 0; i < 25; ++i) EXPECT_EQ(got[i].event.path, str("/d", i));
  // The cursor of each event continues right behind it.
  uint64_t log = EventCursor::parse(since)->log;
  request.limit = 100;
  for (uint32_t i = 0; i < 25; ++i) {
    request.since = EventCursor{log, got[i].version, got[i].index + 1}.text();
    EXPECT_EQ(page(request).events.size(), 24 - i);
  }
}

TEST_F(WatchTest, OfALongPathAPageHoldsAMegabyte) {
  std::string path;
  std::string since = now();
  for (int i = 0; i < 15; ++i) must({mkdir_op(path += "/" + std::string(250, 'x'))});
  for (int i = 0; i < 600; ++i) must({put_op(str(path, "/", i), "")});
  WatchRequest request{.path = "/", .since = since, .limit = 10'000};
  WatchReply reply = page(request);
  EXPECT_TRUE(reply.more);
  EXPECT_LT(codec::encoded(reply).size(), EventPage::kBytesMax + 5000);
  EXPECT_EQ(all(request).size(), 615U);
}

TEST_F(WatchTest, ATreeOperationReachesWatchesAtBelowAndAboveBothPaths) {  // 15
  must({mkdir_op("/a"), mkdir_op("/a/b"), mkdir_op("/a/b/c"), mkdir_op("/x"), mkdir_op("/y")});
  std::string since = now();
  std::deque<Waiting> waiting;
  const std::vector<std::pair<std::string, bool>> watches = {
      {"/", true},    {"/a", true},   {"/a/b/c", true},   {"/a/b/c/not/yet", true},
      {"/x", true},   {"/x/a", true}, {"/x/a/b/c", true}, {"/y", false},
      {"/ab", false}, {"/x/b", false}};
  for (const auto& [path, hears] : watches) {
    start(waiting.emplace_back(), {.path = path, .since = since, .wait_ns = 30 * kSecond});
  }
  must({rename_op("/a", "/x/a")});
  ns->scheduler().run_for(1ms);
  for (size_t i = 0; i < watches.size(); ++i) {
    EXPECT_EQ(waiting[i].answer.has_value(), watches[i].second) << watches[i].first;
    if (waiting[i].answer) {
      EXPECT_EQ(told(waiting[i].reply().events), (Strings{"renamed /a -> /x/a"}));
    }
  }
  since = now();
  must({remove_op("/x/a", true)});
  for (const char* path : {"/x/a/b/c", "/x/a", "/x", "/"}) {
    EXPECT_EQ(told(all({.path = path, .since = since})), (Strings{"removed /x/a"})) << path;
  }
  EXPECT_TRUE(all({.path = "/a/b/c", .since = since}).empty());
}

TEST_F(WatchTest, WhoWatchesBelowADirectoryHearsOfItsRollbackAndOfClones) {  // 28, in part
  must({mkdir_op("/a"), mkdir_op("/a/b"), put_op("/a/b/f", "1"), put_op("/a/x", "file")});
  must({snapshot_op("s", "/a")});
  must({put_op("/a/b/f", "2"), remove_op("/a/x"), mkdir_op("/a/x"), mkdir_op("/a/x/y")});
  std::string since = now();
  codec::Clone clone;
  clone.from.path = "/a";
  clone.to.path = "/c";
  must({clone});
  codec::Rollback rollback;
  rollback.at = "s";
  rollback.target.path = "/a/x";  // where a file was
  must({rollback});
  rollback.target.path = "/a/b/f";
  must({rollback});
  rollback.target.path = "/a";
  must({rollback});
  EXPECT_EQ(told(all({.path = "/a/x/y/z", .since = since})),
            (Strings{"cloned /a -> /c", "removed /a/x", "rolled_back /a"}));
  EXPECT_EQ(told(all({.path = "/a/b/f", .since = since})),
            (Strings{"cloned /a -> /c", "rolled_back /a/b/f", "rolled_back /a"}));
  EXPECT_EQ(told(all({.path = "/c/b/f", .since = since})), Strings{"cloned /a -> /c"});
  EXPECT_EQ(told(all({.path = "/a/x", .since = since})),
            (Strings{"cloned /a -> /c", "removed /a/x", "created /a/x", "rolled_back /a"}));
}

TEST_F(WatchTest, OfAFileWithSeveralNamesEachIsTold) {  // 11
  must({mkdir_op("/a"), mkdir_op("/b"), put_op("/a/f", "1")});
  codec::Link link;
  link.from.path = "/a/f";
  link.to.path = "/b/g";
  must({link});
  std::string since = now();
  codec::Append append;
  append.target = {"f", ns->stat("/a")->id};
  append.body.bytes = "23";
  append.body.size = 2;
  must({append});
  codec::SetAttributes chmod;
  chmod.target.path = "/b/g";
  chmod.mode = 0600;
  must({chmod});
  codec::SetXattr xattr;
  xattr.target.path = "/b/g";
  xattr.name = "user.x";
  xattr.value = "1";
  must({xattr});
  must({put_op("/b/g", "new")});
  for (const auto& [path, kind] : {std::pair("/a", "/a/f"), {"/b", "/b/g"}}) {
    auto events = all({.path = path, .since = since});
    ASSERT_EQ(told(events), (Strings{str("published ", kind), str("attributes ", kind),
                                     str("xattr ", kind), str("published ", kind)}));
    EXPECT_EQ(events[0].event.size, 3U);
    EXPECT_EQ(events[3].event.size, 3U);
    EXPECT_EQ(events[0].event.id, events[3].event.id);
  }
  EXPECT_EQ(ns->stat("/a")->totals.bytes, 3U);
  EXPECT_EQ(ns->stat("/b")->totals.bytes, 3U);
  EXPECT_EQ(all({.path = "/", .since = since}).size(), 8U);
  since = now();
  must({rename_op("/b/g", "/b/h")});
  auto renamed = all({.path = "/", .since = since});
  EXPECT_EQ(told(renamed), Strings{"renamed /b/g -> /b/h"});
  EXPECT_EQ(renamed[0].event.size, 3U);
  EXPECT_NE(renamed[0].event.generation, 0U);
}

TEST_F(WatchTest, KindsAndDepthAreChosen) {
  std::string since = now();
  must({mkdir_op("/a"), put_op("/a/f", "1"), mkdir_op("/a/b")});
  must({put_op("/a/b/g", "1")});
  must({put_op("/a/f", "2")});
  WatchRequest request{.path = "/a", .since = since};
  request.kinds = meta::event_bit(EventKind::published);
  EXPECT_EQ(told(all(request)), (Strings{"published /a/f"}));
  request.kinds = 0;
  request.here_only = true;
  EXPECT_EQ(told(all(request)),
            (Strings{"created /a", "created /a/f", "created /a/b", "published /a/f"}));
}

TEST_F(WatchTest, SinceIsAVersionATimeAnAgeASnapshotOrTheOldest) {
  must({mkdir_op("/a")});
  ns->scheduler().run_for(10s);
  uint64_t b = must({mkdir_op("/b")});
  must({snapshot_op("s", "/")});
  ns->scheduler().run_for(10s);
  must({mkdir_op("/c")});
  auto since = [&](const std::string& text) {
    WatchReply first = page({.path = "/", .since = text});
    EXPECT_EQ(first.failure.code, Code::ok) << first.failure.message;
    EXPECT_TRUE(first.events.empty());
    return told(all({.path = "/", .since = first.cursor}));
  };
  Strings after_b{"snapshot_created /", "created /c"};
  EXPECT_EQ(since(str("v", b)), after_b);
  EXPECT_EQ(since("s"), after_b);
  EXPECT_EQ(since("5s"), Strings{"created /c"});
  EXPECT_EQ(since("15s").size(), 3U);
  EXPECT_EQ(since("1h").size(), 4U);
  EXPECT_EQ(since("oldest").size(), 4U);
  EXPECT_EQ(since("2001-01-01").size(), 4U);
  EXPECT_TRUE(since("2201-01-01").empty());
  EXPECT_EQ(ask({.path = "/", .since = "nothing"}).error().code(), Code::not_found);
  EXPECT_EQ(ask({.path = "/", .since = "v99"}).error().code(), Code::not_found);
}

TEST_F(WatchTest, WhatCannotBeServedIsRefused) {
  EXPECT_EQ(ask({.path = "a/b"}).error().code(), Code::invalid_argument);
  EXPECT_EQ(ask({.path = "/", .since = now(), .limit = 10'001}).error().code(),
            Code::resource_exhausted);
  EventCursor ahead = *EventCursor::parse(now());
  ++ahead.version;
  EXPECT_EQ(ask({.path = "/", .since = ahead.text()}).error().code(), Code::invalid_argument);
  EventCursor foreign = *EventCursor::parse(now());
  ++foreign.log;
  WatchReply reply = page({.path = "/", .since = foreign.text()});
  EXPECT_EQ(reply.failure.code, Code::cursor_too_old);
  EXPECT_EQ(EventCursor::parse(reply.oldest)->version, 1U);
  EXPECT_NE(reply.failure.hint.find(reply.oldest), std::string::npos);
}

TEST_F(WatchTest, MomentsAreToldToWhoAsksForThem) {
  std::string since = now();
  bool done = false;
  ns->shard().upkeep([](meta::Transaction& txn) { return meta::plan_moment(txn); }, true,
                     [&](const Result<>&) { done = true; });
  ns->scheduler().run_until([&] { return done; }, 1h);
  must({mkdir_op("/a")});
  EXPECT_EQ(told(all({.path = "/", .since = since})), Strings{"created /a"});
  EXPECT_EQ(told(all({.path = "/", .kinds = meta::event_bit(EventKind::moment), .since = since})),
            Strings{"moment /"});
}

TEST_F(WatchTest, ASlowWatcherCostsBoundedMemoryAndMissesNothing) {
  WatchOptions options;
  options.recent_bytes = 64 << 10;
  WatchHub hub(ns->host().env(), ns->shard(), ns->background().log(), options);
  auto poll = [&](WatchRequest request) {
    std::optional<WatchReply> out;
    hub.poll(std::move(request), ns->scheduler().clock().now() + 1h,
             [&](Result<WatchReply> reply) { out = *std::move(reply); });
    ns->scheduler().run_until([&] { return out.has_value(); }, 1h);
    return *out;
  };
  std::string since = poll({.path = "/"}).cursor;
  (void)poll({.path = "/", .since = since});  // from now on the sequencer tells
  constexpr int kMany = 5000;
  for (int i = 0; i < kMany; ++i) must({put_op(str("/f", i), "")});
  ns->scheduler().run_for(1s);
  EXPECT_LE(hub.recent_bytes(), options.recent_bytes);
  int next = 0;
  WatchReply reply;
  do {
    reply = poll({.path = "/", .since = since});
    EXPECT_LE(reply.events.size(), 1000U);
    for (const auto& it : reply.events) ASSERT_EQ(it.event.path, str("/f", next++));
    since = reply.cursor;
  } while (reply.more);
  EXPECT_EQ(next, kMany);
  EXPECT_GT(hub.counters().log_reads, 0U);
  EXPECT_GT(hub.counters().lag, 0U);
}

TEST(EventFeed, DropsWhatIsNotTakenInTime) {
  SimScheduler scheduler(1);
  SimNet net(scheduler);
  SimHost host(scheduler, net, "host");
  auto executor = host.env().executors.serial("home");
  EventFeed feed;
  int woken = 0;
  feed.listen(*executor, [&] { ++woken; });
  auto group = [](uint64_t version) { return codec::RedoGroup{.first = version, .records = {}}; };
  feed.push(group(1), EventFeed::kBytesMax / 2);
  feed.push(group(2), EventFeed::kBytesMax / 2);
  feed.push(group(3), 1);
  scheduler.run_for(1s);
  EXPECT_EQ(woken, 1);
  auto groups = feed.take();
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].first, 3U);
  feed.push(group(4), 1);
  feed.close();
  feed.push(group(5), 1);
  EXPECT_TRUE(feed.take().empty());
}

// Those who wait get what the feed dropped from the log, in its order.
TEST_F(WatchTest, WhatTheFeedDropsIsReadFromTheLog) {
  std::string since = now();
  Waiting dropped;
  start(dropped, {.path = "/f3", .since = since, .wait_ns = 60 * kSecond});
  Waiting last;
  start(last, {.path = "/f9", .since = since, .wait_ns = 60 * kSecond});
  uint64_t before = ns->shard().state()->record.version;
  size_t taken = 0;
  for (int i = 0; i < 10; ++i) {
    codec::CommitRequest request;
    request.operations.push_back({put_op(str("/f", i), "")});
    ns->shard().commit(std::move(request), "test", [](const Result<codec::CommitReply>&) {});
    ns->scheduler().run_until(
        [&] { return ns->shard().state()->record.version > before + static_cast<uint64_t>(i); },
        1s);
    if (i < 8) taken += ns->shard().feed().take().size();  // before the hub does
  }
  ns->scheduler().run_for(1s);
  EXPECT_GT(taken, 4U);
  EXPECT_EQ(told(dropped.reply().events), Strings{"created /f3"});
  EXPECT_EQ(told(last.reply().events), Strings{"created /f9"});
  EXPECT_EQ(told(all({.path = "/", .since = since})).size(), 10U);
}

TEST_F(WatchTest, ThousandsOfIdleWatchersAreNotLookedAtForOthersEvents) {
  std::string since = now();
  std::deque<Waiting> waiting;
  constexpr size_t kMany = 5000;
  for (size_t i = 0; i < kMany; ++i) {
    auto& one = waiting.emplace_back();
    Caller caller{"test", ns->scheduler().clock().now() + 1h};
    WatchRequest request{.path = str("/w/", i), .since = since, .wait_ns = 60 * kSecond};
    ns->service().call(codec::Method::watch, codec::encoded(request), caller,
                       [&one](Result<std::string> answer) { one.answer = answer; });
  }
  ns->scheduler().run_for(1ms);
  EXPECT_EQ(ns->service().watch_counters().watchers, kMany);
  must({mkdir_op("/w"), mkdir_op("/w/7")});
  ns->scheduler().run_for(1ms);
  for (size_t i = 0; i < kMany; ++i) EXPECT_EQ(waiting[i].answer.has_value(), i == 7);
}

TEST_F(WatchTest, BeyondTheLimitOfWatchersIsOverload) {
  WatchOptions options;
  options.watchers_max = 2;
  WatchHub hub(ns->host().env(), ns->shard(), ns->background().log(), options);
  std::string since = now();
  std::vector<Code> codes;
  for (int i = 0; i < 3; ++i) {
    hub.poll({.path = "/", .since = since, .wait_ns = 5 * kSecond},
             ns->scheduler().clock().now() + 1h, [&](const Result<WatchReply>& reply) {
               codes.push_back(reply ? Code::ok : reply.error().code());
             });
  }
  ns->scheduler().run_for(1ms);
  EXPECT_EQ(codes, (std::vector<Code>{Code::overloaded}));
  ns->scheduler().run_for(6s);
  EXPECT_EQ(codes.size(), 3U);
}

TEST_F(WatchTest, AServerThatStopsAnswersThoseWhoWaitWithWhereToGoOn) {
  std::string since = now();
  Waiting waiting;
  start(waiting, {.path = "/", .since = since, .wait_ns = 60 * kSecond});
  ns->service().end_watches();
  ns->scheduler().run_for(1ms);
  EXPECT_TRUE(waiting.reply().ending);
  EXPECT_EQ(waiting.reply().cursor, since);
  Waiting later;
  start(later, {.path = "/", .since = since, .wait_ns = 60 * kSecond});
  EXPECT_TRUE(later.reply().ending);
}

// Every event of the log, as an oracle reads it.
std::vector<std::string> events_of_log(log::LogStore& log, uint64_t from, uint64_t newest) {
  std::vector<std::string> out;
  auto reader = log.read(Version{from}).value();
  for (uint64_t version = from; version <= newest;) {
    auto entry = reader->next().value();
    codec::RedoGroup group;
    EXPECT_TRUE(codec::decode(entry.value().group.bytes, group));
    version = group.first;
    for (const auto& record : group.records) {
      uint32_t index = 0;
      for (const auto& event : record.events) {
        out.push_back(str(version, ".", index++, " ", event.old_path, " ", event.path));
      }
      ++version;
    }
  }
  return out;
}

// Watchers with pages and patience of their own, over crashes at random points, hear all that the
// log has, in order, each once.
TEST(Watch, IsGaplessAcrossCrashes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SimNamespace ns(seed);
    ns.log_segment_bytes = 64 << 10;
    ASSERT_TRUE(ns.open());
    ASSERT_TRUE(ns.init());
    SimRandom& random = ns.scheduler().random();
    struct Watcher {
      std::string cursor;
      uint32_t limit = 0;
      bool asking = false;
      std::vector<std::string> heard;
    };
    std::vector<Watcher> watchers(4);
    uint64_t log_id = 0;
    for (auto& it : watchers) {
      it.cursor = ns.call<WatchReply>(codec::Method::watch, WatchRequest{.path = "/"})->cursor;
      it.limit = static_cast<uint32_t>(1 + random.below(40));
      log_id = EventCursor::parse(it.cursor)->log;
    }
    uint64_t first = EventCursor::parse(watchers[0].cursor)->version;
    auto ask = [&](Watcher& watcher) {
      if (std::exchange(watcher.asking, true)) return;
      Caller caller{"test", ns.scheduler().clock().now() + 1h};
      auto all = ~uint32_t{0};
      WatchRequest request{.path = "/",
                           .kinds = all,
                           .since = watcher.cursor,
                           .wait_ns = static_cast<int64_t>(random.below(5)) * kSecond,
                           .limit = watcher.limit};
      ns.service().call(
          codec::Method::watch, codec::encoded(request), caller, [&](Result<std::string> answer) {
            watcher.asking = false;
            WatchReply reply;
            if (!answer || !codec::decode(*answer, reply)) return;
            ASSERT_EQ(reply.failure.code, Code::ok) << reply.failure.message;
            for (const auto& it : reply.events) {
              watcher.heard.push_back(
                  str(it.version, ".", it.index, " ", it.event.old_path, " ", it.event.path));
            }
            watcher.cursor = reply.cursor;
            // Or from the cursor of the last event: it is the same place.
            if (!reply.events.empty() && random.one_in(2)) {
              const auto& last = reply.events.back();
              watcher.cursor = EventCursor{log_id, last.version, last.index + 1}.text();
            }
          });
    };
    uint64_t number = 0;
    for (int step = 0; step < 300; ++step) {
      for (size_t n = random.below(6); n > 0; --n) {
        codec::CommitRequest request;
        for (size_t ops = 1 + random.below(4); ops > 0; --ops) {
          request.operations.push_back({put_op(str("/f", ++number), std::string(200, 'x'))});
        }
        ns.shard().commit(std::move(request), "test", [](const Result<codec::CommitReply>&) {});
      }
      if (auto& it = watchers[random.below(watchers.size())]; random.one_in(2)) ask(it);
      ns.scheduler().run_for(random.between(0s, 20ms));
      if (random.one_in(25)) {
        ns.crash(random.one_in(2) ? SimCrash::power : SimCrash::process);
        for (auto& it : watchers) it.asking = false;
        ASSERT_TRUE(ns.open());
      }
    }
    ns.scheduler().run_for(10s);
    uint64_t newest = ns.shard().state()->record.version;
    auto expected = events_of_log(ns.background().log(), first, newest);
    for (auto& it : watchers) {
      for (int i = 0; i < 2000 && EventCursor::parse(it.cursor)->version <= newest; ++i) {
        ask(it);
        ns.scheduler().run_for(6s);
      }
      EXPECT_EQ(it.heard, expected);
    }
  }
}

}  // namespace
}  // namespace nokv::shard
