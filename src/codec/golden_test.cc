// The bytes of keys and messages, as they are and stay. When a test here fails because a field was
// added, keep the old file among kRead and add one for the next version; docs/formats/message.md.
#include "codec/testing/golden.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "codec/key.h"
#include "codec/redo.h"
#include "codec/rpc.h"
#include "codec/testing/fields.h"
#include "codec/testing/message_kinds.h"

namespace nokv::codec {
namespace {

// Compares with the golden file, and leaves what the code writes now beside the test's other files.
void expect_golden(const std::string& name, const GoldenParts& now) {
  if (golden_parts(name) == now) return;
  std::string path = testing::TempDir() + name;
  std::ofstream(path) << golden_text(now);
  GoldenParts before = golden_parts(name);
  for (size_t i = 0; i < std::max(before.size(), now.size()); ++i) {
    if (i < before.size() && i < now.size() && before[i] == now[i]) continue;
    std::string was =
        i < before.size() ? before[i].first + ": " + to_hex(before[i].second) : "none";
    std::string is = i < now.size() ? now[i].first + ": " + to_hex(now[i].second) : "none";
    ADD_FAILURE() << name << " differs\n  was " << was << "\n  is  " << is << "\n  all: " << path;
    return;
  }
}

void expect_messages(const std::string& file, MessageGroup group) {
  std::vector<MessageKind> kinds = message_kinds(group);
  GoldenParts examples;
  for (const MessageKind& kind : kinds) examples.emplace_back(kind.name, kind.example.bytes);
  expect_golden(file, examples);
  // Each part is read as the struct it is named for; what was read is written as it was.
  for (const auto& [name, bytes] : golden_parts(file)) {
    auto kind = std::ranges::find_if(kinds, [&](const MessageKind& it) { return name == it.name; });
    ASSERT_NE(kind, kinds.end()) << name << " in " << file << " is no struct's";
    auto message = kind->read(bytes);
    ASSERT_TRUE(message) << name;
    EXPECT_EQ(to_hex(message->bytes), to_hex(bytes)) << name;
  }
}

TEST(Golden, RecordsAreWrittenAndReadAsEver) {
  expect_messages("records.v1.hex", MessageGroup::record);
}

TEST(Golden, RedoRecordsAreWrittenAndReadAsEver) {
  expect_messages("redo.v1.hex", MessageGroup::redo);
}

TEST(Golden, OperationsAreWrittenAndReadAsEver) {
  expect_messages("operations.v1.hex", MessageGroup::operation);
}

TEST(Golden, RequestsAndAnswersAreWrittenAndReadAsEver) {
  expect_messages("rpc.v1.hex", MessageGroup::rpc);
}

TEST(Golden, BackupsAreWrittenAndReadAsEver) {
  expect_messages("backup.v1.hex", MessageGroup::backup);
}

// ---- the examples of the format pages

// A file /runs/a.txt of 5 bytes, published at version 9.
Dentry example_dentry() {
  Inode inode{.kind = Kind::file};
  inode.attributes = {.mode = 0644, .uid = 1000, .gid = 1000};
  inode.attributes.mtime_ns = inode.attributes.ctime_ns = inode.attributes.btime_ns = 1'000'000'000;
  inode.body = {.size = 5, .generation = 9, .base_size = 5, .blob = 12, .is_inline = true};
  inode.body.content_type = "text/plain";
  return {.child = {11, {}}, .kind = Kind::file, .inode = inode};
}

TEST(Golden, ADentryIsWrittenAndReadAsEver) {
  std::string value = versioned_value(9, example_dentry());
  EXPECT_EQ(to_hex(value), to_hex(golden("dentry.v1.hex")));
  std::string bytes = golden("dentry.v1.hex");
  std::string_view rest = bytes;
  uint64_t birth = 0;
  Dentry dentry;
  ASSERT_TRUE(take_birth(rest, birth) && decode(rest, dentry));
  EXPECT_EQ(birth, 9U);
  EXPECT_EQ(dentry, example_dentry());
}

// The group of one record that makes the directory /a in an empty namespace.
RedoGroup example_group() {
  RedoRecord record{.time_ns = 1'000'000'000, .next_id = 3, .principal = "uid:1000"};
  record.changes.push_back(
      {.key = dentry_key(root_id(), "a"), .value = encoded(Dentry{{2, {}}, Kind::directory, {}})});
  Directory made{.parent = root_id(), .name = "a", .since = 2};
  made.attributes.mode = 0755;
  record.changes.push_back({.key = node_key({2, {}}), .value = encoded(NodeRecord{made, {}, 0})});
  record.events.push_back(
      {.kind = EventKind::created, .path = "/a", .id = {2, {}}, .node_kind = Kind::directory});
  Directory root{.entries = 1, .totals = {.directories = 1, .newest = 2}};
  root.attributes.mode = 0755;
  RedoGroup group{.first = 2, .records = {record}, .directories = {}};
  group.directories.push_back(
      {.key = node_key(root_id()), .value = encoded(NodeRecord{root, {}, 0}), .old_birth = 1});
  return group;
}

TEST(Golden, AGroupThatMakesADirectoryIsWrittenAndReadAsEver) {
  EXPECT_EQ(to_hex(encoded(example_group())), to_hex(golden("redo_group.v1.hex")));
  RedoGroup group;
  ASSERT_TRUE(decode(golden("redo_group.v1.hex"), group));
  EXPECT_EQ(printed(group), printed(example_group()));
}

CommitRequest example_commit() {
  CommitRequest commit{.sequence = 1, .open_session = true};
  for (size_t i = 0; i < commit.session.size(); ++i) commit.session[i] = static_cast<uint8_t>(i);
  Publish publish{.target = {"/a.txt", {}}, .exists = Exists::create, .mode = 0644};
  publish.body = {.size = 5, .bytes = "hello", .block_crcs = {0x9a71bb4c}};
  commit.operations.push_back({publish});
  return commit;
}

TEST(Golden, ACommitThatPublishesIsWrittenAndReadAsEver) {
  EXPECT_EQ(to_hex(encoded(example_commit())), to_hex(golden("commit.v1.hex")));
  CommitRequest commit;
  ASSERT_TRUE(decode(golden("commit.v1.hex"), commit));
  EXPECT_EQ(printed(commit), printed(example_commit()));
}

TEST(Golden, KeysAreWrittenAsEver) {
  NodeId plain{5, {}};
  NodeId cloned{5, {{7, 1}}};
  std::string session = "0123456789abcdef";
  std::string dentry = dentry_key(plain, "name");
  expect_golden(
      "keys.v1.hex",
      {{"dentry 5 'name'", dentry},
       {"dentry 5.7:1 'name'", dentry_key(cloned, "name")},
       {"node 5", node_key(plain)},
       {"node 5.7:1", node_key(cloned)},
       {"link of 5 in 5.7:1 'name'", link_key(plain, cloned, "name")},
       {"moved 5", moved_key(plain)},
       {"chunk 2 of body 3 of file 5", chunk_key(plain, 3, 2)},
       {"clone 7", clone_key(7)},
       {"root", table_key(Table::root)},
       {"blob 258", number_key(Table::blob, 258)},
       {"inline blob 258", number_key(Table::inline_blob, 258)},
       {"pin 9", number_key(Table::pin, 9)},
       {"filed on pin 9, dentry 5 'name' that died at 300", filed_key(9, past_key(dentry, 300))},
       {"snapshot 'before'", bytes_key(Table::snapshot, "before")},
       {"session", bytes_key(Table::session, session)},
       {"request 6 of the session", request_key(session, 6)},
       {"upload 10", number_key(Table::upload, 10)},
       {"detached 5, body 3", detached_key(plain, 3)},
       {"dead since 1,000 ns, blob 258", dead_key(1000, 258)},
       {"whiteout in clone 7 of node 5.7:1", grave_key(7, cloned)},
       {"space", table_key(Table::space)},
       {"life of clone 7", number_key(Table::clone_life, 7)},
       {"clone 7, ending", number_key(Table::ending, 7)},
       {"'name' of 5, changed at 300", changed_key(plain, 300, "name")},
       {"quota of 5.7:1", node_table_key(Table::quota, cloned)},
       {"shortcut in clone 7 to dentry 5.7:1 'name'", shortcut_key(7, dentry_key(cloned, "name"))},
       {"clone 7, to be flattened", number_key(Table::flattening, 7)},
       {"state", table_key(Table::state)},
       {"past of dentry 5 'name' that died at 300", past_key(dentry, 300)}});
}

TEST(Golden, NodeIdsInValuesAreWrittenAsEver) {
  std::string plain;
  NodeId{300, {}}.put_bytes(plain);
  std::string cloned;
  NodeId{300, {{7, 1}, {8, 0}}}.put_bytes(cloned);
  expect_golden("node_id.v1.hex", {{"300", plain}, {"300.7:1.8:0", cloned}});
}

}  // namespace
}  // namespace nokv::codec
