// Situations that have broken systems like this one, each played out once; the numbers are those
// of the project's list, of which namespace_test.cc has others.
#include <gtest/gtest.h>

#include "codec/crc32c.h"
#include "codec/key.h"
#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using namespace std::chrono_literals;
using codec::Method;

BackgroundOptions options() {
  BackgroundOptions out = SimNamespace::quiet_background();
  out.second_pass = 2h;
  out.upload_ttl = 1h;
  return out;
}

class Scenario : public CheckedNamespace {
 protected:
  Scenario() : CheckedNamespace(options()) {}
  Result<codec::CommitReply> commit(const codec::CommitRequest& request) {
    return ns.call<codec::CommitReply>(Method::commit, request);
  }
  codec::CommitRequest numbered(uint64_t sequence, codec::Operation op) {
    codec::CommitRequest request;
    request.session[0] = 7;
    request.sequence = sequence;
    request.acked_below = 1;
    request.open_session = sequence == 1;
    request.operations.push_back({std::move(op)});
    return request;
  }
  void run_due() {
    bool done = false;
    ns.background().run_due([&](Result<> result) {
      EXPECT_TRUE(result);
      done = true;
    });
    ASSERT_TRUE(ns.scheduler().run_until([&] { return done; }, 1h));
  }
  static codec::Operation publish_blob(const std::string& path,
                                       const codec::OperationResult& upload,
                                       const std::string& bytes) {
    codec::Publish op;
    op.target.path = path;
    op.mode = 0644;
    op.body.upload = upload.upload;
    op.body.first_blob = upload.first_blob;
    op.body.size = bytes.size();
    op.body.block_crcs = {crc32c(bytes)};
    return op;
  }
};

TEST_F(Scenario, ADirectoryThatLeftASnapshotsScopeIsStillReadAsItWas) {  // 6
  must({mkdir_op("/a"), mkdir_op("/a/d"), put_op("/a/d/f", "then"), mkdir_op("/b")});
  must({snapshot_op("s", "/a")});
  must({rename_op("/a/d", "/b/d")});
  must({put_op("/b/d/f", "now"), put_op("/b/d/g", "new")});
  must({remove_op("/b/d")});
  ASSERT_TRUE(ns.call<codec::GcReply>(Method::gc, codec::GcRequest{true, 0}));
  EXPECT_EQ(ns.read("/a/d/f", "s").value(), "then");
  EXPECT_EQ(ns.list("/a/d", "s")->size(), 1U);
  EXPECT_EQ(ns.stat("/a", "s")->totals.bytes, 4U);
}

TEST_F(Scenario, ResultsInTheWindowAreKeptAndBeyondItNothingIsDone) {  // 14
  constexpr uint64_t kCount = codec::kSessionWindow + 500;
  std::vector<Result<codec::CommitReply>> replies(kCount + 1, fail(Code::unavailable));
  for (uint64_t i = 1; i <= kCount; ++i) {
    ns.shard().commit(numbered(i, mkdir_op(str("/d", i))), "test",
                      [&, i](auto reply) { replies[i] = std::move(reply); });
  }
  ns.scheduler().run_for(1s);
  ns.crash(SimCrash::process);
  ASSERT_TRUE(ns.open());
  for (uint64_t i : {uint64_t{1}, uint64_t{500}, codec::kSessionWindow}) {
    ASSERT_TRUE(replies[i]) << i;
    auto again = commit(numbered(i, mkdir_op(str("/d", i))));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->version, replies[i]->version);
  }
  EXPECT_EQ(replies[codec::kSessionWindow + 1].error().code(), Code::overloaded);
  EXPECT_EQ(ns.stat("/")->entries, codec::kSessionWindow);
}

TEST_F(Scenario, AWallClockThatJumpsIsNotFollowed) {  // 16
  int64_t before = must({mkdir_op("/a")}).time_ns;
  ns.scheduler().clock().jump_wall(24h);
  int64_t after = must({mkdir_op("/b")}).time_ns;
  EXPECT_LT(after - before, Duration(1min).count());
  EXPECT_GT(ns.shard().counters().clamped_times.load(), 0U);
}

TEST_F(Scenario, AWeekendWithTheServerDownIsNoJumpAndEndsNoSession) {  // 16
  int64_t before = commit(numbered(1, mkdir_op("/a")))->time_ns;
  ns.crash(SimCrash::power);
  ns.scheduler().clock().advance(60h);
  ASSERT_TRUE(ns.open());
  run_due();
  auto next = commit(numbered(2, mkdir_op("/b")));
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_GE(next->time_ns - before, Duration(59h).count());
  EXPECT_EQ(ns.shard().counters().clamped_times.load(), 0U);
}

TEST_F(Scenario, APutThatEndsAfterItsUploadExpiredLeavesNothing) {  // 17
  must({codec::OpenUpload{1}});
  auto upload = must({codec::OpenUpload{1}}).results[0];
  ns.scheduler().run_for(2h);
  must({mkdir_op("/time-goes-on")});
  run_due();
  auto late = ns.commit({publish_blob("/f", upload, "late")});
  EXPECT_EQ(late.error().code(), Code::failed_precondition);
  put_object(codec::blob_object_name(upload.first_blob, 0), "late");
  EXPECT_EQ(ns.store().object_count(), 1U);
  ns.scheduler().run_for(3h);
  run_due();
  EXPECT_EQ(ns.store().object_count(), 0U);
  EXPECT_EQ(keys(codec::Table::upload).size(), 0U);
}

TEST_F(Scenario, ABlobIsPublishedOnceWhateverBecameOfIt) {  // 18
  auto upload = must({codec::OpenUpload{2}}).results[0];
  put_object(codec::blob_object_name(upload.first_blob, 0), "body");
  must({publish_blob("/f", upload, "body")});
  EXPECT_EQ(ns.commit({publish_blob("/g", upload, "body")}).error().code(),
            Code::failed_precondition);
  must({remove_op("/f")});
  EXPECT_EQ(ns.commit({publish_blob("/g", upload, "body")}).error().code(),
            Code::failed_precondition);
  ASSERT_TRUE(ns.call<codec::GcReply>(Method::gc, codec::GcRequest{true, 0}));
  EXPECT_EQ(ns.commit({publish_blob("/g", upload, "body")}).error().code(),
            Code::failed_precondition);
}

TEST_F(Scenario, PagesOfAListingAreOfOneVersion) {  // 24
  for (char c : std::string("bcdefg")) must({put_op(str("/", std::string(1, c)), "x")});
  codec::ListRequest request;
  request.target.path = "/";
  request.limit = 3;
  auto page = ns.call<codec::ListReply>(Method::list, request);
  ASSERT_TRUE(page && page->more);
  must({remove_op("/b"), remove_op("/f"), put_op("/a", "x"), put_op("/ee", "x")});
  std::string names;
  for (;;) {
    for (const auto& entry : page->entries) names += entry.name;
    if (!page->more) break;
    request.after = page->entries.back().name;
    request.at.view = page->view;
    page = ns.call<codec::ListReply>(Method::list, request);
    ASSERT_TRUE(page) << page.error().message();
  }
  EXPECT_EQ(names, "bcdefg");
}

TEST_F(Scenario, APageOfASnapshotDoesNotBeginWithTheLastNameOfThePageBefore) {  // 24
  must({put_op("/a", "1"), put_op("/b", "1"), put_op("/c", "1"), put_op("/d", "1")});
  must({snapshot_op("s", "/")});
  must({put_op("/b", "2"), remove_op("/d")});
  std::string names;
  auto entries = ns.list("/", "s", 2);
  ASSERT_TRUE(entries);
  for (const auto& entry : *entries) names += entry.name;
  EXPECT_EQ(names, "abcd");
}

TEST_F(Scenario, APinWithManyRecordsGoesInSmallStepsBetweenWriters) {  // 25
  constexpr size_t kFiles = 1500;
  must({mkdir_op("/d")});
  for (const char* body : {"old", "new"}) {
    std::vector<codec::Operation> files;
    for (size_t i = 0; i < kFiles; ++i) files.push_back(put_op(str("/d/", i), body));
    must(std::move(files));
    if (std::string_view(body) == "old") must({snapshot_op("s", "/d"), snapshot_op("t", "/")});
  }
  must({codec::SnapshotRemove{"t"}});
  ASSERT_GE(keys(codec::Table::filed).size(), kFiles);
  auto& counters = ns.shard().counters();
  bool done = false;
  ns.background().run_gc(0s, [&](Result<codec::GcReply> reply) { done = reply.has_value(); });
  uint64_t bytes = counters.log_bytes;
  uint64_t groups = counters.groups;
  int writes = 0;
  while (!done && writes < 1000) {
    uint64_t before = ns.shard().state()->record.version;
    auto reply = must({put_op("/w", str(writes++))});
    // Nobody waits behind more than a few steps.
    EXPECT_LE(reply.version - before, 5U);
  }
  ASSERT_TRUE(done);
  EXPECT_GE(writes, 5);
  EXPECT_LT((counters.log_bytes - bytes) / (counters.groups - groups), 2000U);
  EXPECT_EQ(ns.read("/d/7", "s").value(), "old");
  EXPECT_EQ(ns.read("/d/7").value(), "new");
  must({codec::SnapshotRemove{"s"}});
  ASSERT_TRUE(ns.call<codec::GcReply>(Method::gc, codec::GcRequest{true, 0}));
  EXPECT_EQ(keys(codec::Table::filed).size(), 0U);
  EXPECT_EQ(keys(codec::Table::inline_blob).size(), kFiles + 1);
}

}  // namespace
}  // namespace nokv::shard
