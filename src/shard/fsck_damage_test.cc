// Each kind of damage to the records, planted past the shard: fsck names it, and mends what it may.
#include "codec/crc32c.h"
#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using codec::Table;

class FsckDamage : public CheckedNamespace {};

codec::NodeId root() { return codec::root_id(); }

// ---- the tree

TEST_F(FsckDamage, WrongTotalsAreFoundAndMended) {
  must({mkdir_op("/d"), mkdir_op("/d/e"), put_op("/d/e/f", "12345")});
  alter<codec::NodeRecord>(codec::node_key(id_of("/d")), [](auto& node) {
    node.directory->totals.bytes += 7;
    node.directory->totals.files -= 1;
  });
  auto problem = expect_found("totals");
  EXPECT_EQ(problem.path, "/d");  // and nothing above it: those are right
  EXPECT_EQ(problem.severity, "error");
  EXPECT_EQ(fsck().problem_count, 1U);
  expect_mended();
  EXPECT_EQ(ns.stat("/d")->totals.bytes, 5U);
}

TEST_F(FsckDamage, AWrongEntryCountIsFoundAndMended) {
  must({mkdir_op("/d"), put_op("/d/f", "1")});
  alter<codec::NodeRecord>(codec::node_key(id_of("/d")),
                           [](auto& node) { node.directory->entries = 5; });
  EXPECT_EQ(expect_found("entry_count").path, "/d");
  expect_mended();
  EXPECT_EQ(ns.stat("/d")->entries, 1U);
}

TEST_F(FsckDamage, ADirectoryThatSaysItIsElsewhereIsFoundAndMended) {
  must({mkdir_op("/d"), put_op("/d/f", "1")});
  alter<codec::NodeRecord>(codec::node_key(id_of("/d")),
                           [](auto& node) { node.directory->name = "x"; });
  EXPECT_EQ(expect_found("back_pointer").path, "/d");
  expect_found("lost_directory");
  codec::FsckRequest repair;
  repair.repair = true;
  fsck(repair);
  expect_clean();
}

TEST_F(FsckDamage, ADirectoryWithoutRecordIsFound) {
  must({mkdir_op("/d"), put_op("/d/f", "1")});
  plant(codec::node_key(id_of("/d")), std::nullopt);
  EXPECT_EQ(expect_found("missing_node").path, "/d");
  expect_found("entries_without_directory");
}

TEST_F(FsckDamage, ADirectoryThatNothingNamesIsFound) {
  must({mkdir_op("/d"), mkdir_op("/d/e"), put_op("/d/e/f", "1")});
  plant(codec::dentry_key(id_of("/d"), "e"), std::nullopt);
  auto problem = expect_found("lost_directory");
  EXPECT_EQ(problem.path, "/d/e");
  EXPECT_TRUE(problem.repair.empty());
}

TEST_F(FsckDamage, ARingOfDirectoriesIsFound) {
  must({mkdir_op("/a"), mkdir_op("/a/b")});
  auto a = id_of("/a");
  auto b = id_of("/a/b");
  plant(codec::dentry_key(root(), "a"), std::nullopt);
  plant(codec::dentry_key(b, "a"),
        codec::versioned_value(2, codec::Dentry{a, codec::Kind::directory, {}}));
  alter<codec::NodeRecord>(codec::node_key(a), [&](auto& node) { node.directory->parent = b; });
  expect_found("directory_ring");
}

TEST_F(FsckDamage, ATreeThatIsMarkedToBeSweptIsSpared) {
  must({mkdir_op("/d"), put_op("/d/f", "1")});
  plant(codec::detached_key(id_of("/d"), 0), "");
  EXPECT_EQ(expect_found("detached_in_tree").path, "/d");
  expect_mended();
  EXPECT_EQ(ns.read("/d/f").value(), "1");
}

TEST_F(FsckDamage, AnEntryThatCannotBeReadIsFoundAndTheOthersAreStillChecked) {
  must({mkdir_op("/d"), put_op("/d/f", "1"), mkdir_op("/d/g")});
  plant(codec::dentry_key(id_of("/d"), "f"), std::string("\x05\xff\xff\xff", 4));
  EXPECT_EQ(expect_found("undecodable").path, "/d/f");
  alter<codec::NodeRecord>(codec::node_key(id_of("/d/g")),
                           [](auto& node) { node.directory->entries = 3; });
  EXPECT_EQ(expect_found("entry_count").path, "/d/g");
}

TEST_F(FsckDamage, AnIdThatWasNotGivenYetIsSkipped) {
  must({mkdir_op("/d")});
  codec::NodeId id{1000, {}};
  codec::Inode inode{.kind = codec::Kind::fifo};
  plant(codec::dentry_key(id_of("/d"), "f"),
        codec::versioned_value(2, codec::Dentry{id, codec::Kind::fifo, inode}));
  EXPECT_EQ(expect_found("bad_id").path, "/d/f");
  codec::FsckRequest repair;
  repair.repair = true;
  fsck(repair);
  expect_clean();
  must({mkdir_op("/after")});
  EXPECT_GT(id_of("/after").origin, 1000U);
}

TEST_F(FsckDamage, IdsThatAreReservedAndNotTakenOffTheOthersAreSkipped) {
  codec::SessionId session{7};
  codec::SessionRecord record{.opened_ns = 1, .principal = "test", .ids = {{900, 1000}}};
  plant(codec::bytes_key(codec::Table::session, codec::session_bytes(session)),
        codec::encoded(record));
  expect_found("bad_id");
  expect_mended();
  must({mkdir_op("/after")});
  EXPECT_GE(id_of("/after").origin, 1000U);
}

// ---- links

TEST_F(FsckDamage, AMissingLinkRowIsMended) {
  must({put_op("/f", "1"), mkdir_op("/d"), link_op("/f", "/d/g")});
  plant(codec::link_key(id_of("/f"), id_of("/d"), "g"), std::nullopt);
  EXPECT_EQ(expect_found("link_row").path, "/d/g");
  expect_found("link_count");
  expect_mended();
  EXPECT_EQ(ns.stat("/f")->links, 2U);
}

TEST_F(FsckDamage, ALinkRowWithoutANameIsRemoved) {
  must({put_op("/f", "1"), mkdir_op("/d"), link_op("/f", "/d/g")});
  plant(codec::link_key(id_of("/f"), id_of("/d"), "no"),
        codec::versioned_value(3, codec::LinkRecord()));
  EXPECT_EQ(expect_found("link_row").path, "/d/no");
  expect_mended();
}

TEST_F(FsckDamage, AWrongNumberOfLinksIsMended) {
  must({put_op("/f", "1"), link_op("/f", "/g")});
  alter<codec::NodeRecord>(codec::node_key(id_of("/f")), [](auto& node) { node.links = 9; });
  expect_found("link_count");
  expect_mended();
}

TEST_F(FsckDamage, AMovedRecordThatLiesIsRemoved) {
  must({put_op("/f", "1"), rename_op("/f", "/g")});
  alter<codec::MovedRecord>(codec::moved_key(id_of("/g")), [](auto& moved) { moved.name = "x"; });
  EXPECT_EQ(expect_found("moved").severity, "warning");
  expect_mended();
}

// ---- bodies

TEST_F(FsckDamage, ChunksThatNoBodyMentionsAreSwept) {
  must({put_op("/f", std::string(17'000, 'x').substr(0, 16'000))});
  must({append_op("/f", std::string(1000, 'y'))});
  expect_clean();
  codec::NodeId other{id_of("/f").origin, {}};
  auto chunks = keys(Table::chunk);
  ASSERT_EQ(chunks.size(), 1U);
  plant(codec::chunk_key(other, 4, 0), codec::versioned_value(3, codec::ChunkRecord()));
  EXPECT_EQ(expect_found("lost_chunks").severity, "warning");
  expect_mended();
  gc();
  EXPECT_EQ(keys(Table::chunk), chunks);
  expect_clean();
}

TEST_F(FsckDamage, ABodyThatIsLongerThanItsFileIsFound) {
  must({put_op("/f", "12345")});
  alter<codec::Dentry>(codec::dentry_key(root(), "f"),
                       [](auto& dentry) { dentry.inode->body.size = 3; });
  EXPECT_EQ(expect_found("body").path, "/f");
}

TEST_F(FsckDamage, WrongReferencesAreMendedBothWays) {
  must({put_op("/f", "12345")});
  put_big("/big", std::string(20'000, 'b'));
  for (uint64_t says : {0U, 7U}) {
    alter_row<codec::InlineRecord>(codec::number_key(Table::inline_blob, blob_of("/f")),
                                   [&](auto& it) { it.references = says; });
    auto problem = expect_found("references");
    EXPECT_EQ(problem.path, "/f");
    EXPECT_EQ(problem.severity, says == 0 ? "error" : "warning");
    expect_mended();
    alter_row<codec::BlobRecord>(codec::number_key(Table::blob, blob_of("/big")),
                                 [&](auto& it) { it.references = says; });
    EXPECT_EQ(expect_found("references").path, "/big");
    expect_mended();
  }
  EXPECT_EQ(ns.read("/f").value(), "12345");
}

TEST_F(FsckDamage, ABlobThatNothingMentionsIsCollectedAfterTheRepair) {
  put_big("/big", std::string(20'000, 'b'));
  uint64_t blob = blob_of("/big");
  codec::BlobRecord record;
  ASSERT_TRUE(codec::decode(stored(codec::number_key(Table::blob, blob)), record));
  for (uint64_t says : {0U, 1U}) {  // it need not even claim a mention
    record.references = says;
    plant(codec::number_key(Table::blob, 2), codec::encoded(record));
    put_object(codec::blob_object_name(2, 0), std::string(20'000, 'b'));
    EXPECT_EQ(expect_found("references").id, "2");
    expect_mended();
    gc();
    EXPECT_FALSE(ns.store().has(codec::blob_object_name(2, 0)));
  }
  EXPECT_TRUE(ns.store().has(codec::blob_object_name(blob, 0)));
  expect_clean();
}

TEST_F(FsckDamage, AMissingBodyIsFoundWithItsPath) {
  must({mkdir_op("/d"), put_op("/d/f", "12345")});
  plant(codec::number_key(Table::inline_blob, blob_of("/d/f")), std::nullopt);
  auto problem = expect_found("missing_blob");
  EXPECT_EQ(problem.path, "/d/f");
  EXPECT_TRUE(problem.repair.empty());
}

TEST_F(FsckDamage, AFlippedBitInAnInlineBodyIsFound) {
  must({mkdir_op("/d"), put_op("/d/f", "12345")});
  alter_row<codec::InlineRecord>(codec::number_key(Table::inline_blob, blob_of("/d/f")),
                                 [](auto& it) { it.bytes[2] ^= 1; });
  EXPECT_EQ(expect_found("inline_checksum").path, "/d/f");
  codec::FsckRequest part;
  part.target.path = "/d/f";
  EXPECT_EQ(expect_found("inline_checksum", part).path, "/d/f");
}

TEST_F(FsckDamage, ABlobOfAnotherSizeThanItsBodyIsFound) {
  must({put_op("/f", "12345")});
  alter_row<codec::InlineRecord>(codec::number_key(Table::inline_blob, blob_of("/f")),
                                 [](auto& it) {
                                   it.bytes = "123";
                                   it.crc = crc32c(it.bytes);
                                 });
  EXPECT_EQ(expect_found("blob_size").path, "/f");
}

TEST_F(FsckDamage, ADeadBlobThatIsMentionedIsFoundAndNotRevived) {
  put_big("/big", std::string(20'000, 'b'));
  alter_row<codec::BlobRecord>(codec::number_key(Table::blob, blob_of("/big")), [](auto& it) {
    it.state = codec::BlobState::dead;
    it.references = 0;
  });
  EXPECT_EQ(expect_found("dead_blob_mentioned").path, "/big");
}

TEST_F(FsckDamage, TheListOfTheDeadIsMended) {
  put_big("/big", std::string(20'000, 'b'));
  must({remove_op("/big")});
  auto rows = keys(Table::dead);
  ASSERT_EQ(rows.size(), 1U);
  plant(rows[0], std::nullopt);
  plant(codec::dead_key(5, 3), "");
  expect_found("dead_unlisted");
  expect_found("dead_row");
  expect_mended();
  EXPECT_EQ(keys(Table::dead), rows);
}

TEST_F(FsckDamage, AnUploadThatCountsWrongIsFound) {
  codec::OpenUpload open;
  open.blobs = 2;
  uint64_t upload = must({open}).results.at(0).upload;
  alter_row<codec::UploadRecord>(codec::number_key(Table::upload, upload),
                                 [](auto& it) { it.published = 1; });
  EXPECT_EQ(expect_found("upload").id, std::to_string(upload));
}

// ---- pins and the past

TEST_F(FsckDamage, APastRecordThatNoPinHoldsIsFiledAgainOrFreed) {
  must({mkdir_op("/d"), put_op("/d/f", "old")});
  must({snapshot_op("s", "/d")});
  must({put_op("/d/f", "new")});
  auto rows = keys(Table::filed);
  ASSERT_FALSE(rows.empty());
  plant(rows[0], std::nullopt);
  EXPECT_EQ(expect_found("past_unfiled").severity, "warning");
  expect_mended();
  EXPECT_EQ(keys(Table::filed), rows);
  // One that no pin needs: its body goes with it.
  uint64_t blob = must({put_op("/x", "x")}).version;
  (void)blob;
  auto entry = ns.stat("/x");
  codec::Dentry past{entry->id, codec::Kind::file, codec::Inode{.kind = codec::Kind::file}};
  plant(codec::past_key(codec::dentry_key(root(), "x"), 2), codec::versioned_value(1, past));
  expect_found("past_unfiled");
  expect_mended();
  EXPECT_EQ(keys(Table::filed), rows);
}

TEST_F(FsckDamage, FiledRowsWithoutTheirRecordOrPinAreRemoved) {
  must({put_op("/f", "old")});
  must({snapshot_op("s", "/")});
  must({put_op("/f", "new")});
  std::string past = past_keys(Table::dentry).at(0);
  plant(codec::filed_key(777, past), "");
  plant(codec::filed_key(keys(Table::pin).size(),
                         codec::past_key(codec::dentry_key(root(), "no"), 3)),
        "");
  EXPECT_EQ(expect_found("filed_stray").severity, "warning");
  expect_mended();
}

TEST_F(FsckDamage, ARecordFiledUnderTwoPinsIsFound) {
  must({put_op("/f", "old")});
  must({snapshot_op("s", "/")});
  must({snapshot_op("t", "/")});
  must({put_op("/f", "new")});
  auto rows = keys(Table::filed);
  auto pins = keys(Table::pin);
  ASSERT_EQ(pins.size(), 2U);
  uint64_t older = 0;
  ASSERT_TRUE(codec::split_number_key(pins[0], older));
  plant(codec::filed_key(older, past_keys(Table::dentry).at(0)), "");
  EXPECT_EQ(expect_found("filed_twice").severity, "error");
  expect_mended();
  EXPECT_EQ(keys(Table::filed), rows);
}

TEST_F(FsckDamage, ASnapshotsPinWithoutANameGetsOne) {
  must({put_op("/f", "old")});
  must({snapshot_op("s", "/")});
  must({put_op("/f", "new")});
  plant(codec::bytes_key(Table::snapshot, "s"), std::nullopt);
  uint64_t pin = 0;
  ASSERT_TRUE(codec::split_number_key(keys(Table::pin).at(0), pin));
  EXPECT_EQ(expect_found("pin_unnamed").id, std::to_string(pin));
  expect_mended();
  EXPECT_EQ(ns.read("/f", str("recovered-", pin)).value(), "old");
}

TEST_F(FsckDamage, ASnapshotWithoutItsPinIsFound) {
  must({put_op("/f", "old")});
  must({snapshot_op("s", "/")});
  alter_row<codec::SnapshotRecord>(codec::bytes_key(Table::snapshot, "s"),
                                   [](auto& it) { it.pin = 999; });
  EXPECT_EQ(expect_found("snapshot").id, "s");
}

TEST_F(FsckDamage, WhatASnapshotLostIsFoundThere) {
  must({mkdir_op("/d"), mkdir_op("/d/e"), put_op("/d/e/f", "old")});
  must({snapshot_op("s", "/d")});
  must({put_op("/d/e/f", "new")});
  expect_clean();
  std::string past = past_keys(Table::dentry).at(0);
  for (const auto& row : keys(Table::filed)) {
    if (row.ends_with(past)) plant(row, std::nullopt);
  }
  plant(past, std::nullopt);
  auto problem = expect_found("entry_count");
  EXPECT_EQ(problem.path, "/d/e");
  EXPECT_TRUE(problem.detail.starts_with("at v")) << problem.detail;
}

// ---- the rest

TEST_F(FsckDamage, ARequestOfNoSessionIsForgotten) {
  codec::RequestRecord record{1, 0, 1, codec::encoded(codec::CommitReply())};
  plant(codec::request_key(std::string(16, 's'), 1), codec::encoded(record));
  EXPECT_EQ(expect_found("request").severity, "warning");
  expect_mended();
}

TEST_F(FsckDamage, OnlyWhatLiesBelowThePathIsChecked) {
  must({mkdir_op("/a"), put_op("/a/f", "1"), mkdir_op("/b"), put_op("/b/f", "2")});
  for (const char* path : {"/a", "/b"}) {
    alter<codec::NodeRecord>(codec::node_key(id_of(path)),
                             [](auto& node) { node.directory->totals.files = 9; });
  }
  codec::FsckRequest part;
  part.target.path = "/a/";
  auto reply = fsck(part);
  ASSERT_EQ(reply.problem_count, 1U) << text(reply);
  EXPECT_EQ(reply.problems[0].path, "/a");
  part.target.path = "/missing";
  auto missing = ns.call<codec::FsckReply>(codec::Method::fsck, part);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::not_found);
}

TEST_F(FsckDamage, ManyProblemsAreCountedExactlyAndListedUpToALimit) {
  constexpr size_t kRows = 10'050;
  auto batch = ns.engine().batch();
  for (size_t i = 0; i < kRows; ++i) batch->put(codec::dead_key(5, i), "");
  ASSERT_TRUE(ns.engine().write(*batch));
  must({mkdir_op("/look")});
  auto reply = fsck();
  EXPECT_EQ(reply.problem_count, kRows);
  EXPECT_EQ(reply.problems.size(), 10'000U);
}

}  // namespace
}  // namespace nokv::shard
