#include <atomic>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_files.h"
#include "base/posix/posix_random.h"
#include "base/posix/testing/temp_dir.h"
#include "object/local_store.h"
#include "object/memory_store.h"
#include "object/testing/object_store_suite.h"

namespace nokv::object {
namespace {

struct MemoryUnderTest final : StoreUnderTest {
  MemoryUnderTest() { has_etags = true; }
  PosixClock real_clock;
  PosixExecutors executors;
  std::unique_ptr<Executor> executor = executors.serial("memory");
  MemoryStore memory{*executor, real_clock};

  ObjectStore& store() override { return memory; }
  const Clock& clock() override { return real_clock; }
};

struct LocalUnderTest final : StoreUnderTest {
  LocalUnderTest() {
    local = LocalStore::open(files, *pool, real_clock, random, {.root = root}).value();
  }

  ObjectStore& store() override { return *local; }
  const Clock& clock() override { return real_clock; }

  TempDir dir;
  std::string root = dir.path() + "/objects";
  PosixClock real_clock;
  PosixFiles files;
  PosixRandom random;
  PosixExecutors executors;
  std::unique_ptr<Executor> pool = executors.pool("objects", 4);
  std::unique_ptr<LocalStore> local;
};

INSTANTIATE_TEST_SUITE_P(
    All, ObjectStoreSuite,
    testing::Values(StoreCase{"memory", [] { return std::make_unique<MemoryUnderTest>(); }},
                    StoreCase{"local", [] { return std::make_unique<LocalUnderTest>(); }}),
    [](const auto& store) { return store.param.name; });

class LocalStoreTest : public testing::Test {
 protected:
  Clock::Instant soon() { return env.real_clock.now() + std::chrono::seconds(20); }
  Result<> put(const std::string& key, const std::string& body) {
    Waiter<> waiter;
    env.store().put(key, std::make_shared<const std::string>(body), {}, soon(), waiter.done());
    return waiter.wait();
  }
  size_t temporary_entries() { return env.files.list(env.root + "/.tmp").value().size(); }

  LocalUnderTest env;
};

TEST_F(LocalStoreTest, TheFilesOfTheSharedDirectoryAreTheObjects) {
  ASSERT_TRUE(put("a/b", "bytes"));
  EXPECT_EQ(env.store().shared_directory(), env.root);
  EXPECT_EQ(read_file(env.files, env.root + "/a/b", 100).value(), "bytes");
}

TEST_F(LocalStoreTest, AKeyCannotLieBelowAnotherOne) {
  ASSERT_TRUE(put("a", "x"));
  auto below = put("a/b", "x");
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().code(), Code::invalid_argument) << below.error().message();
  ASSERT_TRUE(put("c/d", "x"));
  auto above = put("c", "x");
  ASSERT_FALSE(above);
  EXPECT_EQ(above.error().code(), Code::invalid_argument) << above.error().message();
}

TEST_F(LocalStoreTest, TemporaryFilesAreNeitherObjectsNorLeftBehind) {
  ASSERT_TRUE(put("a", "x"));
  ASSERT_FALSE(put(".tmp/x", "x"));
  Waiter<ListPage> list;
  env.store().list("", "", 10, soon(), list.done());
  EXPECT_EQ(list.wait().value().objects.size(), 1U);
  std::string mine;
  auto names = env.files.list(env.root + "/.tmp").value();
  for (const std::string& name : names) {
    if (!name.ends_with(".lock")) mine = name;
  }
  EXPECT_TRUE(env.files.list(env.root + "/.tmp/" + mine).value().empty());
}

TEST_F(LocalStoreTest, OpeningRemovesWhatADeadStoreLeftButNotWhatALiveOneUses) {
  ASSERT_EQ(temporary_entries(), 2U);  // our directory and its lock
  ASSERT_TRUE(env.files.make_dirs(env.root + "/.tmp/dead"));
  ASSERT_TRUE(write_file_atomic(env.files, env.root + "/.tmp/dead/0", "half"));
  auto second =
      LocalStore::open(env.files, *env.pool, env.real_clock, env.random, {.root = env.root});
  ASSERT_TRUE(second);
  EXPECT_EQ(temporary_entries(), 4U);
  ASSERT_TRUE(put("still/works", "x"));
}

TEST_F(LocalStoreTest, ADirectoryRemovedBehindItsBackIsMadeAgain) {
  ASSERT_TRUE(put("dir/a", "x"));
  ASSERT_TRUE(remove_tree(env.files, env.root + "/dir"));
  ASSERT_TRUE(put("dir/b", "x"));
}

TEST_F(LocalStoreTest, CallsBeyondTheQueueAreOverloaded) {
  env.local = LocalStore::open(env.files, *env.pool, env.real_clock, env.random,
                               {.root = env.root, .parallel_max = 1, .queue_max = 2})
                  .value();
  std::vector<Waiter<>> waiters(50);
  auto body = std::make_shared<const std::string>(1 << 20, 'x');
  for (size_t i = 0; i < waiters.size(); ++i) {
    env.store().put(str("k", i), body, {}, soon(), waiters[i].done());
  }
  size_t overloaded = 0;
  for (auto& waiter : waiters) {
    auto result = waiter.wait();
    if (!result && result.error().code() == Code::overloaded) ++overloaded;
  }
  EXPECT_GT(overloaded, 0U);
  EXPECT_LT(overloaded, waiters.size());
}

// Files that fail when told to, around the real ones.
class FailingFiles final : public Files {
 public:
  explicit FailingFiles(Files& real) : real_(real) {}
  std::atomic<bool> sync_dir_fails = false;
  std::atomic<bool> full = false;
  std::atomic<int> dir_syncs = 0;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (full && mode == OpenMode::create_new) {
      return fail(Code::resource_exhausted, "open ", path, ": No space left on device");
    }
    return real_.open(path, mode);
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    return real_.rename(from, to);
  }
  Result<> rename_new(const std::string& from, const std::string& to) override {
    return real_.rename_new(from, to);
  }
  Result<> remove(const std::string& path) override { return real_.remove(path); }
  Result<bool> exists(const std::string& path) override { return real_.exists(path); }
  Result<FileInfo> stat(const std::string& path) override { return real_.stat(path); }
  Result<std::vector<std::string>> list(const std::string& dir) override { return real_.list(dir); }
  Result<> make_dirs(const std::string& dir) override { return real_.make_dirs(dir); }
  Result<> sync_dir(const std::string& dir) override {
    ++dir_syncs;
    if (sync_dir_fails) return fail(Code::data_loss, "sync ", dir, ": Input/output error");
    return real_.sync_dir(dir);
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    return real_.lock(path);
  }
  Result<uint64_t> free_bytes(const std::string& dir) override { return real_.free_bytes(dir); }

 private:
  Files& real_;
};

TEST_F(LocalStoreTest, AFullDiskIsResourceExhaustedAndTheStoreGoesOnAfterwards) {
  FailingFiles files(env.files);
  env.local =
      LocalStore::open(files, *env.pool, env.real_clock, env.random, {.root = env.root}).value();
  files.full = true;
  auto refused = put("a", "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::resource_exhausted);
  EXPECT_NE(refused.error().message().find(env.root), std::string::npos);
  files.full = false;
  EXPECT_TRUE(put("a", "x"));
  env.local.reset();
}

TEST_F(LocalStoreTest, APutWhoseNameMayNotBeDurableIsNotAcknowledged) {
  FailingFiles files(env.files);
  env.local =
      LocalStore::open(files, *env.pool, env.real_clock, env.random, {.root = env.root}).value();
  files.sync_dir_fails = true;
  auto doubtful = put("a", "x");
  ASSERT_FALSE(doubtful);
  EXPECT_EQ(doubtful.error().outcome(), Outcome::maybe_done);
  env.local.reset();
}

class MemoryStoreTest : public testing::Test {
 protected:
  Result<> put(const std::string& key, const std::string& body) {
    Waiter<> waiter;
    env.memory.put(key, std::make_shared<const std::string>(body), {}, soon(), waiter.done());
    return waiter.wait();
  }
  Result<std::string> get(const std::string& key, std::optional<Range> range = {}) {
    Waiter<std::string> waiter;
    env.memory.get(key, range, soon(), waiter.done());
    return waiter.wait();
  }
  Clock::Instant soon() { return env.real_clock.now() + std::chrono::seconds(20); }

  MemoryUnderTest env;
};

TEST_F(MemoryStoreTest, FailsAsOftenAsItWasTold) {
  env.memory.fail_next(2, Error(Code::unavailable, "503"), Operation::put);
  EXPECT_FALSE(get("a"));  // not a put: fails for its own reason
  EXPECT_EQ(put("a", "x").error().code(), Code::unavailable);
  EXPECT_EQ(put("a", "x").error().code(), Code::unavailable);
  EXPECT_FALSE(env.memory.has("a"));
  EXPECT_TRUE(put("a", "x"));
}

TEST_F(MemoryStoreTest, ALostAnswerLeavesTheEffect) {
  env.memory.fail_after_next(1, Error(Code::unavailable, "reset", Outcome::maybe_done));
  EXPECT_EQ(put("a", "x").error().outcome(), Outcome::maybe_done);
  EXPECT_TRUE(env.memory.has("a"));
}

TEST_F(MemoryStoreTest, ATruncatedPutIsAnsweredAsDone) {
  env.memory.truncate_next_put(3);
  ASSERT_TRUE(put("a", "123456"));
  EXPECT_EQ(get("a").value(), "123");
  EXPECT_EQ(get("a", Range{0, 6}).error().code(), Code::data_loss);
}

TEST_F(MemoryStoreTest, StoredBytesCanBeDamagedAndLost) {
  ASSERT_TRUE(put("a", "aaaa"));
  ASSERT_TRUE(env.memory.flip_bit("a", 2));
  EXPECT_EQ(get("a").value(), "aa`a");
  ASSERT_TRUE(env.memory.truncate_object("a", 1));
  EXPECT_EQ(get("a").value(), "a");
  ASSERT_TRUE(env.memory.lose("a"));
  EXPECT_EQ(get("a").error().code(), Code::not_found);
}

TEST_F(MemoryStoreTest, AnAnswerLaterThanTheDeadlineIsCancelled) {
  env.memory.set_delay(std::chrono::hours(1));
  Waiter<> waiter;
  env.memory.put("a", std::make_shared<const std::string>("x"), {},
                 env.real_clock.now() + std::chrono::milliseconds(5), waiter.done());
  auto result = waiter.wait();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::cancelled);
  EXPECT_EQ(result.error().outcome(), Outcome::maybe_done);
}

}  // namespace
}  // namespace nokv::object
