// Damage to what is kept of clones, planted past the shard: fsck names it, and mends what it may.
#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using codec::Table;

class FsckCloneDamage : public CheckedNamespace {
 protected:
  // /c is a clone of /d, whose f was overwritten since; g and e/h are as they were.
  void SetUp() override {
    CheckedNamespace::SetUp();
    must({mkdir_op("/d"), put_op("/d/f", "then"), put_op("/d/g", "same"), mkdir_op("/d/e"),
          put_op("/d/e/h", "below")});
    must({clone_op("/d", "/c")});
    must({put_op("/d/f", "now")});
    expect_clean();
  }
  uint64_t clone() { return id_of("/c").hops.at(0).clone; }
  std::string life_key() { return codec::number_key(Table::clone_life, clone()); }
  codec::CloneRecord record() {
    std::string value = stored(codec::clone_key(clone()));
    std::string_view rest = value;
    uint64_t birth = 0;
    codec::CloneRecord out;
    EXPECT_TRUE(codec::take_birth(rest, birth) && codec::decode(rest, out));
    return out;
  }
  // The clone and all it keeps go.
  void expect_freed() {
    must({remove_op("/c")});
    gc();
    EXPECT_TRUE(keys(Table::clone_life).empty());
    EXPECT_TRUE(keys(Table::ending).empty());
    EXPECT_TRUE(keys(Table::grave).empty());
    EXPECT_TRUE(past_keys(Table::clone).empty());
    EXPECT_TRUE(keys(Table::pin).empty());
    expect_clean();
  }
};

TEST_F(FsckCloneDamage, WrongCountsOfWhatHoldsACloneAreMended) {
  alter_row<codec::CloneLife>(life_key(), [](auto& life) { life.live += 2; });
  auto problem = expect_found("clone_held");
  EXPECT_EQ(problem.id, std::to_string(clone()));
  EXPECT_EQ(problem.severity, "warning");  // it would only be kept for ever
  expect_mended();
  alter_row<codec::CloneLife>(life_key(), [](auto& life) { life.past += 1; });
  expect_found("clone_held");
  expect_mended();
  alter_row<codec::CloneLife>(life_key(), [](auto& life) { life.live = 0; });
  EXPECT_EQ(expect_found("clone_held").severity, "error");
  expect_mended();
  expect_freed();
}

TEST_F(FsckCloneDamage, ACloneThatNothingHoldsIsEndedByTheRepair) {
  must({remove_op("/c")});
  auto ending = keys(Table::ending);
  ASSERT_EQ(ending.size(), 1U);
  plant(ending[0], std::nullopt);
  EXPECT_EQ(expect_found("clone_unended").severity, "warning");
  expect_mended();
  EXPECT_EQ(keys(Table::ending), ending);
  gc();
  EXPECT_TRUE(keys(Table::clone_life).empty());
  expect_clean();
}

TEST_F(FsckCloneDamage, ACloneThatIsInUseIsNotListedToBeEnded) {
  plant(codec::number_key(Table::ending, clone()), "");
  EXPECT_EQ(expect_found("ending_row").id, std::to_string(clone()));
  expect_mended();
}

TEST_F(FsckCloneDamage, ACloneWithoutRecordIsFound) {
  plant(codec::clone_key(clone()), std::nullopt);
  auto reply = fsck();
  bool by_path = false;
  for (const auto& it : reply.problems) {
    by_path = by_path || (it.code == "clone_missing" && it.path == "/c" && it.severity == "error");
  }
  EXPECT_TRUE(by_path) << text(reply);
  EXPECT_EQ(expect_found("clone_missing").repair, "");
}

TEST_F(FsckCloneDamage, ACloneWithoutItsPinIsFound) {
  alter<codec::CloneRecord>(codec::clone_key(clone()), [](auto& it) { it.pin = 999; });
  EXPECT_EQ(expect_found("clone_pin").severity, "error");
}

TEST_F(FsckCloneDamage, ACloneWhosePinIsGoingIsFound) {
  must({snapshot_op("s", "/d")});
  codec::SnapshotRecord snapshot;
  ASSERT_TRUE(codec::decode(stored(codec::bytes_key(Table::snapshot, "s")), snapshot));
  must({codec::SnapshotRemove{"s"}});
  alter<codec::CloneRecord>(codec::clone_key(clone()), [&](auto& it) { it.pin = snapshot.pin; });
  auto problem = expect_found("clone_pin");
  EXPECT_EQ(problem.path, "/d");
  EXPECT_NE(problem.detail.find("going"), std::string::npos) << problem.detail;
}

TEST_F(FsckCloneDamage, ACloneThatShowsAnotherVersionThanItsPinKeepsIsFound) {
  alter<codec::CloneRecord>(codec::clone_key(clone()), [](auto& it) { it.version -= 1; });
  expect_found("clone_pin");
}

TEST_F(FsckCloneDamage, ACloneOfWhichNothingIsCountedIsFound) {
  plant(life_key(), std::nullopt);
  EXPECT_EQ(expect_found("clone_life").severity, "error");
}

TEST_F(FsckCloneDamage, AClonesPinThatNoCloneNamesIsReleased) {
  must({clone_op("/d", "/lost")});
  auto id = id_of("/lost");
  uint64_t lost = id.hops.at(0).clone;
  for (const auto& key : {codec::clone_key(lost), codec::number_key(Table::clone_life, lost),
                          codec::node_key(id), codec::dentry_key(codec::root_id(), "lost")}) {
    plant(key, std::nullopt);
  }
  EXPECT_EQ(expect_found("pin_unnamed").path, "/d");
  expect_mended();
  gc();
  EXPECT_EQ(keys(Table::pin).size(), 1U);
  expect_freed();
}

TEST_F(FsckCloneDamage, AWhiteoutThatNoSweepWouldFindIsListed) {
  must({remove_op("/c/e")});
  auto graves = keys(Table::grave);
  ASSERT_EQ(graves.size(), 1U);
  plant(graves[0], std::nullopt);
  EXPECT_EQ(expect_found("whiteout_unlisted").severity, "warning");
  expect_mended();
  EXPECT_EQ(keys(Table::grave), graves);
  expect_freed();
}

TEST_F(FsckCloneDamage, AListedWhiteoutThatIsNoneIsTakenOffTheList) {
  must({put_op("/c/e/new", "1")});
  plant(codec::grave_key(clone(), id_of("/c/e")), "");
  plant(codec::grave_key(clone(), codec::NodeId{99, {}}), "");
  EXPECT_EQ(expect_found("whiteout_row").severity, "warning");
  expect_mended();
  expect_freed();
}

TEST_F(FsckCloneDamage, WhatWasChangedInACloneGetsItsEntryBack) {
  must({put_op("/c/e/new", "1")});
  auto entry = codec::dentry_key(id_of("/c"), "e");
  EXPECT_FALSE(stored(entry).empty());
  plant(entry, std::nullopt);
  auto problem = expect_found("own_entry");
  EXPECT_EQ(problem.path, "/c/e");
  codec::FsckRequest repair;
  repair.repair = true;
  fsck(repair);     // the sums, as they are without what the entry shows
  expect_mended();  // and with it
  EXPECT_EQ(ns.list("/c/e")->size(), 2U);
  expect_freed();
}

TEST_F(FsckCloneDamage, ADirectoryOfACloneThatLostItsRecordIsFound) {
  must({put_op("/c/e/new", "1")});
  plant(codec::node_key(id_of("/c/e")), std::nullopt);
  EXPECT_EQ(expect_found("entries_without_directory").id, id_of("/c/e").text());
}

TEST_F(FsckCloneDamage, SumsOfADirectoryOfACloneAreMended) {
  must({put_op("/c/e/new", "1"), remove_op("/c/g")});
  expect_clean();
  alter<codec::NodeRecord>(codec::node_key(id_of("/c/e")), [](auto& node) {
    node.directory->entries += 1;
    node.directory->totals.bytes -= 1;
  });
  EXPECT_EQ(expect_found("totals").path, "/c/e");
  EXPECT_EQ(expect_found("entry_count").path, "/c/e");
  expect_mended();
  EXPECT_EQ(ns.stat("/c")->totals.bytes, 10U);
}

TEST_F(FsckCloneDamage, AWhiteoutThatHidesNothingIsFound) {
  must({put_op("/c/e/new", "1")});
  plant(codec::dentry_key(id_of("/c/e"), "no"), codec::versioned_value(3, codec::Dentry()));
  EXPECT_EQ(expect_found("stray_whiteout").path, "/c/e/no");
}

TEST_F(FsckCloneDamage, WhatTheSourceLostIsFoundAtThePinOnceForAllItsClones) {
  must({clone_op("/d", "/c2")});
  must({clone_op("/d", "/c3")});
  must({put_op("/d/e/h", "other")});
  expect_clean();
  std::string past;
  for (const auto& key : past_keys(Table::dentry)) {
    std::string live;
    uint64_t death = 0;
    ASSERT_TRUE(codec::split_past_key(key, live, death));
    if (live == codec::dentry_key(id_of("/d/e"), "h")) past = key;
  }
  ASSERT_FALSE(past.empty());
  for (const auto& row : keys(Table::filed)) {
    if (row.ends_with(past)) plant(row, std::nullopt);
  }
  plant(past, std::nullopt);
  auto reply = fsck();
  size_t found = 0;
  for (const auto& it : reply.problems) found += it.code == "entry_count" && it.path == "/d/e";
  EXPECT_EQ(found, 1U) << text(reply);
}

TEST_F(FsckCloneDamage, LinksOfAFileInACloneAreMended) {
  must({link_op("/c/f", "/c/e/l")});
  auto file = id_of("/c/f");
  plant(codec::link_key(file, id_of("/c/e"), "l"), std::nullopt);
  EXPECT_EQ(expect_found("link_row").path, "/c/e/l");
  expect_mended();
  alter<codec::NodeRecord>(codec::node_key(file), [](auto& node) { node.links = 7; });
  EXPECT_EQ(expect_found("link_count").path.substr(0, 2), "/c");
  expect_mended();
  plant(codec::link_key(file, id_of("/c"), "no"), codec::versioned_value(3, codec::LinkRecord()));
  EXPECT_EQ(expect_found("link_row").path, "/c/no");
  expect_mended();
  EXPECT_EQ(ns.stat("/c/f")->links, 2U);
}

TEST_F(FsckCloneDamage, AMovedRecordInACloneThatLiesIsRemoved) {
  must({rename_op("/c/f", "/c/moved")});
  alter<codec::MovedRecord>(codec::moved_key(id_of("/c/moved")),
                            [](auto& moved) { moved.name = "x"; });
  EXPECT_EQ(expect_found("moved").path, "/c/x");
  expect_mended();
}

TEST_F(FsckCloneDamage, ChunksInACloneThatNoBodyMentionsAreSwept) {
  must({put_op("/c/f", std::string(16'000, 'x'))});
  must({append_op("/c/f", std::string(1000, 'y'))});
  auto chunks = keys(Table::chunk);
  expect_clean();
  plant(codec::chunk_key(id_of("/c/g"), 4, 0), codec::versioned_value(3, codec::ChunkRecord()));
  EXPECT_EQ(expect_found("lost_chunks").id, id_of("/c/g").text());
  expect_mended();
  gc();
  EXPECT_EQ(keys(Table::chunk), chunks);
  expect_freed();
}

TEST_F(FsckCloneDamage, TheRecordOfACloneIsFiledUnderNoPin) {
  must({snapshot_op("s", "/c")});
  must({remove_op("/c")});
  gc();
  auto past = past_keys(Table::clone);
  ASSERT_EQ(past.size(), 1U);
  expect_clean();
  uint64_t pin = 0;
  ASSERT_TRUE(codec::split_number_key(keys(Table::pin).back(), pin));
  plant(codec::filed_key(pin, past[0]), "");
  EXPECT_EQ(expect_found("filed_stray").severity, "warning");
  expect_mended();
  EXPECT_EQ(ns.read("/c/f", "s").value(), "then");
}

TEST_F(FsckCloneDamage, AFilesPastUnderAPinThatDoesNotNeedItIsFiledWhereItIsNeeded) {
  std::string bytes(16'500, 'x');
  must({put_op("/d/f", bytes.substr(0, 16'000))});
  must({append_op("/d/f", bytes.substr(16'000))});
  must({snapshot_op("other", "/c")});
  must({snapshot_op("s", "/d")});
  must({append_op("/d/f", "67890")});
  expect_clean();
  std::string past = past_keys(Table::chunk).at(0);
  uint64_t other = 0;
  codec::SnapshotRecord record;
  ASSERT_TRUE(codec::decode(stored(codec::bytes_key(Table::snapshot, "other")), record));
  other = record.pin;
  for (const auto& row : keys(Table::filed)) {
    if (row.ends_with(past)) plant(row, std::nullopt);
  }
  plant(codec::filed_key(other, past), "");
  EXPECT_EQ(expect_found("filed_elsewhere").severity, "warning");
  expect_mended();
  must({codec::SnapshotRemove{"other"}});
  gc();
  EXPECT_EQ(ns.read("/d/f", "s").value(), bytes);
}

TEST_F(FsckCloneDamage, APartOfACloneIsCheckedWithWhatItInherits) {
  alter_row<codec::InlineRecord>(codec::number_key(Table::inline_blob, blob_of("/c/e/h")),
                                 [](auto& it) { it.bytes[0] ^= 1; });
  codec::FsckRequest part;
  part.target.path = "/c";
  EXPECT_EQ(expect_found("inline_checksum", part).path, "/c/e/h");
}

}  // namespace
}  // namespace nokv::shard
