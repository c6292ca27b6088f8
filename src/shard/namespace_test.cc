// The namespace through its service, in the simulator: what each verb does, and at versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

class Namespace : public CheckedNamespace {
 protected:
  Code refused(std::vector<codec::Operation> operations) {
    auto reply = ns.commit(std::move(operations));
    EXPECT_FALSE(reply);
    return reply ? Code::ok : reply.error().code();
  }
  std::vector<std::string> names(const std::string& path, const std::string& at = {}) {
    auto entries = ns.list(path, at, 3);
    EXPECT_TRUE(entries) << (entries ? "" : entries.error().message());
    std::vector<std::string> out;
    if (entries) {
      for (const auto& entry : *entries) out.push_back(entry.name);
    }
    return out;
  }
};

using Names = std::vector<std::string>;

TEST_F(Namespace, AFileReadsBackAsItWasPut) {
  must({mkdir_op("/runs")});
  auto reply = must({put_op("/runs/a", "hello")});
  EXPECT_TRUE(reply.results[0].created);
  EXPECT_EQ(reply.results[0].generation, reply.version);
  EXPECT_EQ(ns.read("/runs/a").value(), "hello");
  EXPECT_EQ(ns.stat("/runs/a")->body.size, 5U);
}

TEST_F(Namespace, TotalsAreExactToTheRoot) {
  must({mkdir_op("/a"), mkdir_op("/a/b"), put_op("/a/b/f", "12345"), put_op("/a/g", "12")});
  auto root = ns.stat("/")->totals;
  EXPECT_EQ(root.files, 2U);
  EXPECT_EQ(root.directories, 2U);
  EXPECT_EQ(root.bytes, 7U);
  must({rename_op("/a/b", "/b")});
  EXPECT_EQ(ns.stat("/a")->totals.bytes, 2U);
  EXPECT_EQ(ns.stat("/b")->totals.bytes, 5U);
  must({put_op("/b/f", "1"), remove_op("/a")});
  root = ns.stat("/")->totals;
  EXPECT_EQ(root.files, 1U);
  EXPECT_EQ(root.directories, 1U);
  EXPECT_EQ(root.bytes, 1U);
}

TEST_F(Namespace, ATransactionHappensWholeOrNotAtAll) {
  uint64_t before = ns.stat("/")->totals.newest;
  EXPECT_EQ(refused({mkdir_op("/x"), put_op("/x/f", "1"), remove_op("/missing")}), Code::not_found);
  EXPECT_TRUE(names("/").empty());
  EXPECT_EQ(ns.stat("/")->totals.newest, before);
}

TEST_F(Namespace, ATransactionSeesTheNamesInWhatItMade) {
  EXPECT_EQ(refused({mkdir_op("/d"), mkdir_op("/d/e"), mkdir_op("/d/e")}), Code::already_exists);
  must({mkdir_op("/d"), put_op("/d/a", "1"), rename_op("/d/a", "/d/b"), put_op("/d/a", "2"),
        remove_op("/d/b")});
  EXPECT_EQ(names("/d"), Names{"a"});
  auto reply = must({mkdir_op("/new"), rename_op("/d", "/new/d"), put_op("/new/d/a", "3")});
  EXPECT_FALSE(reply.results[2].created);
  EXPECT_EQ(ns.read("/new/d/a").value(), "3");
  reply = must({clone_op("/new/d", "/c"), put_op("/c/a", "4")});
  EXPECT_FALSE(reply.results[1].created);
  EXPECT_EQ(ns.read("/c/a").value(), "4");
  EXPECT_EQ(ns.read("/new/d/a").value(), "3");
}

TEST_F(Namespace, ListingASnapshotShowsNamesDeletedSince) {
  must({mkdir_op("/d"), put_op("/d/a", "1"), put_op("/d/b", "2")});
  must({snapshot_op("before", "/")});
  must({remove_op("/d/a")});
  must({put_op("/d/b", "changed"), put_op("/d/c", "3")});
  EXPECT_EQ(names("/d"), (Names{"b", "c"}));
  EXPECT_EQ(names("/d", "before"), (Names{"a", "b"}));
  EXPECT_EQ(ns.read("/d/a", "before").value(), "1");
  EXPECT_EQ(ns.read("/d/b", "before").value(), "2");
  EXPECT_EQ(ns.read("/d/b").value(), "changed");
  EXPECT_EQ(ns.stat("/d", "before")->totals.bytes, 2U);
}

TEST_F(Namespace, ASnapshotOutsideItsPathIsRefused) {
  must({mkdir_op("/d"), mkdir_op("/e")});
  must({snapshot_op("s", "/d")});
  EXPECT_EQ(ns.list("/e", "s").error().code(), Code::invalid_argument);
}

// It would show the tree without them, and might be of a directory that was not there yet.
TEST_F(Namespace, ASnapshotAfterChangesOfItsTransactionIsRefused) {
  auto made_here = ns.commit({mkdir_op("/d"), snapshot_op("s", "/d")});
  ASSERT_FALSE(made_here);
  EXPECT_EQ(made_here.error().code(), Code::invalid_argument);
  EXPECT_THAT(made_here.error().message(), testing::HasSubstr("/d: is made by this transaction"));
  must({mkdir_op("/d")});
  EXPECT_EQ(refused({put_op("/d/a", "1"), snapshot_op("s", "/d")}), Code::invalid_argument);
  must({snapshot_op("s", "/d"), put_op("/d/a", "1")});
  EXPECT_TRUE(names("/d", "s").empty());
}

TEST_F(Namespace, WhatATransactionMadeItselfLeavesNoUndoPin) {
  auto reply = must({mkdir_op("/d"), put_op("/d/a", "1"), remove_op("/d", true)});
  EXPECT_EQ(reply.results[2].undo_version, 0U);
  EXPECT_EQ(ns.shard().state()->pins->size(), 0U);
}

TEST_F(Namespace, WhatWasRemovedCanBeBroughtBack) {
  must({mkdir_op("/d"), put_op("/d/a", "precious")});
  auto reply = must({remove_op("/d/a", true)});
  uint64_t undo = reply.results[0].undo_version;
  EXPECT_EQ(undo, reply.version - 1);
  codec::Undelete op;
  op.target.path = "/d/a";
  op.at = str("v", undo);
  must({op});
  EXPECT_EQ(ns.read("/d/a").value(), "precious");
  EXPECT_EQ(refused({op}), Code::already_exists);
}

TEST_F(Namespace, AFileThatWasReplacedByTheCommandCanBeBroughtBack) {
  must({put_op("/a", "old")});
  auto replace = put_op("/a", "new");
  std::get<codec::Publish>(replace).keep_undo = true;
  auto reply = must({replace});
  EXPECT_EQ(ns.read("/a", str("v", reply.results[0].undo_version)).value(), "old");
}

TEST_F(Namespace, TheLogSaysWhoPublishedEachGeneration) {
  must({put_op("/a", "one")});
  must({snapshot_op("s", "/")});
  must({put_op("/a", "two")});
  must({snapshot_op("t", "/")});
  codec::CommitRequest append;
  append.operations.push_back({append_op("/a", "!")});
  ns.shard().commit(append, "somebody else", [](auto) {});
  ns.scheduler().run_for(std::chrono::seconds(1));
  auto log = ns.call<codec::LogReply>(codec::Method::log, codec::LogRequest{{"/a", {}}});
  ASSERT_TRUE(log);
  std::vector<std::string> who;
  for (const auto& entry : log->entries) who.push_back(entry.principal);
  EXPECT_EQ(who, (Names{"somebody else", "test", "test"}));
}

TEST_F(Namespace, TheLogFollowsAFileThroughItsNames) {
  must({mkdir_op("/d"), put_op("/d/a", "one"), put_op("/z", "another")});
  must({snapshot_op("s1", "/")});
  must({rename_op("/d/a", "/b"), put_op("/b", "two")});
  must({snapshot_op("s2", "/")});
  must({mkdir_op("/e"), rename_op("/b", "/e/b"), put_op("/e/b", "three")});
  must({snapshot_op("s3", "/e")});
  must({rename_op("/e", "/f"), link_op("/f/b", "/f/c"), put_op("/f/c", "four")});
  must({snapshot_op("s4", "/")});
  must({remove_op("/f/b"), rename_op("/f/c", "/z"), put_op("/z", "five")});
  auto log = ns.call<codec::LogReply>(codec::Method::log, codec::LogRequest{{"/z", {}}});
  ASSERT_TRUE(log) << log.error().message();
  std::vector<std::string> read;
  std::vector<std::string> paths;
  for (const auto& entry : log->entries) {
    paths.push_back(entry.path);
    auto bytes = ns.read(entry.path, entry.at);
    read.push_back(bytes ? *bytes : bytes.error().message());
  }
  // What the path showed before the file came there is told too.
  EXPECT_EQ(read, (Names{"five", "four", "three", "two", "another", "one"}));
  EXPECT_EQ(paths, (Names{"/z", "/f/b", "/e/b", "/b", "/z", "/d/a"}));
  codec::LogRequest few{{"/z", {}}, 2};
  auto page = ns.call<codec::LogReply>(codec::Method::log, few);
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_TRUE(page->more);
}

TEST_F(Namespace, TheLogNamesNoPlaceThatOnlyTheSourceOfACloneHad) {
  must({mkdir_op("/src"), mkdir_op("/src/a"), mkdir_op("/src/a/d"), put_op("/src/a/d/f", "one")});
  must({codec::Clone{.from = {.path = "/src"}, .to = {.path = "/c"}}});
  must({link_op("/c/a/d/f", "/f"), rename_op("/c/a", "/x")});
  must({snapshot_op("k", "/c")});
  must({rename_op("/x", "/y"), put_op("/f", "two")});
  auto log = ns.call<codec::LogReply>(codec::Method::log, codec::LogRequest{{"/f", {}}});
  ASSERT_TRUE(log) << log.error().message();
  for (const auto& entry : log->entries) EXPECT_EQ(entry.path, "/f");
}

TEST_F(Namespace, AVersionKeptForOneFileShowsThatFileOnly) {
  must({mkdir_op("/d"), put_op("/d/f", "one"), put_op("/d/g", "other")});
  codec::Publish again;
  again.target.path = "/d/f";
  again.keep_undo = true;
  auto reply = must({again});
  std::string at = str("v", reply.results[0].undo_version);
  EXPECT_EQ(ns.read("/d/f", at).value(), "one");
  EXPECT_EQ(ns.stat("/d/f/x", at).error().code(), Code::not_found);  // not: no directory
  EXPECT_EQ(ns.stat("/d/g", at).error().code(), Code::not_found);
}

TEST_F(Namespace, TheLogKnowsTheFirstNameOfAFileThatIsKeptUnderNoOther) {
  must({put_op("/a", "one")});
  must({snapshot_op("s", "/")});
  must({mkdir_op("/d"), rename_op("/a", "/d/b"), append_op("/d/b", "!")});
  auto log = ns.call<codec::LogReply>(codec::Method::log, codec::LogRequest{{"/d/b", {}}});
  ASSERT_TRUE(log) << log.error().message();
  ASSERT_EQ(log->entries.size(), 2U);
  EXPECT_EQ(log->entries[1].path, "/a");
}

TEST_F(Namespace, TheLogOfARemovedFileIsThatOfTheLastOneThere) {
  must({put_op("/a", "one")});
  must({snapshot_op("s1", "/")});
  must({rename_op("/a", "/b")});
  must({put_op("/b", "two")});
  must({remove_op("/b", true)});
  auto log = ns.call<codec::LogReply>(codec::Method::log, codec::LogRequest{{"/b", {}}});
  ASSERT_TRUE(log) << log.error().message();
  ASSERT_EQ(log->entries.size(), 2U);
  EXPECT_EQ(ns.read(log->entries[0].path, log->entries[0].at).value(), "two");
  EXPECT_EQ(log->entries[1].path, "/a");
  EXPECT_EQ(ns.read(log->entries[1].path, log->entries[1].at).value(), "one");
}

TEST_F(Namespace, ADirectoryCannotBeMovedBelowItself) {  // scenario 23
  must({mkdir_op("/a"), mkdir_op("/a/b"), mkdir_op("/c")});
  EXPECT_EQ(refused({rename_op("/a", "/a/b/a")}), Code::invalid_argument);
  EXPECT_EQ(refused({rename_op("/a", "/a/x")}), Code::invalid_argument);
  must({rename_op("/a", "/c/a")});
  EXPECT_EQ(refused({rename_op("/c", "/c/a/b/c")}), Code::invalid_argument);
}

TEST_F(Namespace, RenameReplacesOnlyWhatPosixLetsIt) {
  must({mkdir_op("/d"), mkdir_op("/full"), put_op("/full/x", ""), put_op("/f", "f"),
        put_op("/g", "g"), mkdir_op("/empty")});
  EXPECT_EQ(refused({rename_op("/f", "/d")}), Code::is_directory);
  EXPECT_EQ(refused({rename_op("/d", "/f")}), Code::not_directory);
  EXPECT_EQ(refused({rename_op("/d", "/full")}), Code::not_empty);
  must({rename_op("/d", "/empty")});
  must({rename_op("/f", "/g")});
  EXPECT_EQ(ns.read("/g").value(), "f");
  auto keep = rename_op("/g", "/full/x");
  std::get<codec::Rename>(keep).mode = codec::RenameMode::no_replace;
  EXPECT_EQ(refused({keep}), Code::already_exists);
  auto swap = rename_op("/g", "/full");
  std::get<codec::Rename>(swap).mode = codec::RenameMode::exchange;
  must({swap});
  EXPECT_EQ(ns.read("/full").value(), "f");
  EXPECT_EQ(names("/g"), Names{"x"});
  EXPECT_EQ(ns.stat("/")->totals.files, 2U);
}

TEST_F(Namespace, RenameWithoutReplacingRefusesTheSameNameToo) {
  must({put_op("/f", "f")});
  must({rename_op("/f", "/f")});
  auto keep = rename_op("/f", "/f");
  std::get<codec::Rename>(keep).mode = codec::RenameMode::no_replace;
  EXPECT_EQ(refused({keep}), Code::already_exists);
}

TEST_F(Namespace, LinksShareOneFile) {
  must({mkdir_op("/a"), mkdir_op("/b"), put_op("/a/f", "one")});
  must({codec::Link{{"/a/f", {}}, {"/b/g", {}}}});
  EXPECT_EQ(ns.stat("/a/f")->links, 2U);
  EXPECT_EQ(ns.stat("/a/f")->id, ns.stat("/b/g")->id);
  must({put_op("/b/g", "longer")});
  EXPECT_EQ(ns.read("/a/f").value(), "longer");
  EXPECT_EQ(ns.stat("/a")->totals.bytes, 6U);  // scenario 11: totals of both parents
  EXPECT_EQ(ns.stat("/b")->totals.bytes, 6U);
  EXPECT_EQ(ns.stat("/")->totals.bytes, 12U);
  must({remove_op("/a/f")});
  EXPECT_EQ(ns.read("/b/g").value(), "longer");
  must({rename_op("/b/g", "/a/h")});
  EXPECT_EQ(ns.read("/a/h").value(), "longer");
  must({remove_op("/a/h")});
  EXPECT_EQ(ns.stat("/")->totals.bytes, 0U);
}

TEST_F(Namespace, NewestIsOfAllParentsOfAFileWhoseNamesChange) {
  must({mkdir_op("/a"), mkdir_op("/b"), mkdir_op("/c"), put_op("/a/f", "one")});
  auto newest = [&](const std::string& path) { return ns.stat(path)->totals.newest; };
  uint64_t linked = must({codec::Link{{"/a/f", {}}, {"/b/g", {}}}}).version;
  EXPECT_EQ(newest("/a"), linked);
  EXPECT_EQ(newest("/b"), linked);
  uint64_t renamed = must({rename_op("/b/g", "/c/g")}).version;
  EXPECT_EQ(newest("/a"), renamed);
  EXPECT_EQ(newest("/c"), renamed);
  uint64_t removed = must({remove_op("/c/g")}).version;
  EXPECT_EQ(newest("/a"), removed);
}

TEST_F(Namespace, PreconditionsAreCheckedAgainstWhatIsPending) {  // scenario 1
  // Two publishes and a conditional third, in one commit group: planned before anything is durable.
  std::vector<Result<codec::CommitReply>> replies(3, fail(Code::unavailable));
  auto send = [&](size_t i, codec::Operation op) {
    codec::CommitRequest request;
    request.operations.push_back({std::move(op)});
    ns.shard().commit(request, "test", [&, i](auto reply) { replies[i] = std::move(reply); });
  };
  send(0, put_op("/f", "first"));
  send(1, put_op("/f", "second"));
  auto third = put_op("/f", "third");
  std::get<codec::Publish>(third).if_generation = 2;
  send(2, third);
  ns.scheduler().run_for(std::chrono::seconds(1));
  ASSERT_TRUE(replies[0] && replies[1]);
  EXPECT_EQ(replies[0]->results[0].generation, 2U);
  EXPECT_EQ(replies[1]->results[0].generation, 3U);
  ASSERT_FALSE(replies[2]);
  EXPECT_EQ(replies[2].error().code(), Code::aborted);
  EXPECT_EQ(ns.read("/f").value(), "second");
}

TEST_F(Namespace, AppendsAreBoundToASize) {
  must({put_op("/log", "one\n")});
  codec::Append op;
  op.target.path = "/log";
  op.body.bytes = "two\n";
  op.body.size = 4;
  op.at_size = 4;
  must({op});
  EXPECT_EQ(ns.read("/log").value(), "one\ntwo\n");
  EXPECT_EQ(refused({op}), Code::aborted);
  op.at_size.reset();
  std::string expected = "one\ntwo\n";
  for (int i = 0; i < 40; ++i) {
    op.body.bytes = std::string(1000, static_cast<char>('a' + i % 26));
    op.body.size = 1000;
    must({op});
    expected += op.body.bytes;
  }
  EXPECT_EQ(ns.read("/log").value(), expected);
  EXPECT_EQ(ns.stat("/")->totals.bytes, expected.size());
  must({snapshot_op("s", "/")});
  must({put_op("/log", "short")});
  EXPECT_EQ(ns.read("/log", "s").value(), expected);
}

TEST_F(Namespace, AWriteIntoARemovedDirectoryIsStale) {  // scenario 8
  must({mkdir_op("/d")});
  codec::NodeId id = ns.stat("/d")->id;
  must({remove_op("/d")});
  auto late = put_op("f", "lost?");
  std::get<codec::Publish>(late).target.id = id;
  EXPECT_EQ(refused({late}), Code::stale);
}

TEST_F(Namespace, EverythingIsThereAfterACrash) {
  must({mkdir_op("/d"), put_op("/d/a", "1")});
  must({snapshot_op("s", "/d")});
  must({put_op("/d/a", "2")});
  for (SimCrash how : {SimCrash::process, SimCrash::power}) {
    ns.crash(how);
    auto opened = ns.open();
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(ns.read("/d/a").value(), "2");
    EXPECT_EQ(ns.read("/d/a", "s").value(), "1");
    EXPECT_EQ(ns.stat("/")->totals.bytes, 1U);
  }
}

TEST_F(Namespace, NamesAtTheLimitsWork) {  // scenario 27
  std::string longest(255, 'n');
  must({put_op("/" + longest, ""), put_op("/\xff\xfe", "raw"), put_op("/empty", "")});
  EXPECT_EQ(ns.read("/\xff\xfe").value(), "raw");
  EXPECT_EQ(ns.read("/empty").value(), "");
  EXPECT_EQ(names("/").size(), 3U);
  EXPECT_EQ(refused({put_op("/" + longest + "n", "")}), Code::resource_exhausted);
  EXPECT_EQ(refused({put_op("/a/../b", "")}), Code::invalid_argument);
}

// --- versions that are waited for

TEST_F(Namespace, AReadWaitsForTheVersionThatItAsksFor) {
  must({mkdir_op("/d")});
  uint64_t next = ns.shard().state()->record.version + 1;
  codec::CommitRequest commit;
  commit.operations.push_back({put_op("/d/f", "new")});
  ns.shard().commit(commit, "test", [](auto) {});
  // It is decided by then, and not durable: without waiting the read would not find it.
  auto wait_for = [&](uint64_t version) {
    codec::StatRequest request{{{"/d/f", {}}}};
    request.at.min_version = version;
    return ns.call<codec::StatReply>(codec::Method::stat, request);
  };
  auto reply = wait_for(next);
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_GE(reply->version, next);
  EXPECT_EQ(reply->results.at(0).failure.code, Code::ok);

  auto never = wait_for(next + 1);
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().code(), Code::unavailable);
  EXPECT_EQ(never.error().message(),
            str("version ", next + 1, " is not there: the newest is ", next));
}

TEST_F(Namespace, AVersionThatDoesNotComeHoldsUpNobody) {
  must({mkdir_op("/d")});
  uint64_t newest = ns.shard().state()->record.version;
  codec::CommitRequest commit;
  commit.operations.push_back({mkdir_op("/e")});
  ns.host().files().fail_nth(DiskCall::write, 1, Code::data_loss);
  ns.shard().commit(commit, "test", [](auto) {});
  std::optional<Result<uint64_t>> waited;
  ns.shard().wait_for(newest + 1, [&](Result<uint64_t> there) { waited = std::move(there); });
  std::optional<Result<uint64_t>> synced;
  ns.shard().wait_for(0, [&](Result<uint64_t> there) { synced = std::move(there); });
  ns.scheduler().run_for(std::chrono::seconds(1));
  ASSERT_TRUE(ns.shard().failure());
  ASSERT_TRUE(waited && synced);
  EXPECT_FALSE(*waited);
  EXPECT_FALSE(*synced);
  bool stopped = false;
  ns.shard().stop([&] { stopped = true; });
  ns.scheduler().run_for(std::chrono::seconds(1));
  EXPECT_TRUE(stopped);
}

TEST_F(Namespace, AShardThatStopsByItselfSaysSoOnce) {
  must({mkdir_op("/d")});
  std::vector<std::string> failures;
  ns.failed = [&](const Error& error) { failures.push_back(error.message()); };
  ns.host().files().fail_nth(DiskCall::write, 1, Code::data_loss);
  EXPECT_FALSE(ns.commit({mkdir_op("/e")}));
  EXPECT_FALSE(ns.commit({mkdir_op("/f")}));
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0], ns.shard().failure()->message());
}

// --- found by the model

codec::Operation symlink_op(const std::string& path, const std::string& to) {
  codec::MakeNode op;
  op.target.path = path;
  op.kind = codec::Kind::symlink;
  op.link_target = to;
  return op;
}

TEST_F(Namespace, PinsAreKnownAfterARestartThatHasNothingToReplay) {
  ns.close();
  ASSERT_TRUE(ns.open());
  auto pins =
      ns.call<codec::SnapshotsReply>(codec::Method::snapshots, codec::SnapshotsRequest{{}, true});
  ASSERT_TRUE(pins);
  EXPECT_TRUE(pins->snapshots.empty());
}

TEST_F(Namespace, TotalsAreExactWhenADirectoryGoesTogetherWithChangesInIt) {
  must({mkdir_op("/a"), put_op("/a/f", "12345"), remove_op("/a")});
  EXPECT_EQ(ns.stat("/")->totals.files, 0U);
  EXPECT_EQ(ns.stat("/")->totals.bytes, 0U);
  must({mkdir_op("/b"), mkdir_op("/c")});
  must({put_op("/b/f", "12345"), rename_op("/b", "/c/b")});
  EXPECT_EQ(ns.stat("/")->totals.bytes, 5U);
  EXPECT_EQ(ns.stat("/c")->totals.bytes, 5U);
}

TEST_F(Namespace, TimesThatNobodyLivesToSeeAreRefused) {
  auto code = [&](codec::Operation op) {
    auto done = ns.commit({std::move(op)});
    return done ? Code::ok : done.error().code();
  };
  EXPECT_EQ(code(codec::SetPolicy{{{}, INT64_MAX}}), Code::invalid_argument);
  EXPECT_EQ(code(codec::SetPolicy{{{}, -1}}), Code::invalid_argument);
  for (int64_t grace : {int64_t{-1}, INT64_MIN}) {
    auto done = ns.call<codec::GcReply>(codec::Method::gc, codec::GcRequest{true, grace});
    EXPECT_EQ(done.error().code(), Code::invalid_argument);
  }
  EXPECT_TRUE(ns.call<codec::GcReply>(codec::Method::gc, codec::GcRequest{true, INT64_MAX}));
}

TEST_F(Namespace, AFileWithANameInARemovedTreeCanBeWrittenBeforeTheSweep) {
  must({mkdir_op("/r"), mkdir_op("/r/s"), put_op("/f", "one")});
  must({codec::Link{{"/f", {}}, {"/r/s/f", {}}}});
  must({remove_op("/r")});
  must({put_op("/f", "three")});
  EXPECT_EQ(ns.stat("/")->totals.bytes, 5U);
  ASSERT_TRUE(ns.call<codec::GcReply>(codec::Method::gc, codec::GcRequest{true, 0}));
  EXPECT_EQ(ns.stat("/f")->links, 1U);
  must({put_op("/f", "four")});
  EXPECT_EQ(ns.read("/f").value(), "four");
}

TEST_F(Namespace, ASymlinkLeadsToTheSamePlaceFromWhereverAWalkBegins) {
  must({mkdir_op("/d"), put_op("/d/f", "in d"), put_op("/f", "in root"), symlink_op("/d/l", "/d/f"),
        symlink_op("/d/up", "../f")});
  must({snapshot_op("s", "/d")});
  EXPECT_EQ(ns.read("/d/l", "s").value(), "in d");
  EXPECT_EQ(ns.read("/d/up", "s").error().code(), Code::not_found);  // not kept
  codec::NodeId id = ns.stat("/d")->id;
  for (auto [name, path] : {std::pair("l", "/d/f"), std::pair("up", "/f")}) {
    codec::SetAttributes op;
    op.target = {name, id};
    op.follow = true;
    op.mode = 0600;
    EXPECT_EQ(must({op}).results[0].path, path);
  }
}

TEST_F(Namespace, PublishingThroughASymlinkThatLeadsUpMakesTheFile) {
  must({mkdir_op("/d"), symlink_op("/d/l", "../new")});
  EXPECT_EQ(must({put_op("/d/l", "x")}).results[0].path, "/new");
}

TEST_F(Namespace, APathThatLedThroughARemovedSymlinkLeadsNowhere) {
  must({mkdir_op("/d"), symlink_op("/l", "/d"), symlink_op("/m", "/l")});
  // By the id of its directory, so that no other path is resolved between.
  codec::Remove remove;
  remove.target = {"l", ns.stat("/")->id};
  EXPECT_EQ(refused({put_op("/l/x", "x"), remove, put_op("/l/y", "y")}), Code::not_found);
  EXPECT_EQ(refused({put_op("/m/x", "x"), remove, put_op("/m/y", "y")}), Code::not_found);
  must({put_op("/l/x", "x"), remove, mkdir_op("/l"), put_op("/l/y", "y")});
  EXPECT_EQ(names("/d"), Names{"x"});
  EXPECT_EQ(names("/l"), Names{"y"});
}

TEST_F(Namespace, UndeleteBringsBackASymlinkItself) {
  must({symlink_op("/l", "/missing")});
  must({remove_op("/l", true)});
  codec::Undelete op;
  op.target.path = "/l";
  must({op});
  EXPECT_EQ(ns.stat("/l")->target, "/missing");
}

}  // namespace
}  // namespace nokv::shard
