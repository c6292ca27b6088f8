#include "codec/key.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/sim/sim_random.h"
#include "codec/testing/fields.h"

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

// ---- order, on random keys

// A few ids that lie close together, so that pairs of them differ in one place only.
NodeId close_id(Random& random) {
  static constexpr uint64_t kNumbers[] = {1, 2, 255, 256, UINT64_MAX};
  NodeId id{kNumbers[random.below(5)], {}};
  id.hops.resize(random.below(3));
  for (Hop& hop : id.hops)
    hop = {kNumbers[random.below(5)], static_cast<uint32_t>(random.below(2))};
  return id;
}

// Names made of the bytes that stand next to the separator and to the end of the range.
std::string close_name(Random& random) {
  static constexpr char kBytes[] = {'\x01', '\x02', 'a', '\xfe', '\xff'};
  std::string name(1 + random.below(3), ' ');
  for (char& c : name) c = kBytes[random.below(5)];
  return name;
}

auto order(const NodeId& id) { return std::tuple(id.origin, id.hops.size(), id.hops); }

TEST(KeyOrder, OfDentriesIsByDirectoryThenNameBytewise) {
  SimRandom random(1);
  for (int i = 0; i < 20'000; ++i) {
    auto a = std::pair(close_id(random), close_name(random));
    auto b = std::pair(random.below(2) == 0 ? a.first : close_id(random), close_name(random));
    bool before = std::tuple(order(a.first), a.second) < std::tuple(order(b.first), b.second);
    ASSERT_EQ(dentry_key(a.first, a.second) < dentry_key(b.first, b.second), before)
        << a.first.text() << " and " << b.first.text();
  }
}

TEST(KeyOrder, OfPastDentriesIsByDirectoryThenNameThenDeath) {
  SimRandom random(2);
  auto make = [&] { return std::tuple(close_id(random), close_name(random), random.below(300)); };
  for (int i = 0; i < 20'000; ++i) {
    auto a = make();
    auto b = make();
    if (random.below(2) == 0) std::get<0>(b) = std::get<0>(a);
    if (random.below(2) == 0) std::get<1>(b) = std::get<1>(a);
    auto key = [](const auto& of) {
      return past_key(dentry_key(std::get<0>(of), std::get<1>(of)), std::get<2>(of));
    };
    auto rank = [](const auto& of) {
      return std::tuple(order(std::get<0>(of)), std::get<1>(of), std::get<2>(of));
    };
    ASSERT_EQ(key(a) < key(b), rank(a) < rank(b));
    std::string live;
    uint64_t death = 0;
    ASSERT_TRUE(split_past_key(key(a), live, death));
    EXPECT_EQ(live, dentry_key(std::get<0>(a), std::get<1>(a)));
    EXPECT_EQ(death, std::get<2>(a));
  }
}

TEST(KeyOrder, OfLinksIsByFileThenParentThenName) {
  SimRandom random(3);
  auto make = [&] { return std::tuple(close_id(random), close_id(random), close_name(random)); };
  for (int i = 0; i < 20'000; ++i) {
    auto a = make();
    auto b = make();
    if (random.below(2) == 0) std::get<0>(b) = std::get<0>(a);
    auto key = [](const auto& of) { return std::apply(link_key, of); };
    auto rank = [](const auto& of) {
      return std::tuple(order(std::get<0>(of)), order(std::get<1>(of)), std::get<2>(of));
    };
    ASSERT_EQ(key(a) < key(b), rank(a) < rank(b));
  }
}

TEST(KeyOrder, OfNumbersIsTheirs) {
  SimRandom random(4);
  auto make = [&] { return std::tuple(random.next() >> random.below(64), random.below(3)); };
  for (int i = 0; i < 20'000; ++i) {
    auto a = make();
    auto b = make();
    auto chunk = [](const auto& of) {
      return chunk_key({7, {}}, std::get<0>(of), static_cast<uint32_t>(std::get<1>(of)));
    };
    auto dead = [](const auto& of) {
      return dead_key(static_cast<int64_t>(std::get<0>(of) >> 1), std::get<1>(of));
    };
    ASSERT_EQ(chunk(a) < chunk(b), a < b);
    ASSERT_EQ(number_key(Table::pin, std::get<0>(a)) < number_key(Table::pin, std::get<0>(b)),
              std::get<0>(a) < std::get<0>(b));
    std::get<0>(a) &= ~uint64_t{1};
    std::get<0>(b) &= ~uint64_t{1};
    ASSERT_EQ(dead(a) < dead(b), a < b);
  }
}

// One scan of [key of the directory, prefix_end()) sees its entries and nobody else's.
TEST(KeyOrder, ADirectorysEntriesAreAllBetweenItsPrefixAndThePrefixsEnd) {
  SimRandom random(5);
  for (int i = 0; i < 20'000; ++i) {
    NodeId directory = close_id(random);
    NodeId other = close_id(random);
    std::string first = dentry_key(directory, "");
    std::string end = prefix_end(first);
    std::string key = dentry_key(other, close_name(random));
    ASSERT_EQ(first <= key && key < end, directory == other)
        << directory.text() << " and " << other.text();
  }
}

TEST(KeyOrder, APrefixOfAllOnesHasNoEnd) {
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end("\xff\xff"), "");
}

// ---- what is no key

std::vector<std::string> one_of_each() {
  NodeId id{5, {{8, 1}}};
  return {dentry_key(id, "n"),        node_key(id),     link_key(id, {3, {}}, "n"),
          chunk_key(id, 7, 9),        clone_key(4),     detached_key(id, 2),
          past_key(node_key(id), 77), dead_key(5, 6),   grave_key(4, id),
          request_key("0123", 4),     filed_key(3, "x")};
}

TEST(Key, CutShortIsRefused) {
  NodeId id{5, {{8, 1}}};
  ChunkKey chunk;
  LinkKey link;
  DentryKey dentry;
  NodeId node;
  uint64_t number = 0;
  auto cuts = [](const std::string& key, auto&& split) {
    for (size_t size = 0; size < key.size(); ++size) {
      EXPECT_FALSE(split(std::string_view(key).substr(0, size))) << size << " of " << key.size();
    }
    EXPECT_TRUE(split(key));
  };
  cuts(chunk_key(id, 7, 9), [&](std::string_view key) { return split_chunk_key(key, chunk); });
  cuts(detached_key(id, 2),
       [&](std::string_view key) { return split_detached_key(key, node, number); });
  cuts(node_key(id), [&](std::string_view key) { return split_node_key(key, node); });
  cuts(clone_key(4), [&](std::string_view key) { return split_number_key(key, number); });
  cuts(dentry_key(id, ""), [&](std::string_view key) { return split_dentry_key(key, dentry); });
  cuts(link_key(id, id, ""), [&](std::string_view key) { return split_link_key(key, link); });
}

TEST(Key, OfDamagedBytesIsNoneOrAnother) {
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    SimRandom random(seed);
    std::vector<std::string> keys = one_of_each();
    std::string key = keys[random.below(keys.size())];
    key.resize(random.below(key.size() + 1));
    for (uint64_t i = 0; i < 3 && !key.empty(); ++i) {
      key[random.below(key.size())] = static_cast<char>(random.next());
    }
    DentryKey dentry;
    if (split_dentry_key(key, dentry)) {
      EXPECT_EQ(dentry_key(dentry.directory, dentry.name), key);
    }
    LinkKey link;
    if (split_link_key(key, link)) {
      EXPECT_EQ(link_key(link.file, link.parent, link.name), key);
    }
    ChunkKey chunk;
    if (split_chunk_key(key, chunk)) {
      EXPECT_EQ(chunk_key(chunk.file, chunk.body_number, chunk.index), key);
    }
    std::string live;
    uint64_t death = 0;
    if (split_past_key(key, live, death)) {
      EXPECT_EQ(past_key(live, death), key);
    }
  }
}

TEST(NodeId, ComesBackFromValuesAndText) {
  SimRandom random(1);
  RandomFiller filler(random);
  for (int i = 0; i < 1'000; ++i) {
    NodeId id = filler.node_id();
    std::string bytes;
    id.put_bytes(bytes);
    NodeId back;
    ASSERT_TRUE(back.take_bytes(bytes));
    EXPECT_EQ(back, id);
    EXPECT_EQ(NodeId::parse(id.text()).value(), id);
  }
}

TEST(NodeId, WithSeventeenHopsIsRefused) {
  NodeId id{1, std::vector<Hop>(17, Hop{1, 1})};
  std::string key;
  id.put_key(key);
  std::string_view rest = key;
  NodeId out;
  EXPECT_FALSE(out.take_key(rest));
  std::string bytes;
  id.put_bytes(bytes);
  EXPECT_FALSE(out.take_bytes(bytes));
  EXPECT_FALSE(NodeId::parse(id.text()));
}

TEST(NodeId, TextThatIsNoneIsRefused) {
  for (const char* text : {"", "0", "x", "1.", "1.2", "1.2:", "1.2:3x", "-1", "1:2"}) {
    EXPECT_FALSE(NodeId::parse(text)) << text;
  }
}

}  // namespace
}  // namespace nokv::codec
