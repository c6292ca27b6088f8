#include "engine/memory_engine.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/sim/sim_files.h"
#include "base/sim/sim_random.h"

namespace nokv::engine {
namespace {

void put(Engine& engine, std::string_view key, std::string_view value) {
  auto batch = engine.batch();
  batch->put(key, value);
  ASSERT_TRUE(engine.write(*batch));
}

std::optional<std::string> get(Engine& engine, std::string_view key) {
  std::string value;
  if (!engine.snapshot()->get(key, value).value()) return std::nullopt;
  return value;
}

TEST(MemoryEngine, ACrashLeavesWhatWasFlushed) {
  SimFiles files;
  SimRandom random(1);
  auto engine = MemoryEngine::open(files, "/engine").value();
  put(*engine, "a", "1");
  ASSERT_TRUE(engine->flush());
  put(*engine, "a", "2");
  files.power_cut(random);
  engine = MemoryEngine::open(files, "/engine").value();
  EXPECT_EQ(get(*engine, "a"), "1");
}

TEST(MemoryEngine, AFlushIsOldOrNewWhereverThePowerGoes) {
  for (uint64_t step = 0;; ++step) {
    SimFiles files;
    SimRandom random(step);
    auto engine = MemoryEngine::open(files, "/engine").value();
    put(*engine, "a", "1");
    ASSERT_TRUE(engine->flush());
    put(*engine, "a", "2");
    files.halt_after(step);
    bool flushed = engine->flush().has_value();
    files.power_cut(random);
    engine = MemoryEngine::open(files, "/engine").value();
    auto value = get(*engine, "a");
    ASSERT_TRUE(value == "2" || (!flushed && value == "1")) << step;
    if (flushed) break;
    ASSERT_LT(step, 50u);
  }
}

TEST(MemoryEngine, AFlippedByteIsNamed) {
  SimFiles files;
  auto engine = MemoryEngine::open(files, "/engine").value();
  put(*engine, "a", "1");
  ASSERT_TRUE(engine->flush());
  std::string path = "/engine/" + std::string(MemoryEngine::kFileName);
  files.flip_byte(path, 30);
  auto opened = MemoryEngine::open(files, "/engine");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::data_loss);
  EXPECT_NE(opened.error().message().find(path), std::string::npos);
}

TEST(MemoryEngine, AFullDiskFailsTheFlush) {
  SimFiles files;
  auto engine = MemoryEngine::open(files, "/engine").value();
  put(*engine, "a", std::string(1000, 'x'));
  files.set_capacity(100);
  EXPECT_EQ(engine->flush().error().code(), Code::resource_exhausted);
}

TEST(MemoryEngine, WithoutADiskItKeepsItsFlushInMemory) {
  MemoryEngine engine;
  put(engine, "a", "1");
  EXPECT_EQ(engine.durable_get("a").value(), std::nullopt);
  ASSERT_TRUE(engine.flush());
  EXPECT_EQ(engine.durable_get("a").value(), "1");
  EXPECT_EQ(engine.checkpoint("/c").error().code(), Code::failed_precondition);
}

TEST(MemoryEngine, WhatNoSnapshotSeesIsFreed) {
  MemoryEngine engine;
  put(engine, "a", "");
  uint64_t least = engine.stats().memory_bytes;
  auto held = engine.snapshot();
  for (int i = 0; i < 100; ++i) put(engine, "a", std::string(1000, 'x'));
  auto later = engine.snapshot();
  EXPECT_GT(engine.stats().memory_bytes, least + 90000);
  held.reset();
  put(engine, "a", "");
  EXPECT_LT(engine.stats().memory_bytes, least + 2500);  // the later snapshot's value
  later.reset();
  auto batch = engine.batch();
  batch->remove("a");
  ASSERT_TRUE(engine.write(*batch));
  EXPECT_EQ(engine.stats().keys_estimate, 0u);
  EXPECT_EQ(engine.stats().memory_bytes, 0u);
}

TEST(MemoryEngine, ReadersRunBesideTheWriter) {
  MemoryEngine engine;
  std::atomic<bool> stop = false;
  auto reading = [&] {
    while (!stop) {
      auto snapshot = engine.snapshot();
      auto entries = snapshot->iterate("k", "l");
      std::optional<std::string> value;
      for (entries->seek("k"); entries->valid(); entries->next()) {
        if (!value) value = entries->value();
        ASSERT_EQ(entries->value(), *value);
      }
    }
  };
  std::jthread reader1(reading);
  std::jthread reader2(reading);
  for (int round = 0; round < 2000; ++round) {
    auto batch = engine.batch();
    for (int i = 0; i < 10; ++i) {
      if (round % 3 == 0 && i % 2 == 0) {
        batch->remove(str("k", i));
      } else {
        batch->put(str("k", i), std::to_string(round));
      }
    }
    ASSERT_TRUE(engine.write(*batch));
  }
  stop = true;
}

}  // namespace
}  // namespace nokv::engine
