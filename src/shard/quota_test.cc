// Quotas on directories, through the service: what counts, what is refused, and what goes with the
// directory. The model test draws quotas too; here are the situations with their names.
#include <algorithm>

#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using codec::Table;

codec::Operation quota_op(const std::string& path, std::optional<uint64_t> bytes,
                          std::optional<uint64_t> entries = std::nullopt) {
  return codec::SetQuota{{path, {}}, bytes, entries};
}

class Quota : public CheckedNamespace {
 protected:
  Error refused(std::vector<codec::Operation> operations) {
    auto reply = ns.commit(std::move(operations));
    EXPECT_FALSE(reply);
    return reply ? Error(Code::ok, "") : reply.error();
  }
  void expect_over(std::vector<codec::Operation> operations) {
    EXPECT_EQ(refused(std::move(operations)).code(), Code::quota_exceeded);
  }
  // Sent at once, so that they share groups; how many were done.
  size_t done_together(std::vector<std::vector<codec::Operation>> transactions) {
    size_t answered = 0;
    size_t done = 0;
    size_t count = transactions.size();
    for (auto& operations : transactions) {
      codec::CommitRequest request;
      for (auto& op : operations) request.operations.push_back({std::move(op)});
      Caller caller{"test", ns.scheduler().clock().now() + std::chrono::hours(1)};
      ns.service().call(codec::Method::commit, codec::encoded(request), caller,
                        [&](const Result<std::string>& result) {
                          ++answered;
                          if (result) ++done;
                        });
    }
    ns.scheduler().run_until([&] { return answered == count; }, std::chrono::hours(1));
    EXPECT_EQ(answered, count);
    return done;
  }
  std::vector<codec::QuotaInfo> binding(const std::string& path, const std::string& at = {}) {
    auto reply =
        ns.call<codec::QuotaReply>(codec::Method::quota, codec::QuotaRequest{{path, {}}, {at}});
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
    return reply ? reply->quotas : std::vector<codec::QuotaInfo>();
  }
  std::vector<std::string> listed(const std::string& path, uint32_t limit = 0) {
    std::vector<std::string> out;
    codec::QuotasRequest request{{path, {}}, 0, {}, limit};
    for (;;) {
      auto reply = ns.call<codec::QuotasReply>(codec::Method::quotas, request);
      EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
      if (!reply) return out;
      for (const auto& info : reply->quotas) out.push_back(info.path);
      if (!reply->more) break;
      request.after = reply->next;
    }
    std::ranges::sort(out);
    return out;
  }
};

using Paths = std::vector<std::string>;

TEST_F(Quota, WhatWouldBeMoreIsRefusedAndWhatJustFitsIsNot) {
  must({mkdir_op("/d"), mkdir_op("/d/e"), put_op("/d/f", "1234"), quota_op("/d", 10, 4)});
  expect_over({put_op("/d/e/g", "1234567")});
  must({put_op("/d/e/g", "123456")});
  expect_over({append_op("/d/f", "x")});
  must({put_op("/d/h", "")});
  expect_over({mkdir_op("/d/e/i")});
  expect_over({put_op("/d/e/i", "")});
  EXPECT_EQ(ns.stat("/d")->totals.bytes, 10U);
  must({put_op("/d/f", "1")});  // a replaced body counts by what it changes
  must({append_op("/d/f", "234")});
  expect_over({append_op("/d/f", "5")});
}

TEST_F(Quota, TheRefusalNamesDirectoryLimitUsageAndWhatIsTooMuch) {
  must({mkdir_op("/d"), quota_op("/d", 10)});
  Error error = refused({put_op("/d/f", "1234567890123")});
  EXPECT_EQ(error.message(), "/d: its quota is 10 bytes, and 13 would lie below it, 3 too many");
  EXPECT_NE(error.hint().find("nokv quota set"), std::string::npos);
  EXPECT_EQ(ns.shard().counters().over_quota, 1U);
}

TEST_F(Quota, OnlyWhatATransactionComesToCounts) {
  must({mkdir_op("/d"), put_op("/d/f", "12345678"), quota_op("/d", 10)});
  must({put_op("/d/g", "12345678"), remove_op("/d/f")});
  expect_over({remove_op("/d/g"), put_op("/d/f", "12345678901")});
  EXPECT_EQ(ns.read("/d/g").value(), "12345678");
  // Also when the directory is made, limited and filled by one.
  expect_over(
      {mkdir_op("/e"), quota_op("/e", std::nullopt, 1), put_op("/e/a", ""), put_op("/e/b", "")});
  must({mkdir_op("/e"), quota_op("/e", std::nullopt, 1), put_op("/e/a", "")});
}

TEST_F(Quota, AQuotaIsInForceFromItsOperationOn) {
  must({mkdir_op("/d"), put_op("/d/f", "12345"), quota_op("/d", 3)});
  expect_over({quota_op("/d", 6), put_op("/d/f", "1234567")});
  must({quota_op("/d", 6), put_op("/d/f", "123456")});
  expect_over({put_op("/d/f", "1234567"), quota_op("/d", 7)});
  expect_over({put_op("/d/f", "1234567"), quota_op("/d", 0)});
}

TEST_F(Quota, ALimitBelowWhatIsThereRefusesOnlyWhatAddsToIt) {
  must({mkdir_op("/d"), put_op("/d/f", "1234567890"), put_op("/d/g", "1")});
  must({quota_op("/d", 5, 1)});
  must({put_op("/d/f", "12345678")});
  must({rename_op("/d/g", "/d/h")});
  expect_over({append_op("/d/h", "2")});
  must({remove_op("/d/h")});
  must({put_op("/d/f", "1234567")});
  expect_over({put_op("/d/i", "")});  // entries are as many as may be, though bytes are fewer
  must({quota_op("/d", 0)});
  must({put_op("/d/f", "more than five bytes")});
  expect_over({put_op("/d/i", "")});
  must({quota_op("/d", std::nullopt, 0)});
  must({put_op("/d/i", "")});
}

TEST_F(Quota, EachOfALimitsOwnKindIsAskedFor) {
  must({mkdir_op("/d"), put_op("/d/f", "12"), quota_op("/d", 100, 1)});
  must({quota_op("/d", 1)});
  expect_over({put_op("/d/f", "123")});
  must({quota_op("/d", 0)});
  must({put_op("/d/f", "123")});  // grows in bytes alone, in a directory full of entries
  expect_over({put_op("/d/g", "")});
}

TEST_F(Quota, EveryDirectoryAboveBindsTheRootToo) {
  must({mkdir_op("/a"), mkdir_op("/a/b"), quota_op("/a/b", 20), quota_op("/a", 10),
        quota_op("/", std::nullopt, 4)});
  EXPECT_NE(refused({put_op("/a/b/f", "123456789012")}).message().find("/a:"), std::string::npos);
  must({put_op("/a/b/f", ""), put_op("/g", "")});
  expect_over({put_op("/h", "")});
  auto all = binding("/a/b");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].path, "/a/b");
  EXPECT_EQ(all[0].quota.max_bytes, 20U);
  EXPECT_EQ(all[1].path, "/a");
  EXPECT_EQ(all[2].path, "/");
  EXPECT_EQ(all[2].quota.max_entries, 4U);
  EXPECT_EQ(all[2].totals.files + all[2].totals.directories, 4U);
}

TEST_F(Quota, TheRootsQuotaBindsFromTheFirstChangeAfterARestart) {
  must({mkdir_op("/a"), quota_op("/", std::nullopt, 1)});
  ns.crash(SimCrash::process);
  ASSERT_TRUE(ns.open());
  expect_over({put_op("/a/f", "")});
}

TEST_F(Quota, MovingInCountsTheWholeTreeMovingWithinNothing) {
  must({mkdir_op("/t"), mkdir_op("/t/u"), put_op("/t/u/f", "12345"), put_op("/t/g", "1"),
        mkdir_op("/d"), mkdir_op("/d/e"), put_op("/d/e/h", "12345")});
  must({quota_op("/d", 10, 5)});
  expect_over({rename_op("/t", "/d/t")});
  must({rename_op("/t/u", "/d/u")});  // 10 bytes, 4 entries
  expect_over({rename_op("/t/g", "/d/g")});
  must({rename_op("/d/e", "/d/u/e")});
  must({rename_op("/d/u/e/h", "/d/h")});
  codec::Rename swap;
  swap.from.path = "/t/g";
  swap.to.path = "/d/h";
  swap.mode = codec::RenameMode::exchange;
  must({swap});  // one byte for five
  EXPECT_EQ(ns.stat("/d")->totals.bytes, 6U);
}

TEST_F(Quota, AQuotaMovesWithItsDirectory) {
  must({mkdir_op("/d"), quota_op("/d", 3), mkdir_op("/x")});
  must({rename_op("/d", "/x/y")});
  expect_over({put_op("/x/y/f", "1234")});
  EXPECT_EQ(listed("/"), Paths{"/x/y"});
}

TEST_F(Quota, AHardLinkCountsOnceForEachNameAndGrowsUnderAllOfThem) {
  must({mkdir_op("/d"), mkdir_op("/e"), put_op("/e/f", "12345"), quota_op("/d", 8)});
  must({link_op("/e/f", "/d/f")});
  expect_over({link_op("/e/f", "/d/g")});
  expect_over({append_op("/e/f", "6789")});  // under its other name
  must({append_op("/e/f", "678")});
  EXPECT_EQ(ns.stat("/d")->totals.bytes, 8U);
}

TEST_F(Quota, ACloneCountsWithAllThatItShows) {
  must({mkdir_op("/s"), mkdir_op("/s/t"), put_op("/s/t/f", "12345"), mkdir_op("/d"),
        quota_op("/d", 9, 6)});
  must({clone_op("/s", "/d/a")});
  expect_over({clone_op("/s", "/d/b")});
  must({quota_op("/d", 100)});
  must({clone_op("/s", "/d/b")});
  expect_over({put_op("/d/b/t/g", "")});
}

TEST_F(Quota, ACloneOfADirectoryWithAQuotaHasOneOfItsOwn) {
  must({mkdir_op("/s"), mkdir_op("/s/t"), put_op("/s/t/f", "12345"), quota_op("/s", 6),
        quota_op("/s/t", 5)});
  must({clone_op("/s", "/c")});
  expect_over({append_op("/c/t/f", "6")});
  must({put_op("/c/g", "6")});
  expect_over({put_op("/c/h", "7")});
  must({quota_op("/c/t", 0), quota_op("/c", 0)});
  must({put_op("/c/t/f", "1234567")});
  expect_over({append_op("/s/t/f", "6")});  // the source keeps its own
  // One that holds too much already is cloned all the same.
  must({quota_op("/s", 1)});
  must({clone_op("/s", "/d")});
  expect_over({put_op("/d/g", "1")});
}

TEST_F(Quota, OfWhatACloneShowsTheListHasWhatWasChanged) {
  must({mkdir_op("/s"), mkdir_op("/s/t"), mkdir_op("/s/u"), quota_op("/s/t", 5),
        quota_op("/s/u", 5)});
  must({clone_op("/s", "/c")});
  EXPECT_EQ(listed("/"), (Paths{"/s/t", "/s/u"}));
  EXPECT_EQ(binding("/c/t").at(0).quota.max_bytes, 5U);
  must({put_op("/c/t/f", "1")});
  EXPECT_EQ(listed("/"), (Paths{"/c/t", "/s/t", "/s/u"}));
  EXPECT_EQ(listed("/c"), Paths{"/c/t"});
  must({remove_op("/c")});
  gc();
  EXPECT_EQ(keys(Table::quota).size(), 2U);
  expect_clean();
}

TEST_F(Quota, ARollbackKeepsTheQuotaOfItsPlaceAndMayNotGrowBeyondIt) {
  must({mkdir_op("/d"), mkdir_op("/d/e"), put_op("/d/f", "1234567890"), quota_op("/d/e", 7)});
  must({snapshot_op("full", "/")});
  must({put_op("/d/f", "12"), quota_op("/d", 5), quota_op("/d/e", 0)});
  codec::Rollback back{{"/d", {}}, "full", true};
  EXPECT_EQ(refused({back}).code(), Code::quota_exceeded);
  EXPECT_EQ(ns.read("/d/f").value(), "12");
  must({quota_op("/d", 10)});
  must({back});
  EXPECT_EQ(ns.stat("/d")->quota.max_bytes, 10U);
  EXPECT_EQ(ns.stat("/d/e")->quota.max_bytes, 7U);  // what lies below goes back as a whole
  expect_over({put_op("/d/g", "1")});
  EXPECT_EQ(listed("/"), Paths{"/d"});
  // The same of the root, whose rolled back tree has fewer bytes than the quota, then more.
  must({quota_op("/", 9), put_op("/d/f", "1")});
  codec::Rollback all{{"/", {}}, "full", true};
  EXPECT_EQ(refused({all}).code(), Code::quota_exceeded);
  must({quota_op("/", 12)});
  must({all});
  EXPECT_EQ(ns.stat("/")->quota.max_bytes, 12U);
  EXPECT_FALSE(ns.stat("/d")->quota);
  expect_over({put_op("/g", "123")});
}

TEST_F(Quota, ARollbackToLessIsDoneAlsoWhereTooMuchIs) {
  must({mkdir_op("/d"), put_op("/d/f", "1234567890")});
  must({snapshot_op("some", "/")});
  must({put_op("/d/g", "1234567890")});
  must({quota_op("/d", 5), quota_op("/", 5)});
  must({codec::Rollback{{"/d", {}}, "some", true}});
  EXPECT_EQ(ns.stat("/d")->totals.bytes, 10U);
  expect_over({append_op("/d/f", "1")});
}

TEST_F(Quota, WhatIsBroughtBackHasItsQuotaAndFitsAboveIt) {
  must({mkdir_op("/d"), put_op("/d/f", "12345"), quota_op("/d", 5)});
  must({remove_op("/d", true)});
  EXPECT_TRUE(listed("/").empty());
  must({quota_op("/", 4)});
  EXPECT_EQ(refused({codec::Undelete{{"/d", {}}, {}, {}}}).code(), Code::quota_exceeded);
  must({quota_op("/", 0)});
  must({codec::Undelete{{"/d", {}}, {}, {}}});
  expect_over({append_op("/d/f", "6")});
  EXPECT_EQ(listed("/"), Paths{"/d"});
}

TEST_F(Quota, TransactionsOfOneGroupAreEachCountedExactly) {
  must({mkdir_op("/d"), mkdir_op("/d/e")});
  must({quota_op("/d", std::nullopt, 11)});  // one is there
  std::vector<std::vector<codec::Operation>> all;
  for (int i = 0; i < 40; ++i) {
    std::string name = str(i % 2 == 0 ? "/d/" : "/d/e/", i);
    all.push_back({put_op(name, "x")});
  }
  EXPECT_EQ(done_together(std::move(all)), 10U);
  EXPECT_EQ(ns.stat("/d")->totals.files, 10U);
  // What one removes another may add; what is refused takes no room.
  all.clear();
  for (int i = 0; i < 10; ++i) {
    all.push_back({put_op(str("/d/more", i), ""), mkdir_op("/d/e")});  // exists: refused
    all.push_back({remove_op(str(i % 2 == 0 ? "/d/" : "/d/e/", i))});
    all.push_back({put_op(str("/d/e/new", i), "")});
    all.push_back({put_op(str("/d/e/over", i), "")});
  }
  EXPECT_EQ(done_together(std::move(all)), 20U);
  EXPECT_EQ(ns.stat("/d")->totals.files, 10U);
}

TEST_F(Quota, AQuotaSetWithinAGroupDoesNotAnswerForWhatCameBeforeIt) {
  must({mkdir_op("/d"), mkdir_op("/d/e")});
  EXPECT_EQ(done_together({{put_op("/d/e/a", "")},
                           {put_op("/d/e/b", "")},
                           {quota_op("/d", std::nullopt, 1)},
                           {put_op("/d/e/c", "")},
                           {remove_op("/d/e/a")},
                           {quota_op("/d", std::nullopt, 3)},
                           {put_op("/d/e/d", "")}}),
            6U);
}

TEST_F(Quota, ADryRunSaysWhatWouldBe) {
  must({mkdir_op("/d"), quota_op("/d", 3)});
  codec::CommitRequest request;
  request.dry_run = true;
  request.operations.push_back({put_op("/d/f", "1234")});
  auto reply = ns.call<codec::CommitReply>(codec::Method::commit, request);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), Code::quota_exceeded);
  request.operations[0] = {put_op("/d/f", "123")};
  EXPECT_TRUE(ns.call<codec::CommitReply>(codec::Method::commit, request));
  must({put_op("/d/g", "123")});
}

TEST_F(Quota, IsReadAsItWasAtASnapshot) {
  must({mkdir_op("/d"), mkdir_op("/d/e"), quota_op("/d", 5)});
  must({snapshot_op("then", "/d")});
  must({quota_op("/d", 6)});
  EXPECT_EQ(binding("/d/e", "then").at(1).quota.max_bytes, 5U);
  EXPECT_EQ(binding("/d/e").at(1).quota.max_bytes, 6U);
}

TEST_F(Quota, TheListComesInPagesAndKnowsWhatIsBelow) {
  std::vector<std::string> all;
  must({mkdir_op("/a"), mkdir_op("/ab")});
  for (int i = 10; i < 30; ++i) {
    all.push_back(str(i % 2 == 0 ? "/a/" : "/ab/", i));
    must({mkdir_op(all.back()), quota_op(all.back(), 1)});
  }
  std::ranges::sort(all);
  EXPECT_EQ(listed("/", 3), all);
  EXPECT_EQ(listed("/a", 3).size(), 10U);
  must({quota_op("/a/10", 0), remove_op("/ab/11")});
  EXPECT_EQ(listed("/").size(), 18U);
  must({remove_op("/a")});  // those below it are swept later, and not listed
  EXPECT_EQ(listed("/").size(), 9U);
  expect_clean();
  gc();
  EXPECT_EQ(keys(Table::quota).size(), 9U);
  expect_clean();
}

TEST_F(Quota, ExtremeLimitsAreNumbersLikeAnyOther) {
  must({mkdir_op("/d"), put_op("/d/f", "1"), quota_op("/d", UINT64_MAX, UINT64_MAX)});
  must({put_op("/d/f", "12")});
  must({quota_op("/d", INT64_MAX, uint64_t{1} << 63)});
  must({put_op("/d/g", "12")});
  must({quota_op("/d", 1, 1)});
  expect_over({put_op("/d/f", "123")});
  EXPECT_EQ(refused({quota_op("/d", std::nullopt)}).code(), Code::invalid_argument);
  EXPECT_EQ(refused({quota_op("/d/f", 1)}).code(), Code::not_directory);
  EXPECT_EQ(refused({quota_op("/missing", 1)}).code(), Code::not_found);
}

// Clones cost nothing, so a few hundred of them could count more than 64 bits hold.
TEST_F(Quota, SumsNeverOverflow) {
  must({codec::SetPolicy{{{}, 0}}});
  must({mkdir_op("/n0"), put_op("/n0/f", std::string(16384, 'x'))});
  Error error(Code::ok, "");
  for (int level = 1; level <= 12 && error.code() == Code::ok; ++level) {
    std::string name = str("/n", level);
    must({mkdir_op(name)});
    for (int i = 0; i < 50 && error.code() == Code::ok; ++i) {
      auto reply = ns.commit({clone_op(str("/n", level - 1), str(name, "/", i))});
      if (!reply) error = reply.error();
    }
  }
  EXPECT_EQ(error.code(), Code::resource_exhausted);
  EXPECT_NE(error.message().find("bytes"), std::string::npos) << error.message();
}

TEST_F(Quota, AListThatIsWrongIsMended) {
  must({mkdir_op("/a"), mkdir_op("/b"), quota_op("/a", 5)});
  plant(codec::node_table_key(Table::quota, id_of("/a")), std::nullopt);
  plant(codec::node_table_key(Table::quota, id_of("/b")), "");
  expect_found("quota_unlisted");
  EXPECT_EQ(expect_found("quota_row").severity, "warning");
  expect_mended();
  EXPECT_EQ(listed("/"), Paths{"/a"});
}

}  // namespace
}  // namespace nokv::shard
