// Situations with clones that have broken systems like this one, each played out once; the numbers
// are those of the project's list. After each step all is swept, collected, checked, and read again
// by a server that starts anew.
#include <cstdlib>

#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using codec::Table;

class CloneScenario : public CheckedNamespace {
 protected:
  void SetUp() override {
    CheckedNamespace::SetUp();
    must({codec::SetPolicy{{{}, 0}}});  // nothing is kept but what somebody asked for
  }
  void sweep_and_restart() {
    gc();
    expect_clean();
    ns.crash(SimCrash::process);
    ASSERT_TRUE(ns.open());
    expect_clean();
  }
  Result<codec::Entry> stat_id(const codec::NodeId& id, const std::string& path = {}) {
    auto reply = ns.call<codec::StatReply>(codec::Method::stat, codec::StatRequest{{{path, id}}});
    EXPECT_TRUE(reply);
    const auto& result = reply->results.at(0);
    if (result.failure.code != Code::ok) {
      return std::unexpected(Error(result.failure.code, result.failure.message));
    }
    return result.entry;
  }
  size_t past_rows() {
    size_t count = 0;
    for (Table table : {Table::dentry, Table::node, Table::link, Table::moved, Table::chunk}) {
      count += past_keys(table).size();
    }
    return count;
  }
  // But for notes of what changed in large directories, which have a time of their own to go.
  size_t all_rows() {
    auto snapshot = ns.engine().snapshot();
    auto rows = snapshot->iterate(std::string(1, '\x10'), std::string(1, '\xff'));
    size_t count = 0;
    for (rows->seek(std::string(1, '\x10')); rows->valid(); rows->next()) ++count;
    return count - keys(Table::changed).size();
  }
  // Only the tables of the present are left of all that was cloned.
  void expect_no_clones() {
    EXPECT_EQ(past_rows(), 0U);
    for (Table table : {Table::clone, Table::clone_life, Table::ending, Table::grave, Table::pin,
                        Table::filed, Table::detached}) {
      EXPECT_TRUE(keys(table).empty()) << static_cast<int>(table);
    }
    EXPECT_TRUE(past_keys(Table::clone).empty());
  }
};

TEST_F(CloneScenario, ACloneOfACloneOutlivesIt) {  // 2
  must({mkdir_op("/src"), put_op("/src/f", "old"), mkdir_op("/src/e"), put_op("/src/e/g", "deep")});
  must({clone_op("/src", "/c1")});
  must({put_op("/src/f", "new"), remove_op("/src/e")});
  must({clone_op("/c1", "/c2")});
  must({put_op("/c1/f", "c1's")});
  must({remove_op("/c1")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/c2/f").value(), "old");
  EXPECT_EQ(ns.read("/c2/e/g").value(), "deep");
  must({remove_op("/src")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/c2/f").value(), "old");
  EXPECT_EQ(ns.list("/c2/e")->size(), 1U);
  must({remove_op("/c2")});
  sweep_and_restart();
  expect_no_clones();
  EXPECT_TRUE(keys(Table::inline_blob).empty());
}

TEST_F(CloneScenario, ACloneTakesThePlaceOfADirectory) {
  auto replace = [](const std::string& from, const std::string& to, bool keep_undo = true) {
    return codec::Clone{
        .from = {.path = from}, .to = {.path = to}, .replace = true, .keep_undo = keep_undo};
  };
  must({codec::SetPolicy{{{}, int64_t{3600} * 1'000'000'000}}});
  must({mkdir_op("/s"), put_op("/s/f", "1"), mkdir_op("/s/in"), put_op("/s/in/g", "2")});
  must({clone_op("/s", "/c")});
  must({put_op("/c/f", "mine"), put_op("/s/f", "3"),
        codec::SetQuota{.target = {.path = "/c"}, .max_entries = 5}});
  auto done = must({replace("/s", "/c")});
  EXPECT_FALSE(done.results[0].created);
  EXPECT_EQ(ns.read("/c/f").value(), "3");
  EXPECT_EQ(ns.stat("/c")->quota.max_entries, 5U);
  must({codec::Rollback{.target = {.path = "/c"}, .at = str("v", done.results[0].undo_version)}});
  EXPECT_EQ(ns.read("/c/f").value(), "mine");
  // The quota of the place holds for what comes there.
  must({put_op("/s/1", ""), put_op("/s/2", ""), put_op("/s/3", "")});
  EXPECT_EQ(ns.commit({replace("/s", "/c")}).error().code(), Code::quota_exceeded);
  // What is inside may take the place of all, but not the other way round.
  must({replace("/s/in", "/s", false)});
  EXPECT_EQ(ns.list("/s")->size(), 1U);
  EXPECT_EQ(ns.read("/s/g").value(), "2");
  must({mkdir_op("/s/below")});
  EXPECT_EQ(ns.commit({replace("/s", "/s/below")}).error().code(), Code::invalid_argument);
  EXPECT_EQ(ns.commit({replace("/s", "/s")}).error().code(), Code::invalid_argument);
  EXPECT_EQ(ns.commit({replace("/s", "/")}).error().code(), Code::invalid_argument);
  EXPECT_EQ(ns.commit({replace("/s", "/c/f")}).error().code(), Code::not_directory);
  EXPECT_EQ(ns.commit({replace("/c/f", "/s")}).error().code(), Code::is_directory);
  EXPECT_EQ(ns.commit({mkdir_op("/new"), replace("/s", "/c")}).error().code(),
            Code::invalid_argument);
  must({replace("/s/g", "/c/f"), replace("/s/g", "/fresh")});
  EXPECT_EQ(ns.read("/c/f").value(), "2");
  ns.scheduler().run_for(std::chrono::hours(2));  // what could be undone goes
  sweep_and_restart();
  EXPECT_EQ(ns.read("/s/g").value(), "2");
  must({remove_op("/s"), remove_op("/c"), remove_op("/fresh")});
  sweep_and_restart();
  expect_no_clones();
}

TEST_F(CloneScenario, AfterARefusedCloneTheNextOneShowsItsOwnSource) {
  must({mkdir_op("/s"), mkdir_op("/s/d")});
  must({snapshot_op("empty", "/s")});
  must({put_op("/s/d/f", "1")});
  // Both get the same id, for the first one never was.
  EXPECT_FALSE(ns.commit({clone_op("/s", "/c"), put_op("/c/d/g", "2"), mkdir_op("/s")}));
  must({clone_op("/s", "/c", "empty")});
  must({mkdir_op("/e")});
  must({rename_op("/e", "/c/d")});  // in the place of an empty directory
  must({put_op("/c/d/f", "3")});
  expect_clean();
  EXPECT_EQ(ns.list("/c/d")->size(), 1U);
}

TEST_F(CloneScenario, ACloneWithinAClonedDirectoryIsWholeWithoutIt) {  // 3
  must({mkdir_op("/s"), put_op("/s/f", "1"), put_op("/s/g", "2"), mkdir_op("/p")});
  must({clone_op("/s", "/p/c1")});
  must({put_op("/p/c1/f", "mine")});
  must({clone_op("/p", "/c3")});
  must({put_op("/p/c1/g", "later"), remove_op("/s")});
  must({remove_op("/p")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/c3/c1/f").value(), "mine");
  EXPECT_EQ(ns.read("/c3/c1/g").value(), "2");
  EXPECT_EQ(ns.list("/c3/c1")->size(), 2U);
  must({put_op("/c3/c1/g", "3")});
  must({rename_op("/c3/c1", "/moved")});
  must({remove_op("/c3")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/moved/f").value(), "mine");
  EXPECT_EQ(ns.read("/moved/g").value(), "3");
  must({remove_op("/moved")});
  sweep_and_restart();
  expect_no_clones();
}

TEST_F(CloneScenario, ARemovedCloneIsWholeInASnapshotThatHasIt) {  // 4
  must({mkdir_op("/s"), put_op("/s/f", "1"), mkdir_op("/s/e"), put_op("/s/e/g", "2")});
  must({mkdir_op("/w")});
  must({clone_op("/s", "/w/c")});
  must({put_op("/w/c/new", "3"), remove_op("/w/c/f")});
  must({snapshot_op("snap", "/w")});
  must({put_op("/s/e/g", "changed")});
  must({remove_op("/w/c")});
  sweep_and_restart();
  EXPECT_EQ(ns.list("/w/c", "snap")->size(), 2U);
  EXPECT_EQ(ns.read("/w/c/e/g", "snap").value(), "2");
  EXPECT_EQ(ns.read("/w/c/new", "snap").value(), "3");
  EXPECT_EQ(ns.stat("/w/c/f", "snap").error().code(), Code::not_found);
  EXPECT_EQ(ns.stat("/w", "snap")->totals.bytes, 2U);
  must({codec::SnapshotRemove{"snap"}});
  sweep_and_restart();
  expect_no_clones();
}

TEST_F(CloneScenario, ACloneKeepsNothingOfTheRest) {  // 5
  must({mkdir_op("/small"), put_op("/small/f", "keep"), mkdir_op("/rest")});
  std::vector<codec::Operation> files;
  for (int i = 0; i < 200; ++i) files.push_back(put_op(str("/rest/", i), "first"));
  must(files);
  must({clone_op("/small", "/c")});
  size_t blobs = keys(Table::inline_blob).size();
  for (int round = 0; round < 3; ++round) {
    files.clear();
    for (int i = 0; i < 200; ++i) files.push_back(put_op(str("/rest/", i), str("round ", round)));
    must(files);
    must({rename_op("/rest", "/rest2"), mkdir_op("/rest2/more"), rename_op("/rest2", "/rest")});
    must({remove_op("/rest/more")});
  }
  sweep_and_restart();
  EXPECT_EQ(past_rows(), 0U);
  EXPECT_EQ(keys(Table::inline_blob).size(), blobs);
  must({put_op("/small/f", "other")});
  sweep_and_restart();
  EXPECT_EQ(past_rows(), 2U);  // the entry, and its directory
  EXPECT_EQ(ns.read("/c/f").value(), "keep");
}

TEST_F(CloneScenario, WhatLeavesTheSourceByRenameIsStillInTheClone) {  // 6
  must({mkdir_op("/a"), mkdir_op("/a/d"), put_op("/a/d/f", "then"), mkdir_op("/b")});
  must({clone_op("/a", "/c")});
  must({rename_op("/a/d", "/b/d")});
  must({put_op("/b/d/f", "now"), put_op("/b/d/g", "new")});
  must({remove_op("/b/d")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/c/d/f").value(), "then");
  EXPECT_EQ(ns.list("/c/d")->size(), 1U);
  EXPECT_EQ(ns.stat("/c")->totals.bytes, 4U);
}

TEST_F(CloneScenario, WhatIsWrittenInACloneDoesNotChangeItsSourceNorACopy) {  // 7
  std::string bytes(16'000, 's');
  must({mkdir_op("/s"), put_op("/s/f", bytes)});
  for (int i = 0; i < 2; ++i) must({append_op("/s/f", std::string(1000, 'a'))});
  bytes += std::string(2000, 'a');
  codec::Copy copy;
  copy.from.path = "/s/f";
  copy.to.path = "/copy";
  must({copy});
  must({clone_op("/s", "/c")});
  std::string more(4096, 'c');
  must({append_op("/c/f", more)});
  ASSERT_FALSE(keys(Table::chunk).empty());
  sweep_and_restart();
  EXPECT_EQ(ns.read("/c/f").value(), bytes + more);
  EXPECT_EQ(ns.read("/s/f").value(), bytes);
  EXPECT_EQ(ns.read("/copy").value(), bytes);
  must({append_op("/s/f", "fourth")});
  must({remove_op("/copy")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/c/f").value(), bytes + more);
  EXPECT_EQ(ns.read("/s/f").value(), bytes + "fourth");
  must({remove_op("/s")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/c/f").value(), bytes + more);
  must({remove_op("/c")});
  sweep_and_restart();
  expect_no_clones();
  EXPECT_TRUE(keys(Table::chunk).empty());
  EXPECT_TRUE(keys(Table::inline_blob).empty());
}

TEST_F(CloneScenario, NothingIsMadeInARemovedCloneThroughItsId) {  // 8
  must({mkdir_op("/s"), mkdir_op("/s/e"), put_op("/s/e/f", "1")});
  must({clone_op("/s", "/c")});
  auto top = id_of("/c");
  auto below = id_of("/c/e");
  must({remove_op("/c")});
  for (int round = 0; round < 2; ++round) {
    for (const auto& id : {top, below}) {
      codec::Mkdir op;
      op.target = {"new", id};
      op.mode = 0755;
      auto reply = ns.commit({op});
      ASSERT_FALSE(reply);
      EXPECT_EQ(reply.error().code(), Code::stale);
    }
    sweep_and_restart();
  }
  expect_no_clones();
  EXPECT_EQ(ns.read("/s/e/f").value(), "1");
}

TEST_F(CloneScenario, WhatWasRemovedInACloneDoesNotComeBackById) {  // 9
  must({mkdir_op("/s"), mkdir_op("/s/e"), put_op("/s/e/f", "1"), mkdir_op("/s/e/deep")});
  must({clone_op("/s", "/c")});
  auto gone = id_of("/c/e");
  auto deep = id_of("/c/e/deep");
  must({remove_op("/c/e")});
  sweep_and_restart();
  EXPECT_FALSE(stat_id(gone));
  EXPECT_FALSE(stat_id(gone, "f"));
  EXPECT_FALSE(stat_id(deep));
  EXPECT_EQ(ns.stat("/c/e").error().code(), Code::not_found);
  EXPECT_EQ(ns.stat("/c")->entries, 0U);
  auto top = id_of("/c");
  must({clone_op("/c", "/c2")});
  must({remove_op("/c")});
  sweep_and_restart();
  EXPECT_FALSE(stat_id(gone));
  EXPECT_FALSE(stat_id(top));
  EXPECT_EQ(ns.list("/c2")->size(), 0U);
  EXPECT_EQ(ns.read("/s/e/f").value(), "1");
}

TEST_F(CloneScenario, LinksAreCountedInTheCloneAndInItsSource) {  // 10
  must({mkdir_op("/a"), mkdir_op("/b"), put_op("/a/f", "body")});
  must({link_op("/a/f", "/a/g"), link_op("/a/f", "/b/h")});
  must({clone_op("/a", "/c")});
  EXPECT_EQ(ns.stat("/a/f")->links, 3U);
  EXPECT_EQ(ns.stat("/c/f")->links, 2U);  // what lies outside the clone is no name there
  must({remove_op("/c/f")});
  sweep_and_restart();
  EXPECT_EQ(ns.stat("/c/g")->links, 1U);
  EXPECT_EQ(ns.stat("/a/f")->links, 3U);
  EXPECT_EQ(ns.read("/c/g").value(), "body");
  must({put_op("/b/h", "other")});
  EXPECT_EQ(ns.read("/a/g").value(), "other");
  EXPECT_EQ(ns.read("/c/g").value(), "body");
  must({remove_op("/c/g")});
  sweep_and_restart();
  EXPECT_EQ(ns.stat("/a/f")->links, 3U);
  EXPECT_EQ(ns.stat("/c")->totals.bytes, 0U);
  must({remove_op("/c")});
  sweep_and_restart();
  expect_no_clones();
  EXPECT_EQ(keys(Table::inline_blob).size(), 1U);
}

TEST_F(CloneScenario, AFileThatMovedInItsSourceAndGotNamesInACloneIsKeptWhereItIsNamed) {
  must({mkdir_op("/s"), put_op("/s/a", "then"), mkdir_op("/d")});
  must({rename_op("/s/a", "/s/b")});
  must({clone_op("/s", "/c")});
  must({link_op("/c/b", "/d/l")});
  must({snapshot_op("snap", "/d")});
  must({put_op("/c/b", "now")});
  sweep_and_restart();
  EXPECT_EQ(ns.read("/d/l", "snap").value(), "then");
}

TEST_F(CloneScenario, AFileThatLeftACloneGetsNamesWhenTheCloneIsGone) {
  must({mkdir_op("/s"), put_op("/s/f", "body")});
  must({clone_op("/s", "/c")});
  must({rename_op("/c/f", "/f")});
  must({remove_op("/c")});
  sweep_and_restart();
  expect_no_clones();
  must({link_op("/f", "/g")});
  sweep_and_restart();
  EXPECT_EQ(ns.stat("/g")->links, 2U);
  must({remove_op("/f")});
  must({remove_op("/g")});
  sweep_and_restart();
  expect_no_clones();
}

// A directory of a clone that is brought out of it has what the clone nested deeper: what lies
// below has more hops than in the source, of which only the clone's own count tells.
TEST_F(CloneScenario, TheLimitOfNestedClonesIsMetBeforeAnIdIsTooLong) {
  must({mkdir_op("/s"), put_op("/s/f", "bytes")});
  must({mkdir_op("/t0"), mkdir_op("/t0/d")});
  must({clone_op("/s", "/t0/d/inner")});
  size_t rounds = 0;
  for (;; ++rounds) {
    ASSERT_LT(rounds, 20U);
    must({mkdir_op(str("/t", rounds + 1))});
    auto cloned = ns.commit({clone_op(str("/t", rounds), str("/w", rounds))});
    if (!cloned) {
      EXPECT_EQ(cloned.error().code(), Code::resource_exhausted) << cloned.error().message();
      EXPECT_FALSE(cloned.error().hint().empty());
      break;
    }
    expect_clean();
    must({rename_op(str("/w", rounds, "/d"), str("/t", rounds + 1, "/d"))});
    EXPECT_EQ(ns.read(str("/t", rounds + 1, "/d/inner/f")).value(), "bytes");
    EXPECT_EQ(id_of(str("/t", rounds + 1, "/d/inner/f")).hops.size(), rounds + 2);
  }
  EXPECT_EQ(rounds, codec::NodeId::kHopsMax - 1);
  EXPECT_EQ(ns.read(str("/t", rounds, "/d/inner/f")).value(), "bytes");
  sweep_and_restart();
  EXPECT_EQ(ns.read(str("/t", rounds, "/d/inner/f")).value(), "bytes");
}

// Above what a version is kept for nothing is kept, so names are not judged by it.
TEST_F(CloneScenario, LinkCountsOfAVersionThatIsKeptForAPart) {
  must({mkdir_op("/src"), mkdir_op("/src/t"), mkdir_op("/src/t/d"), put_op("/src/t/d/a", "x")});
  must({link_op("/src/t/d/a", "/src/t/d/b"), put_op("/src/t/d/two", "y")});
  must({remove_op("/src/t/d/b"), link_op("/src/t/d/two", "/src/t/d/second")});
  must({clone_op("/src", "/c")});
  must({rename_op("/c/t", "/c/u"), mkdir_op("/c/t")});
  must({snapshot_op("s", "/c/u/d")});
  must({clone_op("/c/u/d", "/again")});
  must({rename_op("/c/u", "/c/w"), mkdir_op("/c/u")});
  for (int i = 0; i < 2; ++i, sweep_and_restart()) {
    EXPECT_EQ(ns.stat("/c/u/d/a", "s")->links, 1U);
    EXPECT_EQ(ns.stat("/c/u/d/two", "s")->links, 2U);
    EXPECT_EQ(ns.stat("/again/a")->links, 1U);
    EXPECT_EQ(ns.stat("/again/two")->links, 2U);
  }
}

// NOKV_CLONES says how many.
TEST_F(CloneScenario, ManyClonesOfOneDirectoryCostAFewRecordsEachAndGiveThemBack) {  // 30
  const char* text = std::getenv("NOKV_CLONES");
  const size_t count = text == nullptr ? 1000 : std::strtoull(text, nullptr, 10);
  constexpr size_t kTogether = 500;
  must({mkdir_op("/d"), mkdir_op("/d/e"), mkdir_op("/all")});
  std::vector<codec::Operation> files;
  for (int i = 0; i < 300; ++i) files.push_back(put_op(str("/d/e/", i), "body"));
  must(files);
  size_t before = all_rows();
  for (size_t i = 0; i < count;) {
    std::vector<codec::Operation> clones;
    for (; i < count && clones.size() < kTogether; ++i) {
      clones.push_back(clone_op("/d", str("/all/", i)));
    }
    // A clone shows what was before its transaction, so each is one of its own.
    for (auto& op : clones) must({std::move(op)});
    must({put_op("/d/e/7", str("after ", i))});
  }
  size_t each = (all_rows() - before) / count;
  EXPECT_LE(each, 6U);  // entry, node, clone, life, pin
  auto clean = fsck();
  EXPECT_EQ(clean.problem_count, 0U) << this->text(clean);
  // The source's 300 files are not looked at for each of them.
  EXPECT_LT(clean.checked, count * 20 + 20'000);
  RecordProperty("records_each", static_cast<int>(each));
  RecordProperty("fsck_checked_each", static_cast<int>(clean.checked / count));
  must({remove_op("/all")});
  gc();
  expect_clean();
  expect_no_clones();
  EXPECT_EQ(all_rows() + 2, before);  // and without /all itself: its entry and its record
}

}  // namespace
}  // namespace nokv::shard
