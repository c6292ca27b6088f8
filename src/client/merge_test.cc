// Merging, over a simulated namespace: by example, and by what must hold for random edits.
#include "client/merge.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "base/sim/sim_random.h"
#include "client/testing/sim_transport.h"
#include "shard/testing/checked_namespace.h"

namespace nokv::client {
namespace {

using codec::Kind;
using shard::mkdir_op;
using shard::put_op;
using shard::remove_op;
using shard::rename_op;
using shard::snapshot_op;

codec::Operation chmod_op(const std::string& path, uint32_t mode) {
  return codec::SetAttributes{.target = {.path = path}, .mode = mode};
}

codec::Operation clone_op(const std::string& from, const std::string& to) {
  return codec::Clone{.from = {.path = from}, .to = {.path = to}};
}

class MergeTest : public shard::CheckedNamespace {
 protected:
  // Every path below `top`, with what it is.
  using Shape = std::map<std::string, std::string>;
  Shape shape(const std::string& top) {
    Shape out;
    add_to(out, top, "");
    return out;
  }
  void add_to(Shape& out, const std::string& top, const std::string& below) {
    auto entries = ns.list(top + below);
    ASSERT_TRUE(entries) << entries.error().message();
    for (const auto& it : *entries) {
      std::string path = str(below, "/", it.name);
      std::string mode = str(" ", it.attributes.mode);
      if (it.kind == Kind::directory) {
        out[path] = "directory" + mode;
        add_to(out, top, path);
      } else if (it.kind == Kind::symlink) {
        out[path] = "-> " + it.target;
      } else {
        out[path] = ns.read(top + path).value() + mode;
      }
    }
  }

  // What is under /src becomes /clone.
  void base(std::vector<codec::Operation> operations) {
    operations.insert(operations.begin(), mkdir_op("/src"));
    must(std::move(operations));
    must({clone_op("/src", "/clone")});
  }
  Result<MergeReport> run(MergeChoice choice = MergeChoice::report, bool dry_run = false) {
    auto done = merge(client, {.from = "/clone",
                               .choice = choice,
                               .aside = choice == MergeChoice::aside ? "/aside" : "",
                               .dry_run = dry_run});
    expect_clean();
    return done;
  }
  MergeReport merged(MergeChoice choice = MergeChoice::report) {
    auto done = run(choice);
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    if (!done) return {};
    EXPECT_TRUE(done->merged);
    return *done;
  }
  // Without a choice nothing is written, and the conflicts are these.
  void expect_conflicts(std::vector<std::pair<std::string, MergeConflictKind>> expected) {
    Shape before = shape("/src");
    auto done = run();
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_FALSE(done->merged);
    EXPECT_EQ(done->version, 0U);
    std::vector<std::pair<std::string, MergeConflictKind>> found;
    for (const auto& it : done->conflicts) found.emplace_back(it.path, it.kind);
    std::ranges::sort(found);
    std::ranges::sort(expected);
    EXPECT_EQ(found, expected);
    EXPECT_EQ(shape("/src"), before);
  }

  PosixEnv posix;
  std::function<void()> before_commit;
  Client client{{std::make_unique<SimTransport>(ns,
                                                [this](const std::string& body) {
                                                  if (before_commit) before_commit();
                                                  return SimTransport::ask(
                                                      ns, codec::Method::commit, body);
                                                }),
                 posix.env()},
                {}};
};

using enum MergeConflictKind;

TEST_F(MergeTest, WhatOnlyOneSideChangedIsTaken) {
  base({mkdir_op("/src/d"), put_op("/src/d/f", "one"), put_op("/src/gone", "x"),
        put_op("/src/stays", "x"), put_op("/src/old", "renamed"), put_op("/src/mode", "m"),
        mkdir_op("/src/tree"), put_op("/src/tree/leaf", "x")});
  must({put_op("/clone/d/f", "two"), remove_op("/clone/gone"),
        rename_op("/clone/old", "/clone/new"), chmod_op("/clone/mode", 0600),
        mkdir_op("/clone/made"), put_op("/clone/made/in", "made"), remove_op("/clone/tree"),
        codec::MakeNode{.target = {.path = "/clone/link"},
                        .kind = Kind::symlink,
                        .link_target = "d/f",
                        .mode = 0777}});
  must({put_op("/src/stays", "changed"), put_op("/src/mine", "mine")});
  codec::NodeId renamed = ns.stat("/src/old")->id;
  auto report = merged();
  Shape expected{{"/d", "directory 493"},    {"/d/f", "two 420"},      {"/link", "-> d/f"},
                 {"/made", "directory 493"}, {"/made/in", "made 420"}, {"/mine", "mine 420"},
                 {"/mode", "m 384"},         {"/new", "renamed 420"},  {"/stays", "changed 420"}};
  EXPECT_EQ(shape("/src"), expected);
  EXPECT_EQ(ns.stat("/src/new")->id, renamed);  // the same file under another name
  EXPECT_EQ(report.to, "/src");
  EXPECT_EQ(report.counts.created, 3U);
  EXPECT_EQ(report.counts.removed, 3U);
  EXPECT_EQ(report.counts.renamed, 1U);
  EXPECT_EQ(report.counts.content, 1U);
  EXPECT_EQ(report.counts.attributes, 1U);
  // And back.
  must({codec::Rollback{.target = {.path = "/src"}, .at = str("v", report.undo_version)}});
  EXPECT_EQ(ns.read("/src/d/f").value(), "one");
  EXPECT_EQ(ns.read("/src/stays").value(), "changed");
}

TEST_F(MergeTest, WhatBothChangedAlikeIsNoConflict) {
  base({put_op("/src/f", "one"), put_op("/src/g", "x"), put_op("/src/r", "r"),
        put_op("/src/m", "m")});
  for (const std::string top : {"/src", "/clone"}) {
    must({remove_op(top + "/g"), rename_op(top + "/r", top + "/s"), chmod_op(top + "/m", 0600)});
    // Bodies without a digest, so that nothing tells they are alike but sharing them.
  }
  must({put_op("/src/f", "two")});
  must({codec::Copy{.from = {.path = "/src/f"}, .to = {.path = "/clone/f"}}});
  auto report = merged();
  EXPECT_EQ(report.counts.all(), 0U);
  EXPECT_EQ(report.version, 0U);
}

TEST_F(MergeTest, BothChangedAFile) {
  base({put_op("/src/f", "one")});
  must({put_op("/clone/f", "theirs")});
  must({put_op("/src/f", "ours")});
  expect_conflicts({{"/src/f", content}});
  auto told = run()->conflicts.at(0);
  EXPECT_EQ(told.base->facts.size, 3U);
  EXPECT_EQ(told.ours->path, "/src/f");
  EXPECT_EQ(told.theirs->path, "/clone/f");
  EXPECT_EQ(told.theirs->facts.generation, ns.stat("/clone/f")->body.generation);
  merged(MergeChoice::ours);
  EXPECT_EQ(ns.read("/src/f").value(), "ours");
  merged(MergeChoice::aside);
  EXPECT_EQ(ns.read("/src/f").value(), "ours");
  EXPECT_EQ(ns.read("/aside/f").value(), "theirs");
  EXPECT_EQ(run(MergeChoice::aside).error().code(), Code::already_exists);
  merged(MergeChoice::theirs);
  EXPECT_EQ(ns.read("/src/f").value(), "theirs");
}

TEST_F(MergeTest, OneSideRemovedWhatTheOtherChanged) {
  base({put_op("/src/a", "one"), put_op("/src/b", "one"), mkdir_op("/src/d"),
        put_op("/src/d/x", "x"), mkdir_op("/src/e"), put_op("/src/e/x", "x")});
  must({put_op("/clone/a", "theirs"), remove_op("/clone/b"), put_op("/clone/d/new", "n"),
        remove_op("/clone/e")});
  must({remove_op("/src/a"), put_op("/src/b", "ours"), remove_op("/src/d"),
        put_op("/src/e/new", "n")});
  expect_conflicts(
      {{"/src/a", removed}, {"/src/b", removed}, {"/src/d", removed}, {"/src/e", removed}});
  auto told = run();
  ASSERT_TRUE(told);
  for (const auto& it : told->conflicts) {
    bool ours_has = it.path == "/src/b" || it.path == "/src/e";
    EXPECT_EQ(it.ours.has_value(), ours_has) << it.path;
    EXPECT_EQ(it.theirs.has_value(), !ours_has) << it.path;
  }
  must({snapshot_op("before", "/src")});
  merged(MergeChoice::aside);
  Shape ours{{"/b", "ours 420"}, {"/e", "directory 493"}, {"/e/new", "n 420"}};
  EXPECT_EQ(shape("/src"), ours);
  EXPECT_EQ(
      shape("/aside"),
      (Shape{
          {"/a", "theirs 420"}, {"/d", "directory 493"}, {"/d/new", "n 420"}, {"/d/x", "x 420"}}));
  must({codec::Rollback{.target = {.path = "/src"}, .at = "before"}});
  auto report = merge(client, {.from = "/clone", .to = "/src", .choice = MergeChoice::theirs});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(shape("/src"), shape("/clone"));
}

TEST_F(MergeTest, BothCreatedSomethingUnderOneName) {
  base({});
  must({put_op("/clone/f", "theirs"), mkdir_op("/clone/d"), put_op("/clone/d/x", "x"),
        put_op("/clone/k", "file"), mkdir_op("/clone/both"), put_op("/clone/both/t", "t")});
  must({put_op("/src/f", "ours"), put_op("/src/d", "file"), mkdir_op("/src/k"),
        put_op("/src/k/x", "x"), mkdir_op("/src/both"), put_op("/src/both/o", "o")});
  expect_conflicts({{"/src/f", created}, {"/src/d", created}, {"/src/k", created}});
  merged(MergeChoice::ours);
  EXPECT_EQ(shape("/src/both"), (Shape{{"/o", "o 420"}, {"/t", "t 420"}}));
  EXPECT_EQ(ns.read("/src/d").value(), "file");
  merged(MergeChoice::theirs);
  EXPECT_EQ(ns.read("/src/f").value(), "theirs");
  EXPECT_EQ(ns.read("/src/d/x").value(), "x");
  EXPECT_EQ(ns.read("/src/k").value(), "file");
}

TEST_F(MergeTest, RenamesOfBothSidesGoTogetherOrAreTold) {
  base({mkdir_op("/src/a"), put_op("/src/a/f", "f"), mkdir_op("/src/b"), put_op("/src/x", "x"),
        put_op("/src/y", "y")});
  must({rename_op("/clone/a", "/clone/b/a"), put_op("/clone/b/a/f", "theirs"),
        rename_op("/clone/x", "/clone/x1")});
  must({rename_op("/src/a/f", "/src/a/g"), rename_op("/src/x", "/src/x2"),
        put_op("/src/a/new", "n")});
  expect_conflicts({{"/src/x2", renamed}});
  merged(MergeChoice::theirs);
  EXPECT_EQ(shape("/src"), (Shape{{"/b", "directory 493"},
                                  {"/b/a", "directory 493"},
                                  {"/b/a/g", "theirs 420"},
                                  {"/b/a/new", "n 420"},
                                  {"/x1", "x 420"},
                                  {"/y", "y 420"}}));
}

TEST_F(MergeTest, NamesThatWereExchangedAndReplaced) {
  base(
      {put_op("/src/a", "a"), put_op("/src/b", "b"), put_op("/src/c", "c"), put_op("/src/d", "d")});
  codec::Rename exchange{{"/clone/a", {}}, {"/clone/b", {}}, codec::RenameMode::exchange};
  must({exchange, rename_op("/clone/c", "/clone/d")});
  merged();
  EXPECT_EQ(shape("/src"), (Shape{{"/a", "b 420"}, {"/b", "a 420"}, {"/d", "c 420"}}));
}

TEST_F(MergeTest, AFileThatWasReplacedByAnotherOneUnderItsName) {
  base({put_op("/src/f", "one"), put_op("/src/g", "one"), put_op("/src/h", "one")});
  must({put_op("/clone/tmp", "theirs"), rename_op("/clone/tmp", "/clone/f")});
  merged();
  EXPECT_EQ(shape("/src"), (Shape{{"/f", "theirs 420"}, {"/g", "one 420"}, {"/h", "one 420"}}));
  // Replaced by one side, changed by the other.
  must({put_op("/clone/tmp", "theirs"), rename_op("/clone/tmp", "/clone/g"),
        put_op("/clone/h", "theirs")});
  must({put_op("/src/g", "ours"), put_op("/src/tmp", "ours"), rename_op("/src/tmp", "/src/h")});
  auto told = run();
  ASSERT_TRUE(told);
  ASSERT_EQ(told->conflicts.size(), 2U);
  for (const auto& it : told->conflicts) {
    EXPECT_TRUE(it.ours && it.theirs) << it.path;
  }
  merged(MergeChoice::ours);
  EXPECT_EQ(ns.read("/src/g").value(), "ours");
  EXPECT_EQ(ns.read("/src/h").value(), "ours");
  merged(MergeChoice::theirs);
  EXPECT_EQ(shape("/src"), shape("/clone"));
}

TEST_F(MergeTest, DirectoriesMovedIntoEachOther) {
  base({mkdir_op("/src/a"), mkdir_op("/src/b"), put_op("/src/a/f", "f")});
  must({rename_op("/clone/a", "/clone/b/a")});
  must({rename_op("/src/b", "/src/a/b")});
  expect_conflicts({{"/src/a", renamed}});
  Shape before = shape("/src");
  merged(MergeChoice::ours);
  EXPECT_EQ(shape("/src"), before);
  EXPECT_EQ(run(MergeChoice::theirs).error().code(), Code::failed_precondition);
}

TEST_F(MergeTest, TheOtherWayAndBetweenTwoClones) {
  base({put_op("/src/f", "one")});
  must({clone_op("/src", "/other")});
  must({put_op("/src/f", "two"), put_op("/other/o", "o"), put_op("/clone/c", "c")});
  ASSERT_TRUE(merge(client, {.from = "/src", .to = "/clone"})->merged);
  EXPECT_EQ(shape("/clone"), (Shape{{"/c", "c 420"}, {"/f", "two 420"}}));
  ASSERT_TRUE(merge(client, {.from = "/other", .to = "/clone"})->merged);
  EXPECT_EQ(shape("/clone"), (Shape{{"/c", "c 420"}, {"/f", "two 420"}, {"/o", "o 420"}}));
  must({clone_op("/clone", "/deep")});
  must({put_op("/deep/d", "d")});
  ASSERT_TRUE(merge(client, {.from = "/deep", .to = "/src"})->merged);
  EXPECT_EQ(shape("/src"), shape("/deep"));
  expect_clean();
}

TEST_F(MergeTest, AsTheCloneWas) {
  base({put_op("/src/f", "one")});
  must({put_op("/clone/f", "two")});
  must({snapshot_op("then", "/clone")});
  must({put_op("/clone/f", "three"), put_op("/clone/g", "g")});
  auto done = merge(client, {.from = "/clone", .at = "then"});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(shape("/src"), (Shape{{"/f", "two 420"}}));
}

TEST_F(MergeTest, IsRefused) {
  base({put_op("/src/f", "one")});
  must({mkdir_op("/else")});
  EXPECT_EQ(merge(client, {.from = "/src"}).error().code(), Code::failed_precondition);
  EXPECT_EQ(merge(client, {.from = "/clone", .to = "/else"}).error().code(),
            Code::failed_precondition);
  EXPECT_EQ(merge(client, {.from = "/clone", .to = "/clone"}).error().code(),
            Code::invalid_argument);
  EXPECT_EQ(merge(client, {.from = "/clone/f"}).error().code(), Code::not_directory);
  EXPECT_EQ(merge(client, {.from = "/missing"}).error().code(), Code::not_found);
  must({remove_op("/src")});
  EXPECT_EQ(merge(client, {.from = "/clone"}).error().code(), Code::failed_precondition);
}

TEST_F(MergeTest, OneInsideTheOtherIsRefused) {
  base({mkdir_op("/src/d"), put_op("/src/f", "one")});
  must({mkdir_op("/apart"), put_op("/clone/f", "two"), rename_op("/clone", "/src/d/clone")});
  std::vector<MergeOptions> refused = {
      {.from = "/src/d/clone"},
      {.from = "/src", .to = "/src/d/clone"},
      {.from = "//src/d/clone/", .to = "/src//"},
      {.from = "/src/d/clone", .to = "/"},
  };
  refused.push_back(
      {.from = "/apart/clone", .choice = MergeChoice::aside, .aside = "/src/d/conflicts"});
  refused.push_back(
      {.from = "/apart/clone", .choice = MergeChoice::aside, .aside = "/apart/clone/conflicts"});
  for (size_t i = 0; i < refused.size(); ++i) {
    if (i == 4) must({rename_op("/src/d/clone", "/apart/clone")});
    auto done = merge(client, refused[i]);
    ASSERT_FALSE(done) << i;
    EXPECT_EQ(done.error().code(), Code::invalid_argument) << done.error().message();
  }
  EXPECT_EQ(ns.read("/src/f").value(), "one");
}

TEST_F(MergeTest, ADryRunWritesNothing) {
  base({put_op("/src/f", "one")});
  must({put_op("/clone/f", "two")});
  auto done = run(MergeChoice::report, true);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->merged);
  EXPECT_EQ(done->counts.content, 1U);
  EXPECT_EQ(done->version, 0U);
  EXPECT_EQ(ns.read("/src/f").value(), "one");
}

TEST_F(MergeTest, IsWorkedOutAgainWhenSomethingChangesMeanwhile) {
  base({put_op("/src/f", "one"), put_op("/src/g", "one"), mkdir_op("/src/d")});
  must({put_op("/clone/f", "two"), remove_op("/clone/d")});
  int attempt = 0;
  before_commit = [&] {
    ++attempt;
    if (attempt == 1) must({put_op("/src/g", "meanwhile"), put_op("/clone/late", "late")});
    if (attempt == 2) must({put_op("/src/d/new", "n")});
  };
  auto done = merge(client, {.from = "/clone"});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_FALSE(done->merged);
  ASSERT_EQ(done->conflicts.size(), 1U);
  EXPECT_EQ(done->conflicts[0].path, "/src/d");
  EXPECT_EQ(shape("/src"), (Shape{{"/d", "directory 493"},
                                  {"/d/new", "n 420"},
                                  {"/f", "one 420"},
                                  {"/g", "meanwhile 420"}}));
  int count = 0;
  before_commit = [&] { must({put_op("/clone/late", str("late ", ++count))}); };
  auto never = merge(client, {.from = "/clone", .choice = MergeChoice::ours});
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().code(), Code::aborted);
  EXPECT_FALSE(never.error().hint().empty());
}

TEST_F(MergeTest, ARenewedCloneGoesOnFromWhatWasMerged) {
  base({put_op("/src/f", "one"), put_op("/src/g", "one")});
  must({codec::SetQuota{.target = {.path = "/clone"}, .max_entries = 10}});
  for (int round = 1; round <= 3; ++round) {
    must({put_op("/clone/f", str("clone ", round)), put_op(str("/clone/c", round), "c"),
          put_op("/src/g", str("src ", round)), put_op(str("/src/s", round), "s")});
    auto done = merge(client, {.from = "/clone", .renew = true});
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_TRUE(done->merged) << round;  // without renewal, /f is a conflict in the second round
    EXPECT_TRUE(done->renewed);
    EXPECT_EQ(shape("/clone"), shape("/src"));
    EXPECT_EQ(ns.read("/src/f").value(), str("clone ", round));
    EXPECT_EQ(ns.read("/clone/g").value(), str("src ", round));
    EXPECT_EQ(ns.stat("/clone")->quota.max_entries, 10U);
    EXPECT_EQ(ns.stat("/src")->quota.max_entries, 0U);
    expect_clean();
  }
  // And back.
  must({put_op("/clone/f", "last")});
  auto done = merge(client, {.from = "/clone", .renew = true});
  ASSERT_TRUE(done && done->renewed);
  must({remove_op("/src/f")});
  must({codec::Rollback{.target = {.path = "/clone"}, .at = str("v", done->renew_undo_version)}});
  EXPECT_EQ(ns.read("/clone/f").value(), "last");
  EXPECT_EQ(merge(client, {.from = "/clone", .at = "1s", .renew = true}).error().code(),
            Code::invalid_argument);
  expect_clean();
}

TEST_F(MergeTest, ACloneThatChangesMeanwhileIsMergedAndNotRenewed) {
  base({put_op("/src/f", "one")});
  must({put_op("/clone/f", "two")});
  int commits = 0;
  before_commit = [&] {
    if (++commits == 2) must({put_op("/clone/late", "late")});
  };
  auto done = merge(client, {.from = "/clone", .renew = true});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done->merged);
  EXPECT_FALSE(done->renewed);
  EXPECT_EQ(ns.read("/src/f").value(), "two");
  EXPECT_EQ(ns.read("/clone/late").value(), "late");
  EXPECT_EQ(commits, 2);
  before_commit = nullptr;  // the client ends its session after `commits`
}

TEST_F(MergeTest, AMergeStandsWhenTheCloneCannotBeRenewed) {
  base({put_op("/src/f", "one")});
  must({codec::SetQuota{.target = {.path = "/clone"}, .max_entries = 2}});
  must({put_op("/clone/f", "two"), put_op("/src/g", "g"), put_op("/src/h", "h")});
  auto done = merge(client, {.from = "/clone", .renew = true});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done->merged);
  EXPECT_NE(done->undo_version, 0U);
  EXPECT_FALSE(done->renewed);
  EXPECT_NE(done->not_renewed.find("quota"), std::string::npos) << done->not_renewed;
  EXPECT_EQ(ns.read("/src/f").value(), "two");
  EXPECT_EQ(ns.list("/clone")->size(), 1U);
  expect_clean();
}

TEST_F(MergeTest, WhatWasNotMergedIsNotRenewed) {
  base({put_op("/src/f", "one")});
  must({put_op("/src/f", "mine"), put_op("/clone/f", "two")});
  auto done = merge(client, {.from = "/clone", .renew = true});
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->merged);
  EXPECT_FALSE(done->renewed);
  EXPECT_EQ(ns.read("/clone/f").value(), "two");
  must({put_op("/clone/g", "g")});
  done = merge(client,
               {.from = "/clone", .choice = MergeChoice::ours, .renew = true, .dry_run = true});
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->renewed);
  EXPECT_EQ(ns.read("/clone/f").value(), "two");
}

TEST_F(MergeTest, MoreThanATransactionHoldsIsSaid) {
  base({});
  for (int i = 0; i < 21; ++i) {
    std::vector<codec::Operation> some;
    for (int j = 0; j < 200; ++j) some.push_back(put_op(str("/clone/", i, "-", j), "x"));
    must(std::move(some));
  }
  EXPECT_EQ(run().error().code(), Code::resource_exhausted);
  EXPECT_TRUE(shape("/src").empty());
}

// ---- random edits

class RandomMerge : public MergeTest, public testing::WithParamInterface<uint64_t> {
 protected:
  uint64_t draw(uint64_t below) { return random_.below(below); }
  std::string name() { return std::string(1, static_cast<char>('a' + draw(6))); }
  std::string any_of(const Shape& shape, bool directories, const std::string& otherwise) {
    std::vector<std::string> found;
    for (const auto& [path, what] : shape) {
      if (what.starts_with("directory") == directories) found.push_back(path);
    }
    return found.empty() ? otherwise : found[draw(found.size())];
  }
  std::string content() { return str("content ", ++contents_); }

  // What one side changed, for whoever reads a failure.
  std::string changes(const std::string& other, const std::string& of) {
    codec::DiffRequest request{.a = {.path = other}, .b = {.path = of}, .from_base = true};
    auto reply = ns.call<codec::DiffReply>(codec::Method::diff, request);
    std::string out;
    if (!reply) return reply.error().message();
    for (const auto& it : reply->differences) {
      out += str(" ", static_cast<int>(it.change), ":", it.old_path, it.old_path.empty() ? "" : ">",
                 it.path, it.kind == Kind::directory ? "/" : "");
    }
    return out;
  }

  // Refusals are part of it.
  void edit(const std::string& top, bool renames) {
    Shape now = shape(top);
    std::string directory = draw(3) == 0 ? "" : any_of(now, true, "");
    std::string fresh = str(top, directory, "/", name());
    std::string file = top + any_of(now, false, "/a");
    switch (draw(renames ? 10 : 7)) {
      case 0:
        (void)ns.commit({mkdir_op(fresh)});
        return;
      case 1:
      case 2:
        (void)ns.commit({put_op(fresh, content())});
        return;
      case 3:
      case 4:
        (void)ns.commit({put_op(file, content())});
        return;
      case 5:
        (void)ns.commit({remove_op(file)});
        return;
      case 6:
        if (draw(3) == 0 && !directory.empty()) (void)ns.commit({remove_op(top + directory)});
        return;
      case 7:
        (void)ns.commit({rename_op(file, fresh)});
        return;
      case 8:
        if (!directory.empty()) {
          std::string into = draw(2) == 0 ? "" : any_of(now, true, "");
          (void)ns.commit({rename_op(top + directory, str(top, into, "/", name()))});
        }
        return;
      default:
        (void)ns.commit({codec::Rename{
            {file, {}}, {top + any_of(now, false, "/b"), {}}, codec::RenameMode::exchange}});
        return;
    }
  }
  void begin(bool renames) {
    must({mkdir_op("/src")});
    for (int i = 0; i < 20; ++i) edit("/src", renames);
    must({clone_op("/src", "/clone")});
  }
  static std::set<std::string> bytes(const Shape& shape) {
    std::set<std::string> out;
    for (const auto& [path, what] : shape) {
      if (what.starts_with("content")) out.insert(what);
    }
    return out;
  }

  SimRandom random_{GetParam()};
  uint64_t contents_ = 0;
};

// Nothing but theirs changed: then the result is theirs.
TEST_P(RandomMerge, IntoWhatDidNotChangeGivesTheirs) {
  begin(true);
  for (uint64_t i = draw(30); i > 0; --i) edit("/clone", true);
  SCOPED_TRACE(changes("/src", "/clone"));
  merged();
  EXPECT_EQ(shape("/src"), shape("/clone"));
}

// Each file is known by its bytes: where nothing is in conflict a file is in the result unless one
// side removed or replaced it, and none of either side is missing.
TEST_P(RandomMerge, WithoutConflictsNothingOfEitherSideIsLost) {
  begin(true);
  std::set<std::string> before = bytes(shape("/src"));
  for (uint64_t i = draw(8); i > 0; --i) edit("/clone", true);
  for (uint64_t i = draw(8); i > 0; --i) edit("/src", true);
  std::set<std::string> theirs = bytes(shape("/clone"));
  std::set<std::string> ours = bytes(shape("/src"));
  auto done = run();
  ASSERT_TRUE(done) << done.error().message();
  if (!done->merged) return;
  std::set<std::string> expected;
  for (const auto& it : before) {
    if (theirs.contains(it) && ours.contains(it)) expected.insert(it);
  }
  for (const auto* side : {&theirs, &ours}) {
    for (const auto& it : *side) {
      if (!before.contains(it)) expected.insert(it);
    }
  }
  EXPECT_EQ(bytes(shape("/src")), expected);
}

// Without renames and removed directories a path is enough to say what must come out.
TEST_P(RandomMerge, ByPathAsIsPlain) {
  begin(false);
  Shape before = shape("/src");
  for (uint64_t i = draw(10); i > 0; --i) edit("/clone", false);
  for (uint64_t i = draw(10); i > 0; --i) edit("/src", false);
  Shape theirs = shape("/clone");
  Shape ours = shape("/src");
  auto of = [](const Shape& shape, const std::string& path) {
    auto found = shape.find(path);
    return found == shape.end() ? std::string() : found->second;
  };
  std::set<std::string> paths;
  for (const Shape* some : {&before, &theirs, &ours}) {
    for (const auto& [path, what] : *some) paths.insert(path);
  }
  Shape expected;
  bool plain = true;
  for (const std::string& path : paths) {
    std::string was = of(before, path);
    std::string in_theirs = of(theirs, path);
    std::string in_ours = of(ours, path);
    bool directory = was.starts_with("directory") || in_theirs.starts_with("directory") ||
                     in_ours.starts_with("directory");
    if (directory && (in_theirs != was || in_ours != was) && in_theirs != in_ours) plain = false;
    if (in_theirs != was && in_ours != was && in_theirs != in_ours) plain = false;
    std::string result = in_ours != was ? in_ours : in_theirs;
    if (!result.empty()) expected[path] = result;
  }
  auto done = run();
  ASSERT_TRUE(done) << done.error().message();
  if (!plain) return;
  EXPECT_TRUE(done->merged);
  EXPECT_EQ(shape("/src"), expected);
}

// Whatever both did, each choice ends: with theirs nothing that theirs made is missing, with ours
// and aside nothing that ours made is.
TEST_P(RandomMerge, EveryChoiceEndsAndKeepsItsSide) {
  begin(true);
  Shape base = shape("/src");
  std::set<std::string> before = bytes(base);
  for (uint64_t i = draw(25); i > 0; --i) edit("/clone", true);
  for (uint64_t i = draw(25); i > 0; --i) edit("/src", true);
  std::set<std::string> theirs = bytes(shape("/clone"));
  std::set<std::string> ours = bytes(shape("/src"));
  must({snapshot_op("before", "/src")});
  SCOPED_TRACE(str("base ", testing::PrintToString(base), "\ntheirs ", changes("/src", "/clone"),
                   "\nours ", changes("/clone", "/src")));
  for (auto choice : {MergeChoice::ours, MergeChoice::aside, MergeChoice::theirs}) {
    auto done = merge(client, {.from = "/clone",
                               .to = "/src",
                               .choice = choice,
                               .aside = choice == MergeChoice::aside ? "/aside" : ""});
    if (!done && done.error().code() == Code::failed_precondition &&
        choice == MergeChoice::theirs) {
      continue;  // what was moved by both is too much entangled; nothing was written
    }
    ASSERT_TRUE(done) << done.error().message() << " choice " << static_cast<int>(choice);
    EXPECT_TRUE(done->merged);
    expect_clean();
    std::set<std::string> result = bytes(shape("/src"));
    bool keeps_theirs = choice == MergeChoice::theirs;
    if (choice == MergeChoice::aside && ns.stat("/aside")) {
      result.merge(bytes(shape("/aside")));
      keeps_theirs = true;
    }
    for (const auto& it : ours) {
      if (!before.contains(it) && choice != MergeChoice::theirs) {
        EXPECT_TRUE(result.contains(it)) << it << " of ours";
      }
    }
    for (const auto& it : theirs) {
      if (!before.contains(it) && (keeps_theirs || done->conflicts.empty())) {
        EXPECT_TRUE(result.contains(it)) << it << " of theirs";
      }
    }
    must({codec::Rollback{.target = {.path = "/src"}, .at = "before"}});
  }
}

// NOKV_SEEDS says how many.
uint64_t seeds() {
  const char* text = std::getenv("NOKV_SEEDS");
  return text == nullptr ? 60 : std::strtoull(text, nullptr, 10);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomMerge, testing::Range<uint64_t>(1, seeds() + 1));

}  // namespace
}  // namespace nokv::client
