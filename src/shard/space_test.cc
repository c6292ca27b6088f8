// What space is kept for, and the budget of what nobody asked to keep.
#include "meta/check/check.h"
#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using namespace std::chrono_literals;
using codec::Table;

class Space : public CheckedNamespace {
 protected:
  codec::SpaceReply space() {
    auto reply = ns.call<codec::SpaceReply>(codec::Method::space, Nothing{});
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
    return reply ? *reply : codec::SpaceReply();
  }
  struct Nothing {
    static void fields(auto& /*self*/, auto& /*f*/) {}
  };
  // The row of the reason and name, as "bytes/files".
  std::string row(const std::string& reason, const std::string& name = {}) {
    for (const auto& it : space().rows) {
      if (it.reason == reason && it.name == name) return str(it.bytes, "/", it.files);
    }
    return "none";
  }
};

TEST_F(Space, EachBodyIsCountedOnceAtItsFirstReason) {
  must({mkdir_op("/d"), put_op("/d/a", std::string(100, 'a')), put_op("/d/b", std::string(10, 'b')),
        put_op("/d/empty", "")});
  must({snapshot_op("s", "/")});
  must({snapshot_op("t", "/d")});
  EXPECT_EQ(row("live"), "110/3");
  EXPECT_EQ(row("snapshot", "s"), "0/0");
  must({remove_op("/d/a")});  // both snapshots have it
  EXPECT_EQ(row("live"), "10/2");
  EXPECT_EQ(row("snapshot"), "100/1");
  EXPECT_EQ(row("snapshot", "s"), "0/0");
  must({codec::SnapshotRemove{"s"}});
  EXPECT_EQ(row("snapshot", "t"), "100/1");
  EXPECT_EQ(row("snapshot"), "none");
}

TEST_F(Space, WhatASnapshotAloneKeepsIsFreedWithIt) {
  put_big("/big", std::string(20'000, 'b'));
  must({put_op("/small", "12345")});
  must({snapshot_op("s", "/")});
  must({remove_op("/big"), remove_op("/small")});
  EXPECT_EQ(row("snapshot", "s"), "20005/2");
  must({codec::SnapshotRemove{"s"}});
  gc();
  EXPECT_EQ(row("live"), "0/0");
  EXPECT_EQ(row("dead"), "0/0");
  EXPECT_EQ(ns.store().object_count(), 0U);
}

TEST_F(Space, WhatUndoKeepsGoesToASnapshotThatNeedsItToo) {
  must({put_op("/f", "12345")});
  must({remove_op("/f", true)});
  EXPECT_EQ(row("undo"), "5/1");
  must({put_op("/g", "123")});
  must({snapshot_op("s", "/")});
  must({remove_op("/g", true)});
  EXPECT_EQ(row("snapshot", "s"), "3/1");
  EXPECT_EQ(row("undo"), "5/1");
}

TEST_F(Space, DeadBodiesAndUploadsAreToldApart) {
  put_big("/big", std::string(20'000, 'b'));
  must({remove_op("/big")});
  EXPECT_EQ(row("dead"), "20000/1");
  EXPECT_EQ(row("uploading"), "0/0");
  codec::OpenUpload open;
  open.blobs = 2;
  auto opened = must({open}).results.at(0);
  put_object(codec::blob_object_name(opened.first_blob, 0), std::string(7000, 'u'));
  EXPECT_EQ(row("uploading"), "7000/1");
}

TEST_F(Space, ACopyTakesNothing) {
  must({put_op("/f", "12345")});
  codec::Copy copy;
  copy.from.path = "/f";
  copy.to.path = "/g";
  must({copy});
  EXPECT_EQ(row("live"), "5/2");
}

TEST_F(Space, WhatOnlyTheBaseOfACloneKeepsIsCountedByItsPath) {
  must({codec::SetPolicy{{{}, 0}}});
  must({mkdir_op("/d"), put_op("/d/a", std::string(100, 'a')),
        put_op("/d/b", std::string(10, 'b'))});
  must({clone_op("/d", "/c1")});
  EXPECT_EQ(row("clone", "/c1"), "none");  // the files of /d are live
  must({put_op("/d/a", "x")});
  EXPECT_EQ(row("clone", "/c1"), "100/1");
  must({clone_op("/d", "/w")});
  must({remove_op("/d/b")});
  EXPECT_EQ(row("clone", "/c1"), "100/1");
  EXPECT_EQ(row("clone"), "10/1");  // both show it
  must({rename_op("/c1", "/moved")});
  must({snapshot_op("s", "/moved")});
  must({remove_op("/moved")});
  gc();
  EXPECT_EQ(row("clone", "removed"), "100/1");  // the snapshot reads through it
  must({codec::SnapshotRemove{"s"}});
  gc();
  EXPECT_EQ(row("clone", "removed"), "none");
  EXPECT_EQ(row("clone", "/w"), "10/1");
  must({remove_op("/w")});
  gc();
  EXPECT_EQ(row("clone", "/w"), "none");
  EXPECT_EQ(row("live"), "1/1");
}

TEST_F(Space, SmallWindowsComeToTheSame) {
  must({put_op("/a", "1"), put_op("/b", "22"), put_op("/c", "333")});
  put_big("/big", std::string(20'000, 'b'));
  must({snapshot_op("s", "/")});
  must({put_op("/b", "x"), remove_op("/big")});
  for (size_t window : {1U, 2U, 1000U}) {
    meta::SpaceScan scan(ns.shard().state(), window);
    while (scan.step(1).value()) {
    }
    EXPECT_EQ(scan.figures().live.bytes, 5U) << window;
    EXPECT_EQ(scan.figures().bytes(), 5U + 20'002U) << window;
  }
}

TEST_F(Space, ADeadlineEndsIt) {
  std::optional<Result<codec::SpaceReply>> reply;
  ns.background().space().rows(ns.scheduler().clock().now() - 1s,
                               [&](auto result) { reply = std::move(result); });
  ns.scheduler().run_until([&] { return reply.has_value(); }, 1h);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error().code(), Code::cancelled);
}

// ---- the budget, on the simulation's clock

TEST(Budget, TheOldestMomentsGoWhenTheyKeepTooMuch) {
  BackgroundOptions background;
  background.kept_bytes_min = 50'000;
  background.kept_percent = 0;
  background.measure_every = 60s;
  SimNamespace ns(1, background);
  ASSERT_TRUE(ns.open());
  constexpr int64_t kHour = int64_t{3600} * 1'000'000'000;
  ASSERT_TRUE(ns.init({{{1'000'000'000, kHour}}, kHour}));
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(ns.commit({put_op("/f", std::string(10'000, static_cast<char>('a' + i % 26)))}));
    ns.scheduler().run_for(1500ms);
  }
  ns.scheduler().run_for(120s);
  EXPECT_GT(ns.background().counters().pins_over_budget.load(), 30U);
  std::optional<Result<SpaceMeter::Figures>> figures;
  ns.background().space().measure(Clock::Instant::max(),
                                  [&](auto result) { figures = std::move(result); });
  ns.scheduler().run_until([&] { return figures.has_value(); }, 1min);
  ASSERT_TRUE(figures && *figures);
  EXPECT_LE((**figures)->kept_bytes(), 50'000U);
  EXPECT_GE((**figures)->kept_bytes(), 40'000U);  // and no more went than had to
  auto check = ns.call<codec::FsckReply>(codec::Method::fsck, codec::FsckRequest());
  EXPECT_EQ(check->problem_count, 0U);
}

TEST(Budget, WithinItNothingIsMeasuredAgain) {
  BackgroundOptions background;
  background.measure_every = 60s;
  SimNamespace ns(1, background);
  ASSERT_TRUE(ns.open());
  ASSERT_TRUE(ns.init());
  ASSERT_TRUE(ns.commit({put_op("/f", "12345")}));
  ns.scheduler().run_for(90s);
  auto first = ns.background().space().last();
  ASSERT_NE(first, nullptr);
  ASSERT_TRUE(ns.commit({put_op("/f", "other")}));
  ns.scheduler().run_for(300s);
  EXPECT_EQ(ns.background().space().last(), first);
}

}  // namespace
}  // namespace nokv::shard
