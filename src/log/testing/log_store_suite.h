// What every LogStore promises. Include it in one test program and instantiate:
//   INSTANTIATE_TEST_SUITE_P(Local, LogStoreSuite, testing::Values(LogKind{...}), log_kind_name);
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "log/log_store.h"
#include "log/testing/groups.h"

namespace nokv::log {

// One log on some medium, opened again and again.
class LogFixture {
 public:
  virtual ~LogFixture() = default;
  // Opens the log; the store before it was destroyed.
  virtual std::unique_ptr<LogStore> open() = 0;
};

struct LogKind {
  std::string name;
  std::function<std::unique_ptr<LogFixture>()> make;
  // A size of groups of which a few dozen fill several segments.
  size_t group_bytes = 300;
};

inline std::string log_kind_name(const testing::TestParamInfo<LogKind>& info) {
  return info.param.name;
}

class LogStoreSuite : public testing::TestWithParam<LogKind> {
 protected:
  LogStoreSuite() : fixture(GetParam().make()) { reopen(); }

  void reopen() {
    store.reset();
    store = fixture->open();
    auto claim = store->claim("test").value();
    epoch = claim.epoch;
    tail = claim.tail;
  }
  void append_group(const Group& group) {
    ASSERT_EQ(append(*store, epoch, tail, group), Appended::appended);
    tail = after(tail, group);
  }
  void append_next(uint64_t count = 1) {
    append_group(make_group(tail.version.value() + count, GetParam().group_bytes, count));
  }
  std::vector<uint64_t> versions(uint64_t from) {
    std::vector<uint64_t> out;
    for (const auto& entry : read_all(*store, Version{from})) {
      out.push_back(entry.group.last.value());
    }
    return out;
  }

  std::unique_ptr<LogFixture> fixture;
  std::unique_ptr<LogStore> store;
  Epoch epoch;
  Position tail;
};

TEST_P(LogStoreSuite, ANewLogIsEmpty) {
  EXPECT_EQ(tail, Position{});
  EXPECT_EQ(store->oldest(), Version{1});
  EXPECT_TRUE(versions(1).empty());
}

TEST_P(LogStoreSuite, WhatWasAppendedIsReadBack) {
  std::vector<Position> positions;
  std::vector<Group> groups;
  for (uint64_t i = 1; i <= 30; ++i) {
    groups.push_back(make_group(tail.version.value() + i, GetParam().group_bytes, i));
    append_group(groups.back());
    positions.push_back(tail);
  }
  auto entries = read_all(*store, Version{1});
  ASSERT_EQ(entries.size(), groups.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    EXPECT_EQ(entries[i].group.first, groups[i].first);
    EXPECT_EQ(entries[i].group.last, groups[i].last);
    EXPECT_EQ(entries[i].group.bytes, groups[i].bytes);
    EXPECT_EQ(entries[i].after, positions[i]);
  }
}

TEST_P(LogStoreSuite, AGroupMayHaveNoBytes) {
  append_group({Version{1}, Version{1}, ""});
  append_next();
  EXPECT_EQ(versions(1), (std::vector<uint64_t>{1, 2}));
}

TEST_P(LogStoreSuite, ReadingBeginsWithTheGroupThatHoldsTheVersion) {
  for (int i = 0; i < 10; ++i) append_next(3);
  EXPECT_EQ(versions(13).front(), 15u);
  EXPECT_EQ(versions(15).front(), 15u);
  EXPECT_EQ(versions(16).front(), 18u);
  EXPECT_EQ(versions(30).size(), 1u);
  EXPECT_TRUE(versions(31).empty());
}

TEST_P(LogStoreSuite, AReaderAtTheTailSeesWhatIsAppendedLater) {
  append_next();
  auto reader = store->read(Version{2}).value();
  EXPECT_FALSE(reader->next().value());
  for (int i = 0; i < 40; ++i) {
    append_next();
    std::optional<Reader::Entry> entry = reader->next().value();
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry.value().after, tail);
    EXPECT_FALSE(reader->next().value());
  }
}

TEST_P(LogStoreSuite, ReopeningFindsTheTail) {
  for (int i = 0; i < 40; ++i) {
    append_next();
    Position before = tail;
    reopen();
    ASSERT_EQ(tail, before);
  }
  EXPECT_EQ(versions(1).size(), 40u);
}

TEST_P(LogStoreSuite, ALaterClaimFencesTheEarlierOne) {
  append_next();
  Epoch old = epoch;
  auto claim = store->claim("other").value();
  EXPECT_GT(claim.epoch, old);
  EXPECT_EQ(claim.tail, tail);
  EXPECT_EQ(append(*store, old, tail, make_group(2, 10)), Appended::fenced);
  EXPECT_EQ(append(*store, claim.epoch, tail, make_group(2, 10)), Appended::appended);
}

TEST_P(LogStoreSuite, EpochsRiseAcrossReopening) {
  Epoch old = epoch;
  reopen();
  EXPECT_GT(epoch, old);
}

TEST_P(LogStoreSuite, AppendingTheLastGroupAgainChangesNothing) {
  append_next();
  Position before = tail;
  Group group = make_group(2, 50);
  append_group(group);
  EXPECT_EQ(append(*store, epoch, before, group), Appended::appended);
  EXPECT_EQ(versions(1), (std::vector<uint64_t>{1, 2}));
  append_next();
  EXPECT_EQ(versions(1), (std::vector<uint64_t>{1, 2, 3}));
}

TEST_P(LogStoreSuite, AGroupThatDoesNotFollowTheTailIsRefused) {
  append_next();
  Position other = tail;
  other.digest[0] ^= 1;
  EXPECT_FALSE(append(*store, epoch, other, make_group(2, 10)));
  EXPECT_FALSE(append(*store, epoch, Position{}, make_group(1, 10)));
  append_next();
  EXPECT_EQ(versions(1), (std::vector<uint64_t>{1, 2}));
}

TEST_P(LogStoreSuite, TrimmingKeepsWhatIsNeeded) {
  for (int i = 0; i < 60; ++i) append_next();
  uint64_t size = store->size_bytes();
  ASSERT_TRUE(store->trim(Version{40}));
  Version oldest = store->oldest();
  EXPECT_LE(oldest, Version{41});
  EXPECT_GT(oldest, Version{1});
  EXPECT_LE(store->size_bytes(), size);
  EXPECT_EQ(versions(oldest.value()).front(), oldest.value());
  EXPECT_EQ(versions(41).size(), 20u);
  auto gone = store->read(Version{oldest.value() - 1});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Code::not_found);
}

TEST_P(LogStoreSuite, ThePartsSayWhatTrimmingCanDrop) {
  EXPECT_TRUE(store->parts().empty());
  for (int i = 0; i < 60; ++i) append_next();
  auto parts = store->parts();
  ASSERT_GT(parts.size(), 2U);
  EXPECT_EQ(parts.front().first, store->oldest());
  uint64_t bytes = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    bytes += parts[i].bytes;
    EXPECT_EQ(store->read(parts[i].first).value()->next().value()->group.first, parts[i].first);
    EXPECT_TRUE(i == 0 || parts[i].first > parts[i - 1].first);
  }
  EXPECT_LE(bytes, store->size_bytes());
  ASSERT_TRUE(store->trim(Version{parts[2].first.value() - 1}));
  EXPECT_EQ(store->oldest(), parts[2].first);
  EXPECT_EQ(store->parts().size(), parts.size() - 2);
}

TEST_P(LogStoreSuite, ALogKeepsItsId) {
  append_next();
  uint64_t id = store->id();
  reopen();
  EXPECT_EQ(store->id(), id);
}

TEST_P(LogStoreSuite, TrimmingEverythingKeepsTheTail) {
  for (int i = 0; i < 60; ++i) append_next();
  Position before = tail;
  ASSERT_TRUE(store->trim(tail.version));
  reopen();
  EXPECT_EQ(tail, before);
  for (int i = 0; i < 60; ++i) append_next();
  EXPECT_EQ(versions(61).size(), 60u);
}

TEST_P(LogStoreSuite, ManyRoundsOfAppendingAndTrimmingTakeBoundedSpace) {
  uint64_t most = 0;
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 20; ++i) append_next();
    ASSERT_TRUE(store->trim(Version{tail.version.value() - 10}));
    if (round == 4) most = store->size_bytes();
    if (round > 4) {
      ASSERT_LE(store->size_bytes(), 2 * most);
    }
  }
  uint64_t oldest = store->oldest().value();
  EXPECT_EQ(versions(oldest).size(), tail.version.value() - oldest + 1);
}

}  // namespace nokv::log
