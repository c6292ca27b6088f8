// What differs, through the service: large directories by what was noted, pages, limits of clones.
// That differences are right is shown by the model test; here it is what they cost and refuse.
#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "codec/key.h"
#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using codec::Difference;
using codec::DifferenceKind;

class Diffs : public CheckedNamespace {
 protected:
  Result<std::vector<Difference>> diff(const std::string& a, const std::string& from,
                                       const std::string& b, const std::string& to = {}) {
    codec::DiffRequest request{{a, {}}, from, {b, {}}, to};
    std::vector<Difference> out;
    for (;;) {
      NOKV_ASSIGN(auto reply, ns.call<codec::DiffReply>(codec::Method::diff, request));
      std::ranges::move(reply.differences, std::back_inserter(out));
      if (!reply.more) return out;
      request.cursor = reply.cursor;
    }
  }
  std::vector<std::string> changed(const std::string& a, const std::string& from,
                                   const std::string& b) {
    auto found = diff(a, from, b);
    EXPECT_TRUE(found) << (found ? "" : found.error().message());
    std::vector<std::string> out;
    if (found) {
      for (const auto& each : *found) out.push_back(each.path);
    }
    return out;
  }
  // A directory of so many files, made in few transactions.
  void fill(const std::string& path, int count) {
    must({mkdir_op(path)});
    for (int from = 0; from < count; from += 200) {
      std::vector<codec::Operation> operations;
      for (int i = from; i < std::min(count, from + 200); ++i) {
        operations.push_back(put_op(str(path, "/", i), "x"));
      }
      must(std::move(operations));
    }
  }
  size_t noted() {
    auto state = ns.shard().state();
    std::string table = codec::table_key(codec::Table::changed);
    auto rows = state->snapshot->iterate(table, codec::prefix_end(table));
    size_t count = 0;
    for (rows->seek(table); rows->valid(); rows->next()) ++count;
    return count;
  }
};

TEST_F(Diffs, OfALargeDirectoryLookOnlyAtWhatWasNoted) {
  fill("/d", 600);
  must({snapshot_op("s", "/d")});
  must({put_op("/d/7", "y"), remove_op("/d/9"), rename_op("/d/11", "/d/eleven")});
  must({mkdir_op("/d/sub"), put_op("/d/sub/f", "1")});
  auto found = changed("/d", "s", "/d");
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{"/d/7", "/d/9", "/d/eleven", "/d/sub", "/d/sub/f"}));
  // A change below an entry is a change of that entry.
  must({snapshot_op("t", "/d")});
  must({put_op("/d/sub/f", "2")});
  EXPECT_EQ(changed("/d", "t", "/d"), std::vector<std::string>{"/d/sub/f"});
}

TEST_F(Diffs, OfADirectoryThatWasSmallMeanwhileMissNothing) {
  fill("/d", 400);
  must({snapshot_op("s", "/d")});
  for (int i = 0; i < 350; i += 50) {
    std::vector<codec::Operation> operations;
    for (int j = i; j < i + 50; ++j) operations.push_back(remove_op(str("/d/", j)));
    must(std::move(operations));
  }
  must({put_op("/d/399", "changed while few were left")});
  for (int i = 0; i < 350; i += 50) {
    std::vector<codec::Operation> operations;
    for (int j = i; j < i + 50; ++j) operations.push_back(put_op(str("/d/n", j), "x"));
    must(std::move(operations));
  }
  auto found = changed("/d", "s", "/d");
  EXPECT_EQ(std::ranges::count(found, "/d/399"), 1);
  EXPECT_EQ(found.size(), 350U + 350U + 1U);
}

TEST_F(Diffs, WhatIsNotedIsKeptOnceBetweenTwoPinsAndGoesWithTheOldest) {
  fill("/d", 300);
  must({snapshot_op("s", "/d")});
  for (int i = 0; i < 20; ++i) must({put_op("/d/7", str(i))});
  size_t once = noted();
  for (int i = 0; i < 20; ++i) must({put_op("/d/7", str(i))});
  EXPECT_EQ(noted(), once);
  must({snapshot_op("t", "/d")});
  must({put_op("/d/7", "after t")});
  EXPECT_EQ(noted(), once + 1);
  EXPECT_EQ(changed("/d", "s", "/d"), std::vector<std::string>{"/d/7"});
  EXPECT_EQ(changed("/d", "t", "/d"), std::vector<std::string>{"/d/7"});
  must({codec::SnapshotRemove{"s"}});
  ns.scheduler().run_for(std::chrono::minutes(2));
  std::optional<Result<>> done;
  ns.background().run_due([&](Result<> result) { done = std::move(result); });
  ns.scheduler().run_until([&] { return done.has_value(); }, std::chrono::hours(1));
  EXPECT_EQ(noted(), 1U);
  EXPECT_EQ(changed("/d", "t", "/d"), std::vector<std::string>{"/d/7"});
}

TEST_F(Diffs, ComeInPagesThatAreHeldForAWhile) {
  must({mkdir_op("/d")});
  must({snapshot_op("s", "/d")});
  for (int i = 0; i < 10; ++i) must({put_op(str("/d/", i), "x")});
  codec::DiffRequest request{{"/d", {}}, "s", {"/d", {}}};
  request.limit = 4;
  auto first = ns.call<codec::DiffReply>(codec::Method::diff, request);
  ASSERT_TRUE(first && first->more);
  EXPECT_EQ(first->differences.size(), 4U);
  request.cursor = first->cursor;
  must({put_op("/d/later", "not in a comparison that has begun")});
  auto second = ns.call<codec::DiffReply>(codec::Method::diff, request);
  ASSERT_TRUE(second && second->more);
  ns.scheduler().run_for(std::chrono::minutes(5));
  auto late = ns.call<codec::DiffReply>(codec::Method::diff, request);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::stale);
}

TEST_F(Diffs, OfTreesWithNothingInCommonAreRefused) {
  must({mkdir_op("/a"), mkdir_op("/b")});
  auto found = diff("/a", "", "/b");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::failed_precondition);
  EXPECT_NE(found.error().message().find("nothing in common"), std::string::npos);
}

TEST_F(Diffs, OfSiblingClonesAreWhatEachOfThemChanged) {
  must({mkdir_op("/base"), put_op("/base/f", "1"), put_op("/base/g", "1")});
  must({codec::Clone{{"/base", {}}, {}, {"/a", {}}}});
  must({put_op("/base/g", "2")});
  must({codec::Clone{{"/base", {}}, {}, {"/b", {}}}});
  must({put_op("/a/f", "a")});
  auto found = changed("/a", "", "/b");
  EXPECT_EQ(found, (std::vector<std::string>{"/b/f", "/b/g"}));
}

// A file that keeps its name in a directory that moved, while that name's place is taken by another
// directory (seed 149 of the model test).
TEST_F(Diffs, WhatMovedBelowTheDirectoryThatTookItsPlaceIsNotNewToo) {
  must({mkdir_op("/d"), put_op("/d/x", "1"), put_op("/d/y", "2")});
  must({snapshot_op("s", "/d")});
  must({clone_op("/d", "/b")});
  must({remove_op("/b/x"), remove_op("/b/y"), mkdir_op("/b/x")});
  must({rename_op("/d", "/b/x/c")});
  auto found = diff("/b", "", "/d", "s");
  ASSERT_TRUE(found) << found.error().message();
  std::vector<std::string> said;
  for (const auto& each : *found) {
    said.push_back(str(static_cast<int>(each.change), " ", each.path, " ", each.old_path));
  }
  std::ranges::sort(said);
  auto is = [](DifferenceKind kind, const std::string& rest) {
    return str(static_cast<int>(kind), " ", rest);
  };
  std::vector<std::string> expected{
      is(DifferenceKind::removed, "/b/x "), is(DifferenceKind::removed, "/b/x/c "),
      is(DifferenceKind::renamed, "/d/x /b/x/c/x"), is(DifferenceKind::renamed, "/d/y /b/x/c/y")};
  std::ranges::sort(expected);
  EXPECT_EQ(said, expected);
}

TEST_F(Diffs, AFileThatCameToACloneIsNewWhereItHasOneOfThatLineAlready) {
  must({mkdir_op("/s"), put_op("/s/n", "1")});
  must({clone_op("/s", "/c")});
  must({link_op("/c/n", "/c/second")});
  must({rename_op("/s/n", "/c/came")});
  codec::DiffRequest request{.a = {.path = "/s"}, .b = {.path = "/c"}, .from_base = true};
  auto reply = ns.call<codec::DiffReply>(codec::Method::diff, request);
  ASSERT_TRUE(reply) << reply.error().message();
  std::vector<std::string> said;
  for (const auto& each : reply->differences) {
    said.push_back(str(static_cast<int>(each.change), " ", each.path));
  }
  std::ranges::sort(said);
  std::string created = std::to_string(static_cast<int>(DifferenceKind::created));
  EXPECT_EQ(said, (std::vector<std::string>{created + " /c/came", created + " /c/second"}));
}

TEST_F(Diffs, ClonesOfClonesKeepOneHopAndClonesWithinClonesAreLimited) {
  must({mkdir_op("/c0"), put_op("/c0/f", "x")});
  for (int i = 0; i < 50; ++i) {
    must({codec::Clone{{str("/c", i), {}}, {}, {str("/c", i + 1), {}}}});
  }
  EXPECT_EQ(ns.stat("/c50/f")->id.hops.size(), 1U);
  EXPECT_EQ(ns.read("/c50/f").value(), "x");
  must({mkdir_op("/n0")});
  size_t made = 0;
  for (; made < 40; ++made) {
    std::string outer = str("/n", made + 1);
    must({mkdir_op(outer)});
    auto reply = ns.commit({codec::Clone{{str("/n", made), {}}, {}, {outer + "/in", {}}}});
    if (reply) continue;
    EXPECT_EQ(reply.error().code(), Code::resource_exhausted);
    EXPECT_NE(reply.error().hint().find("cp -r"), std::string::npos);
    break;
  }
  EXPECT_EQ(made, codec::NodeId::kHopsMax);
}

}  // namespace
}  // namespace nokv::shard
