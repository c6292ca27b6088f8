// What every Engine promises. Include it in one test program per set of engines and instantiate:
//   INSTANTIATE_TEST_SUITE_P(Memory, EngineSuite, testing::Values(EngineUnderTest{...}),
//   engine_kind_name)
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/posix/testing/temp_dir.h"
#include "engine/engine.h"

namespace nokv::engine {

struct EngineUnderTest {
  std::string name;
  // Opens the engine whose files are in the directory; an empty one when it is missing.
  std::function<std::unique_ptr<Engine>(const std::string& dir)> open;
};

inline std::string engine_kind_name(const testing::TestParamInfo<EngineUnderTest>& info) {
  return info.param.name;
}

using Contents = std::map<std::string, std::string>;

inline Contents contents(const Snapshot& snapshot, std::string_view begin = {},
                         std::string_view end = {}) {
  Contents out;
  auto entries = snapshot.iterate(begin, end);
  for (entries->seek(begin); entries->valid(); entries->next()) {
    out.emplace(entries->key(), entries->value());
  }
  EXPECT_TRUE(entries->status());
  return out;
}

class EngineSuite : public testing::TestWithParam<EngineUnderTest> {
 protected:
  EngineSuite() { reopen(); }

  std::string engine_dir() const { return temp / "engine"; }
  void reopen() {
    engine.reset();
    engine = GetParam().open(engine_dir());
  }
  void put(std::string_view key, std::string_view value) {
    auto batch = engine->batch();
    batch->put(key, value);
    ASSERT_TRUE(engine->write(*batch));
  }
  void remove(std::string_view key) {
    auto batch = engine->batch();
    batch->remove(key);
    ASSERT_TRUE(engine->write(*batch));
  }
  std::optional<std::string> get(std::string_view key) const {
    std::string value;
    if (!engine->snapshot()->get(key, value).value()) return std::nullopt;
    return value;
  }

  TempDir temp;
  std::unique_ptr<Engine> engine;
};

using std::nullopt;

TEST_P(EngineSuite, AnAbsentKeyIsNotAnEmptyValue) {
  put("a", "");
  EXPECT_EQ(get("a"), "");
  EXPECT_EQ(get("b"), nullopt);
}

TEST_P(EngineSuite, TheLastChangeOfAKeyInABatchWins) {
  auto batch = engine->batch();
  batch->put("a", "1");
  batch->put("a", "2");
  batch->put("b", "1");
  batch->remove("b");
  batch->remove("c");
  batch->put("c", "3");
  ASSERT_TRUE(engine->write(*batch));
  EXPECT_EQ(contents(*engine->snapshot()), (Contents{{"a", "2"}, {"c", "3"}}));
}

TEST_P(EngineSuite, AClearedBatchCanBeUsedAgain) {
  auto batch = engine->batch();
  batch->put("a", "1");
  batch->clear();
  batch->put("b", "1");
  ASSERT_TRUE(engine->write(*batch));
  EXPECT_EQ(contents(*engine->snapshot()), (Contents{{"b", "1"}}));
}

TEST_P(EngineSuite, KeysAndValuesAreAnyBytes) {
  std::string odd("\0\xff\n", 3);
  put(odd, odd);
  put(std::string("\0", 1), "zero");
  EXPECT_EQ(get(odd), odd);
  EXPECT_EQ(contents(*engine->snapshot()).begin()->first, std::string("\0", 1));
}

TEST_P(EngineSuite, ASnapshotStaysAsItWas) {
  put("a", "1");
  put("b", "1");
  auto before = engine->snapshot();
  put("a", "2");
  remove("b");
  put("c", "2");
  EXPECT_EQ(contents(*before), (Contents{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(contents(*engine->snapshot()), (Contents{{"a", "2"}, {"c", "2"}}));
  std::string value;
  EXPECT_FALSE(before->get("c", value).value());
  EXPECT_TRUE(before->get("b", value).value());
}

TEST_P(EngineSuite, ASnapshotSurvivesFlushAndCompaction) {
  for (int i = 0; i < 100; ++i) put(str("k", i), "1");
  auto before = engine->snapshot();
  for (int i = 0; i < 100; ++i) remove(str("k", i));
  ASSERT_TRUE(engine->flush());
  ASSERT_TRUE(engine->compact("", ""));
  EXPECT_EQ(contents(*before).size(), 100u);
  EXPECT_TRUE(contents(*engine->snapshot()).empty());
}

TEST_P(EngineSuite, AnIteratorStaysWithinItsBounds) {
  for (std::string key : {"a", "b", "b1", "c", "d"}) put(key, key);
  auto snapshot = engine->snapshot();
  EXPECT_EQ(contents(*snapshot, "b", "c"), (Contents{{"b", "b"}, {"b1", "b1"}}));
  EXPECT_EQ(contents(*snapshot, "c", ""), (Contents{{"c", "c"}, {"d", "d"}}));
  auto entries = snapshot->iterate("b", "c");
  entries->seek("a");  // below the lower bound
  ASSERT_TRUE(entries->valid());
  EXPECT_EQ(entries->key(), "b");
  entries->seek("b0");
  ASSERT_TRUE(entries->valid());
  EXPECT_EQ(entries->key(), "b1");
  entries->seek("c");
  EXPECT_FALSE(entries->valid());
  EXPECT_TRUE(entries->status());
}

TEST_P(EngineSuite, AnIteratorStandsOnWhatIsRemovedMeanwhile) {
  for (std::string key : {"a", "b", "c"}) put(key, "1");
  auto snapshot = engine->snapshot();
  auto entries = snapshot->iterate("", "");
  entries->seek("b");
  remove("b");
  remove("c");
  put("bb", "2");
  EXPECT_EQ(entries->key(), "b");
  EXPECT_EQ(entries->value(), "1");
  entries->next();
  ASSERT_TRUE(entries->valid());
  EXPECT_EQ(entries->key(), "c");
}

TEST_P(EngineSuite, MultiGetAnswersInTheOrderOfTheKeys) {
  put("a", "1");
  put("c", "");
  std::vector<std::string_view> keys{"c", "b", "a", "a"};
  std::vector<std::optional<std::string>> values{"old"};
  ASSERT_TRUE(engine->snapshot()->multi_get(keys, values));
  EXPECT_EQ(values, (std::vector<std::optional<std::string>>{"", nullopt, "1", "1"}));
  ASSERT_TRUE(engine->snapshot()->multi_get({}, values));
  EXPECT_TRUE(values.empty());
}

TEST_P(EngineSuite, WhatWasFlushedIsThereAfterReopening) {
  put("a", "1");
  ASSERT_TRUE(engine->flush());
  reopen();
  EXPECT_EQ(get("a"), "1");
}

TEST_P(EngineSuite, DurableGetReadsOnlyWhatACrashWouldLeave) {
  put("a", "1");
  EXPECT_EQ(engine->durable_get("a").value(), nullopt);
  ASSERT_TRUE(engine->flush());
  EXPECT_EQ(engine->durable_get("a").value(), "1");
  put("a", "2");
  EXPECT_EQ(engine->durable_get("a").value(), "1");
  EXPECT_EQ(get("a"), "2");
}

TEST_P(EngineSuite, ACheckpointIsTheStateOfItsMoment) {
  put("a", "1");
  put("b", "1");
  std::string first = temp / "checkpoints/1";
  ASSERT_TRUE(engine->checkpoint(first));
  put("a", "2");
  remove("b");
  std::string second = temp / "checkpoints/2";
  ASSERT_TRUE(engine->checkpoint(second));
  EXPECT_EQ(engine->checkpoint(second).error().code(), Code::already_exists);
  EXPECT_EQ(contents(*GetParam().open(first)->snapshot()), (Contents{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(contents(*GetParam().open(second)->snapshot()), (Contents{{"a", "2"}}));
}

TEST_P(EngineSuite, ASnapshotMayOutliveTheEngine) {
  put("a", "1");
  auto snapshot = engine->snapshot();
  engine.reset();
  std::string value;
  EXPECT_TRUE(snapshot->get("a", value).value());
}

// Model: a map per snapshot, under random batches, flushes and compactions.
TEST_P(EngineSuite, RandomBatchesMatchAMap) {
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    Contents model = contents(*engine->snapshot());
    std::vector<std::pair<std::shared_ptr<const Snapshot>, Contents>> snapshots;
    for (int step = 0; step < 300; ++step) {
      auto batch = engine->batch();
      for (uint32_t n = 1 + below(8); n > 0; --n) {
        std::string key = str("key", below(60));
        if (below(3) == 0) {
          batch->remove(key);
          model.erase(key);
        } else {
          std::string value = str("value", random());
          batch->put(key, value);
          model[key] = value;
        }
      }
      ASSERT_TRUE(engine->write(*batch));
      if (below(10) == 0) snapshots.emplace_back(engine->snapshot(), model);
      if (snapshots.size() > 5) {
        snapshots.erase(snapshots.begin() + below(static_cast<uint32_t>(snapshots.size())));
      }
      if (below(60) == 0) {
        ASSERT_TRUE(engine->flush());
      }
      if (below(60) == 0) {
        ASSERT_TRUE(engine->compact("key2", "key4"));
      }
      for (const auto& [snapshot, then] : snapshots) ASSERT_EQ(contents(*snapshot), then);
      ASSERT_EQ(contents(*engine->snapshot()), model);
    }
  }
}

}  // namespace nokv::engine
