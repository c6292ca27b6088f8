#include "engine/rocks_engine.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <rocksdb/perf_context.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/posix/testing/temp_dir.h"
#include "engine/rocks_checkpoint.h"

namespace nokv::engine {
namespace {

namespace fs = std::filesystem;

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class RocksEngineTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> open(const std::string& path) {
    return RocksEngine::open(path, {.memtable_bytes = 256 << 10, .block_bytes = 4096}).value();
  }
  std::string dir() const { return temp / "engine"; }
  std::string checkpoint(int n) const { return temp / str("checkpoints/", n); }

  static void put_many(Engine& engine, int begin, int end, std::string_view value) {
    auto batch = engine.batch();
    for (int i = begin; i < end; ++i) batch->put(str("key", i), str(value, i));
    ASSERT_TRUE(engine.write(*batch));
  }
  static std::vector<std::string> files(const std::string& path, std::string_view ending) {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().string().ends_with(ending)) out.push_back(entry.path().string());
    }
    std::ranges::sort(out);
    return out;
  }
  static void flip(const std::string& path, uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 0x20));
  }
  // Reads all keys both ways. Right values, or an error: never anything else.
  static Result<> read_all(Engine& engine, int count, std::string_view value) {
    auto snapshot = engine.snapshot();
    for (int i = 0; i < count; ++i) {
      std::string got;
      NOKV_ASSIGN(bool there, snapshot->get(str("key", i), got));
      EXPECT_TRUE(there);
      EXPECT_EQ(got, str(value, i));
    }
    auto entries = snapshot->iterate({}, {});
    int seen = 0;
    for (entries->seek({}); entries->valid(); entries->next()) ++seen;
    NOKV_TRY(entries->status());
    EXPECT_EQ(seen, count);
    return {};
  }

  TempDir temp;
};

// Writes batches, each with the next number and one key of that number, until it is killed.
[[noreturn]] void write_until_killed(const std::string& dir, int ready) {
  auto engine = RocksEngine::open(dir, {.memtable_bytes = 64 << 10}).value();
  for (uint64_t i = 1;; ++i) {
    auto batch = engine->batch();
    batch->put("count", std::to_string(i));
    batch->put(str("item", i), std::string(100, static_cast<char>('a' + i % 26)));
    check(engine->write(*batch).has_value());
    if (i % 5000 == 0) check(engine->flush().has_value() && ::write(ready, "x", 1) == 1);
  }
}

TEST_F(RocksEngineTest, AfterAKillItHoldsAPrefixOfTheBatches) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  pid_t child = ::fork();
  if (child == 0) write_until_killed(dir(), pipe_ends[1]);
  char byte = 0;
  for (int flushes = 0; flushes < 2; ++flushes) ASSERT_EQ(::read(pipe_ends[0], &byte, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);

  auto snapshot = open(dir())->snapshot();
  std::string count;
  ASSERT_TRUE(snapshot->get("count", count).value());
  uint64_t last = std::stoull(count);
  EXPECT_GE(last, 10000u);  // what was flushed
  std::string value;
  for (uint64_t i = 1; i <= last; ++i) ASSERT_TRUE(snapshot->get(str("item", i), value).value());
  auto entries = snapshot->iterate("item", "iten");
  uint64_t seen = 0;
  for (entries->seek("item"); entries->valid(); entries->next()) ++seen;
  EXPECT_EQ(seen, last);
}

// Scenario 21 of the design: a rotten byte is named, and the checkpoint does not share it.
TEST_F(RocksEngineTest, AFlippedByteInATableIsNamedAndNeverServed) {
  constexpr int count = 500;
  {
    auto engine = open(dir());
    put_many(*engine, 0, count, "value");
    ASSERT_TRUE(engine->checkpoint(checkpoint(1)));
  }
  std::string table = files(dir(), ".sst").at(0);
  uint64_t size = fs::file_size(table);
  int found = 0;
  for (uint64_t at = 3; at < size; at += size / 40) {
    SCOPED_TRACE(at);
    flip(table, at);
    auto engine = RocksEngine::open(dir(), {});
    Result<> read =
        engine ? read_all(**engine, count, "value") : Result<>(std::unexpected(engine.error()));
    if (!read) {
      ++found;
      EXPECT_EQ(read.error().code(), Code::data_loss) << read.error().message();
      EXPECT_NE(read.error().message().find(table), std::string::npos) << read.error().message();
    }
    if (engine) engine->reset();
    flip(table, at);
  }
  EXPECT_GT(found, 20);
  flip(table, size / 2);
  ASSERT_TRUE(verify_checkpoint(checkpoint(1)));
  ASSERT_TRUE(restore_checkpoint(checkpoint(1), temp / "restored"));
  EXPECT_TRUE(read_all(*open(temp / "restored"), count, "value"));
}

TEST_F(RocksEngineTest, ADamagedManifestOrCurrentIsNotAnEmptyEngine) {
  {
    put_many(*open(dir()), 0, 500, "value");
  }
  std::string manifest;
  for (const auto& entry : fs::directory_iterator(dir())) {
    if (entry.path().filename().string().starts_with("MANIFEST")) manifest = entry.path().string();
  }
  flip(manifest, fs::file_size(manifest) / 2);
  EXPECT_EQ(RocksEngine::open(dir(), {}).error().code(), Code::data_loss);
  flip(manifest, fs::file_size(manifest) / 2);
  fs::remove(dir() + "/CURRENT");
  auto opened = RocksEngine::open(dir(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::data_loss);
  EXPECT_NE(opened.error().message().find("CURRENT"), std::string::npos);
}

TEST_F(RocksEngineTest, AMissingTableIsDamage) {
  {
    put_many(*open(dir()), 0, 500, "value");
  }
  fs::remove(files(dir(), ".sst").at(0));
  EXPECT_EQ(RocksEngine::open(dir(), {}).error().code(), Code::data_loss);
}

TEST_F(RocksEngineTest, ADirectoryIsOpenedOnce) {
  auto engine = open(dir());
  auto second = RocksEngine::open(dir(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::failed_precondition) << second.error().message();
}

TEST_F(RocksEngineTest, WithoutCreateAMissingEngineIsNotFound) {
  auto opened = RocksEngine::open(dir(), {.create = false});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::not_found);
  EXPECT_FALSE(fs::exists(dir()));
}

TEST_F(RocksEngineTest, AWriteAfterAFailedFlushIsRefused) {
  auto engine = open(dir());
  put_many(*engine, 0, 10, "a");
  fs::remove_all(dir());  // the disk is gone
  EXPECT_FALSE(engine->flush());
  auto batch = engine->batch();
  batch->put("k", "v");
  auto refused = engine->write(*batch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unavailable) << refused.error().message();
}

TEST_F(RocksEngineTest, AbsentKeysTakeTheFilterPathInFilesToo) {
  auto engine = open(dir());
  put_many(*engine, 0, 1000, "value");
  ASSERT_TRUE(engine->flush());
  std::string value;
  for (int i = 1000; i < 2000; ++i) {
    ASSERT_FALSE(engine->snapshot()->get(str("key", i), value).value());
  }
  EXPECT_GT(engine->stats().live_bytes, 0u);
  EXPECT_EQ(engine->stats().keys_estimate, 1000u);
}

TEST_F(RocksEngineTest, SnapshotsBetweenTwoWritesAreOne) {
  auto engine = open(dir());
  put_many(*engine, 0, 1, "a");
  auto first = engine->snapshot();
  EXPECT_EQ(engine->snapshot(), first);
  put_many(*engine, 0, 1, "b");
  EXPECT_NE(engine->snapshot(), first);
}

TEST_F(RocksEngineTest, ReadersRunBesideTheWriter) {
  auto engine = open(dir());
  put_many(*engine, 0, 50, "0/");
  std::atomic<bool> stop = false;
  auto reading = [&] {
    while (!stop) {
      auto snapshot = engine->snapshot();
      std::string first;
      std::string other;
      ASSERT_TRUE(snapshot->get("key0", first).value());
      ASSERT_TRUE(snapshot->get("key9", other).value());
      ASSERT_EQ(first.substr(0, first.find('/')), other.substr(0, other.find('/')));
    }
  };
  std::jthread reader1(reading);
  std::jthread reader2(reading);
  for (int round = 1; round < 300; ++round) {
    put_many(*engine, 0, 50, str(round, "/"));
    if (round % 100 == 0) {
      ASSERT_TRUE(engine->flush());
    }
  }
  stop = true;
}

TEST_F(RocksEngineTest, CheckpointsShareTablesWithEachOtherAndNeverWithTheEngine) {
  auto engine = open(dir());
  put_many(*engine, 0, 500, "value");
  ASSERT_TRUE(engine->checkpoint(checkpoint(1)));
  put_many(*engine, 500, 600, "value");
  ASSERT_TRUE(engine->checkpoint(checkpoint(2)));
  std::string table = fs::path(files(checkpoint(1), ".sst").at(0)).filename();
  auto same = [&](const std::string& a, const std::string& b) {
    return fs::equivalent(a + "/" + table, b + "/" + table);
  };
  EXPECT_TRUE(same(checkpoint(1), checkpoint(2)));
  EXPECT_FALSE(same(dir(), checkpoint(1)));
  fs::remove_all(checkpoint(1));
  ASSERT_TRUE(verify_checkpoint(checkpoint(2)));
  ASSERT_TRUE(restore_checkpoint(checkpoint(2), temp / "restored"));
  EXPECT_FALSE(same(checkpoint(2), temp / "restored"));
  EXPECT_TRUE(read_all(*open(temp / "restored"), 600, "value"));
}

TEST_F(RocksEngineTest, ADamagedTableOfACheckpointIsCopiedAnewForTheNext) {
  auto engine = open(dir());
  put_many(*engine, 0, 500, "value");
  ASSERT_TRUE(engine->checkpoint(checkpoint(1)));
  flip(files(checkpoint(1), ".sst").at(0), 100);
  ASSERT_TRUE(engine->checkpoint(checkpoint(2)));
  EXPECT_TRUE(verify_checkpoint(checkpoint(2)));
  EXPECT_EQ(verify_checkpoint(checkpoint(1)).error().code(), Code::data_loss);
}

TEST_F(RocksEngineTest, ACheckpointOfADamagedTableFailsNamingIt) {
  auto engine = open(dir());
  put_many(*engine, 0, 500, "value");
  ASSERT_TRUE(engine->flush());
  std::string table = files(dir(), ".sst").at(0);
  flip(table, 100);
  auto made = engine->checkpoint(checkpoint(1));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Code::data_loss);
  EXPECT_NE(made.error().message().find(table), std::string::npos) << made.error().message();
  EXPECT_FALSE(fs::exists(checkpoint(1)));
}

TEST_F(RocksEngineTest, AnyFlippedByteOfACheckpointIsNamed) {
  auto engine = open(dir());
  put_many(*engine, 0, 50, "value");
  ASSERT_TRUE(engine->checkpoint(checkpoint(1)));
  for (const std::string& file : files(checkpoint(1), "")) {
    flip(file, fs::file_size(file) / 2);
    auto verified = verify_checkpoint(checkpoint(1));
    ASSERT_FALSE(verified) << file;
    EXPECT_EQ(verified.error().code(), Code::data_loss);
    EXPECT_NE(verified.error().message().find(file), std::string::npos)
        << verified.error().message();
    EXPECT_FALSE(restore_checkpoint(checkpoint(1), temp / "restored"));
    EXPECT_FALSE(fs::exists(temp / "restored"));
    flip(file, fs::file_size(file) / 2);
  }
  fs::remove(files(checkpoint(1), ".sst").at(0));
  EXPECT_EQ(verify_checkpoint(checkpoint(1)).error().code(), Code::data_loss);
}

TEST_F(RocksEngineTest, RestoringOverAnEngineIsRefused) {
  auto engine = open(dir());
  put_many(*engine, 0, 50, "value");
  ASSERT_TRUE(engine->checkpoint(checkpoint(1)));
  EXPECT_EQ(restore_checkpoint(checkpoint(1), dir()).error().code(), Code::already_exists);
  EXPECT_EQ(restore_checkpoint(temp / "none", temp / "restored").error().code(), Code::not_found);
}

TEST(CheckpointManifest, IsWrittenAndReadAsTheGoldenFile) {
  std::vector<CheckpointFile> files{{"000012.sst", 4096, "0123abcd"}, {"CURRENT", 16, "89ef4567"}};
  std::string golden = bytes_of_file(std::string(NOKV_ENGINE_TESTDATA) + "/checkpoint.v1.txt");
  EXPECT_EQ(encode_checkpoint_manifest(files), golden);
  auto read = decode_checkpoint_manifest(golden).value();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].name, "000012.sst");
  EXPECT_EQ(read[0].size, 4096u);
  EXPECT_EQ(read[1].crc32c, "89ef4567");
  for (size_t i = 0; i < golden.size(); ++i) {
    std::string bad = golden;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(decode_checkpoint_manifest(bad)) << i;
    EXPECT_FALSE(decode_checkpoint_manifest(golden.substr(0, i))) << i;
  }
}

// A filter that is too large for its share of the cache would be read and verified for each get.
TEST_F(RocksEngineTest, AFilterOfManyKeysStaysInTheCache) {
  auto engine = RocksEngine::open(dir(), {.block_cache_bytes = 8 << 20}).value();
  for (int n = 0; n < 4; ++n) {
    put_many(*engine, n * 125'000, (n + 1) * 125'000, "");
    ASSERT_TRUE(engine->flush());
  }
  // Four files at the top become one below, with 625 KB of filter.
  for (int i = 0; i < 600 && files(dir(), ".sst").size() != 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_EQ(files(dir(), ".sst").size(), 1U);
  auto absent = [&] {
    std::string got;
    EXPECT_FALSE(engine->snapshot()->get("key100000x", got).value());
  };
  absent();
  rocksdb::get_perf_context()->Reset();
  absent();
  EXPECT_EQ(rocksdb::get_perf_context()->block_read_count, 0U);
}

}  // namespace
}  // namespace nokv::engine
