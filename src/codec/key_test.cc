#include "codec/key.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace nokv::codec {
namespace {

TEST(Key, IdsOrderByOriginThenHops) {
  std::vector<NodeId> ids = {{1, {}},         {1, {{2, 0}}},         {1, {{2, 1}}},
                             {1, {{3, 0}}},   {1, {{2, 0}, {9, 4}}}, {2, {}},
                             {256, {{1, 1}}}, {1ULL << 60, {{7, 7}}}};
  for (const NodeId& a : ids) {
    std::string ka;
    a.put_key(ka);
    std::string_view rest = ka;
    NodeId back;
    ASSERT_TRUE(back.take_key(rest) && rest.empty());
    EXPECT_EQ(back, a);
    EXPECT_EQ(NodeId::parse(a.text()).value(), a);
    for (const NodeId& b : ids) {
      std::string kb;
      b.put_key(kb);
      EXPECT_EQ(kb.starts_with(ka), a == b);
    }
  }
}

TEST(Key, ThePastOfANameLiesBetweenItAndTheNextName) {
  NodeId dir{5, {}};
  std::vector<std::string> keys;
  for (const char* name : {"a", "a\x01", "ab", "b"}) {
    for (uint64_t death : {1ULL, 256ULL, 1ULL << 40}) {
      keys.push_back(past_key(dentry_key(dir, name), death));
    }
  }
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  std::string key;
  uint64_t death = 0;
  ASSERT_TRUE(split_past_key(keys[4], key, death));
  EXPECT_EQ(key, dentry_key(dir, "a\x01"));
  EXPECT_EQ(death, 256U);
}

TEST(Key, PartsComeBack) {
  NodeId dir{5, {{8, 1}}};
  std::string key = dentry_key(dir, "name");
  DentryKey dentry;
  ASSERT_TRUE(split_dentry_key(key, dentry));
  EXPECT_EQ(dentry.directory, dir);
  EXPECT_EQ(dentry.name, "name");
  key = chunk_key(dir, 7, 9);
  ChunkKey chunk;
  ASSERT_TRUE(split_chunk_key(key, chunk));
  EXPECT_EQ(chunk.index, 9U);
  key = link_key(dir, {3, {}}, "n");
  LinkKey link;
  ASSERT_TRUE(split_link_key(key, link));
  EXPECT_EQ(link.parent.origin, 3U);
  EXPECT_FALSE(split_dentry_key(key, dentry));
}

TEST(NodeId, TextThatIsNoneIsRefused) {
  for (const char* text : {"", "0", "x", "1.", "1.2", "1.2:", "1.2:3x", "-1", "1:2"}) {
    EXPECT_FALSE(NodeId::parse(text)) << text;
  }
}

}  // namespace
}  // namespace nokv::codec
