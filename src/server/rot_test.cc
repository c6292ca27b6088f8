// Scenario 21: bytes of a real data directory rot. What is shown is right, or an error names the
// file; a checkpoint and the log rebuild the engine.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "object/memory_store.h"
#include "server/shard_host.h"

namespace nokv::server {
namespace {

using codec::Method;

constexpr int kFiles = 400;

class RotTest : public testing::Test {
 protected:
  Result<> open(bool rebuild = false) {
    host.reset();
    HostOptions options;
    options.directory = directory();
    options.engine_cache_bytes = 1 << 20;
    options.log_segment_bytes = 32 << 10;  // the log does not reach back to the beginning
    options.shard.cache_bytes = 4096;      // what is read comes from the engine
    options.background.tick = std::chrono::hours(10'000);
    options.background.log_kept_for = {};
    options.rebuild_engine = rebuild;
    NOKV_ASSIGN(host, ShardHost::open(posix.env(), store, events, options));
    return {};
  }
  std::string directory() const { return temp / "data"; }

  Result<std::string> call(Method method, const std::string& body) {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Result<std::string>> answer;
    shard::Caller caller{"test", posix.clock.now() + std::chrono::minutes(1)};
    host->service().call(method, body, caller, [&](Result<std::string> result) {
      std::lock_guard lock(mutex);
      answer = std::move(result);
      came.notify_all();
    });
    std::unique_lock lock(mutex);
    came.wait(lock, [&] { return answer.has_value(); });
    return *answer;
  }
  static std::string body_of(int file) { return str("body of ", file, std::string(200, '.')); }
  void put(int file) {
    codec::CommitRequest request;
    codec::Publish op;
    op.target.path = str("/f", file);
    op.body.bytes = body_of(file);
    op.body.size = op.body.bytes.size();
    request.operations.push_back({op});
    auto done = call(Method::commit, codec::encoded(request));
    ASSERT_TRUE(done) << done.error().message();
  }
  // Files, with a checkpoint after each hundred, all of it in the engine's files.
  void fill() {
    ASSERT_TRUE(open());
    codec::InitRequest init;
    init.policy.undo_ns = 1;
    ASSERT_TRUE(call(Method::init, codec::encoded(init)));
    for (int file = 0; file < kFiles; ++file) {
      ASSERT_NO_FATAL_FAILURE(put(file));
      ASSERT_TRUE(file % 100 != 99 || call(Method::checkpoint, ""));
    }
    ASSERT_NO_FATAL_FAILURE(put(kFiles));
    host.reset();
  }
  // Right bytes or an error, whichever comes first.
  Result<> read_all() {
    for (int file = 0; file <= kFiles; ++file) {
      codec::OpenRequest request{{str("/f", file), {}}};
      NOKV_ASSIGN(std::string body, call(Method::open, codec::encoded(request)));
      codec::OpenReply reply;
      EXPECT_TRUE(codec::decode(body, reply));
      EXPECT_EQ(reply.plan.extents.at(0).bytes, body_of(file));
    }
    return {};
  }

  std::vector<std::string> tables(const std::string& path) {
    std::vector<std::string> out = posix.files.list(path).value_or(std::vector<std::string>());
    std::erase_if(out, [](const std::string& name) { return !name.ends_with(".sst"); });
    return out;
  }
  void flip(const std::string& path, uint64_t offset) {
    auto file = posix.files.open(path, OpenMode::write);
    ASSERT_TRUE(file) << path;
    auto byte = (*file)->read_at(offset, 1);
    ASSERT_TRUE(byte);
    ASSERT_TRUE((*file)->write_at(offset, std::string(1, static_cast<char>((*byte)[0] ^ 0x20))));
  }
  void rot_engine() {
    for (const std::string& name : tables(directory() + "/engine")) {
      std::string path = str(directory(), "/engine/", name);
      flip(path, posix.files.stat(path)->size / 2);
    }
  }

  TempDir temp;
  PosixEnv posix;
  std::unique_ptr<Executor> executor = posix.executors.serial("store");
  object::MemoryStore store{*executor, posix.clock};
  NoEvents events;
  std::unique_ptr<ShardHost> host;
};

TEST_F(RotTest, AByteOfAnEngineFileIsNeverServed) {
  ASSERT_NO_FATAL_FAILURE(fill());
  int refused = 0;
  for (const std::string& name : tables(directory() + "/engine")) {
    std::string path = str(directory(), "/engine/", name);
    auto info = posix.files.stat(path);
    for (uint64_t at = 5; info && at < info->size; at += info->size / 4) {
      SCOPED_TRACE(testing::Message() << path << " at " << at);
      if (!posix.files.exists(path).value_or(false)) break;  // it was rebuilt since
      flip(path, at);
      auto opened = open();
      ASSERT_TRUE(opened) << opened.error().message();
      Result<> read = read_all();
      if (read) continue;
      ++refused;
      EXPECT_EQ(read.error().code(), Code::data_loss);
      EXPECT_NE(read.error().message().find(name), std::string::npos) << read.error().message();
      ASSERT_TRUE(open(true));
      read = read_all();
      ASSERT_TRUE(read) << read.error().message();
    }
  }
  EXPECT_GT(refused, 0);
}

TEST_F(RotTest, TheOlderCheckpointServesWhenTheNewestIsRottenAndNoneIsARefusal) {
  ASSERT_NO_FATAL_FAILURE(fill());
  std::string checkpoints = directory() + "/checkpoints";
  auto names = posix.files.list(checkpoints);
  ASSERT_TRUE(names);
  ASSERT_EQ(names->size(), 2U);
  std::string older = str(checkpoints, "/", names->at(0));
  std::string newest = str(checkpoints, "/", names->at(1));
  auto shared = tables(older);
  auto own = tables(newest);
  std::erase_if(own, [&](const auto& name) { return std::ranges::count(shared, name) != 0; });
  ASSERT_FALSE(own.empty());
  rot_engine();
  flip(str(newest, "/", own[0]), 50);
  ASSERT_TRUE(open(true));
  auto read = read_all();
  EXPECT_TRUE(read) << read.error().message();

  host.reset();
  for (const std::string& name : shared) flip(str(older, "/", name), 50);
  auto refused = open(true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::data_loss);
}

}  // namespace
}  // namespace nokv::server
