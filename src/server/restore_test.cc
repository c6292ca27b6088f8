// Backups of a real data directory, and what is restored from them.
#include "server/restore.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "codec/crc32c.h"
#include "object/memory_store.h"
#include "server/shard_host.h"

namespace nokv::server {
namespace {

using codec::Method;

class RestoreTest : public testing::Test {
 protected:
  void SetUp() override {
    store_home = posix.executors.serial("store");
    place_home = posix.executors.serial("place");
    store = std::make_unique<object::MemoryStore>(*store_home, posix.clock);
    place = std::make_unique<object::MemoryStore>(*place_home, posix.clock);
    open("a");
    codec::InitRequest init;
    init.policy.undo_ns = 1;
    ASSERT_TRUE(call(Method::init, codec::encoded(init)));
  }
  void TearDown() override { host.reset(); }

  void open(const std::string& name) {
    host.reset();
    HostOptions options;
    options.directory = temp / name;
    options.engine_cache_bytes = 1 << 20;
    options.log_segment_bytes = 64 << 10;
    options.background.tick = std::chrono::hours(10'000);
    options.background.grace = Duration{0};
    options.background.backups.keep = 0;
    options.background.backups.open =
        [this](const std::string&) -> Result<std::shared_ptr<object::ObjectStore>> {
      return std::shared_ptr<object::ObjectStore>(std::shared_ptr<void>(), place.get());
    };
    auto opened = ShardHost::open(posix.env(), *store, events, options);
    ASSERT_TRUE(opened) << opened.error().message();
    host = *std::move(opened);
  }

  template <class T>
  struct Coming {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Result<T>> answer;
    auto done() {
      return [this](Result<T> result) {
        std::lock_guard lock(mutex);
        answer = std::move(result);
        came.notify_all();
      };
    }
    Result<T> wait() {
      std::unique_lock lock(mutex);
      came.wait(lock, [&] { return answer.has_value(); });
      return *std::move(answer);
    }
  };

  Result<std::string> call(Method method, const std::string& body) {
    Coming<std::string> coming;
    shard::Caller caller{"test", posix.clock.now() + std::chrono::minutes(1)};
    host->service().call(method, body, caller, coming.done());
    return coming.wait();
  }
  template <class Reply, class Request>
  Result<Reply> ask(Method method, const Request& request) {
    NOKV_ASSIGN(std::string bytes, call(method, codec::encoded(request)));
    Reply reply;
    if (!codec::decode(bytes, reply)) return fail(Code::data_loss, "undecodable");
    return reply;
  }
  Result<codec::CommitReply> commit(std::vector<codec::Operation> operations) {
    codec::CommitRequest request;
    for (auto& op : operations) request.operations.push_back({std::move(op)});
    return ask<codec::CommitReply>(Method::commit, request);
  }
  // An inline body, or for `large` one in the object store. Gives the version.
  uint64_t put(const std::string& path, const std::string& bytes, bool large = false) {
    codec::Publish op;
    op.target.path = path;
    op.body.size = bytes.size();
    if (!large) {
      op.body.bytes = bytes;
    } else {
      auto upload = commit({codec::OpenUpload{1}});
      EXPECT_TRUE(upload);
      op.body.upload = upload->results[0].upload;
      op.body.first_blob = upload->results[0].first_blob;
      op.body.block_crcs = {crc32c(bytes)};
      codec::PutBlockRequest block{op.body.upload, op.body.first_blob, 0, crc32c(bytes), bytes};
      auto put = call(Method::put_block, codec::encoded(block));
      EXPECT_TRUE(put) << put.error().message();
      blobs.push_back(op.body.first_blob);
    }
    auto done = commit({op});
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return done ? done->version : 0;
  }
  // What the file contains; the error's message otherwise.
  std::string read(const std::string& path) {
    auto reply = ask<codec::OpenReply>(Method::open, codec::OpenRequest{.target = {.path = path}});
    if (!reply) return reply.error().message();
    std::string out;
    for (const auto& extent : reply->plan.extents) {
      if (!extent.bytes.empty()) {
        out += extent.bytes;
        continue;
      }
      auto bytes = ask<codec::Bytes>(Method::get_block, codec::GetBlockRequest{extent.blob, 0});
      if (!bytes) return bytes.error().message();
      EXPECT_EQ(crc32c(bytes->bytes), extent.block_crcs[0]);
      out += bytes->bytes;
    }
    return out;
  }
  void gc() {
    for (int pass = 0; pass < 3; ++pass) {
      auto done = ask<codec::GcReply>(Method::gc, codec::GcRequest{true, 0});
      ASSERT_TRUE(done) << done.error().message();
    }
  }
  codec::BackupReply backup() {
    auto made = ask<codec::BackupReply>(Method::backup, codec::BackupRequest{"file:///place"});
    EXPECT_TRUE(made) << (made ? "" : made.error().message());
    return made ? *made : codec::BackupReply();
  }
  Result<Restored> restore_to(const std::string& name, const std::string& at = {}) {
    backup::Repository repository(posix.env(), *place, "");
    RestoreOptions options;
    options.directory = temp / name;
    options.from = "file:///place";
    options.at = at;
    options.log_segment_bytes = 64 << 10;
    return restore(posix.env(), repository, events, options);
  }
  void restored(const std::string& name, const std::string& at = {}) {
    host.reset();
    auto done = restore_to(name, at);
    ASSERT_TRUE(done) << done.error().message();
    open(name);
  }
  void expect_sound() {
    auto checked = ask<codec::FsckReply>(Method::fsck, codec::FsckRequest{.read_data = true});
    ASSERT_TRUE(checked) << checked.error().message();
    EXPECT_EQ(checked->problem_count, 0U)
        << checked->problems[0].code << ": " << checked->problems[0].detail;
  }
  std::vector<std::string> keys() {
    object::Waiter<object::ListPage> page;
    place->list("", "", 1000, Clock::Instant::max(), page.done());
    auto listed = page.wait();
    std::vector<std::string> out;
    for (const auto& it : listed->objects) out.push_back(it.key);
    return out;
  }
  static std::string large(char c) { return std::string(50'000, c); }

  TempDir temp;
  PosixEnv posix;
  NoEvents events;
  std::unique_ptr<Executor> store_home;
  std::unique_ptr<Executor> place_home;
  std::unique_ptr<object::MemoryStore> store;  // of bodies
  std::unique_ptr<object::MemoryStore> place;  // of backups
  std::unique_ptr<ShardHost> host;
  std::vector<uint64_t> blobs;
};

TEST_F(RestoreTest, ADayOfOverwritesAndCollectionLaterEveryBodyIsReadable) {  // scenario 20
  for (int i = 0; i < 5; ++i) {
    put(str("/large", i), large(static_cast<char>('a' + i)), true);
    put(str("/small", i), str("small ", i));
  }
  uint64_t version = backup().backup.version;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) {
      put(str("/large", i), large(static_cast<char>('k' + i)), true);
      ASSERT_TRUE(commit({codec::Remove{.target = {.path = str("/small", i)}}}));
      put(str("/small", i), "other");
    }
    ASSERT_NO_FATAL_FAILURE(gc());
    ASSERT_TRUE(call(Method::checkpoint, ""));
  }
  ASSERT_NO_FATAL_FAILURE(restored("b"));
  EXPECT_GE(host->shard().state()->record.version, version);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(read(str("/large", i)), large(static_cast<char>('a' + i)));
    EXPECT_EQ(read(str("/small", i)), str("small ", i));
  }
  expect_sound();
}

TEST_F(RestoreTest, WhatNoKeptBackupNeedsIsDeleted) {
  put("/f", large('a'), true);
  auto first = backup();
  put("/f", large('b'), true);
  ASSERT_NO_FATAL_FAILURE(gc());
  EXPECT_EQ(store->object_count(), 3U);  // two bodies and whose the store is
  auto second = backup();
  ASSERT_NO_FATAL_FAILURE(gc());
  EXPECT_EQ(store->object_count(), 3U);
  // Also after a restart.
  open("a");
  ASSERT_NO_FATAL_FAILURE(gc());
  EXPECT_EQ(store->object_count(), 3U);
  auto left = ask<codec::BackupsReply>(
      Method::backup_remove, codec::BackupRemoveRequest{"file:///place", first.backup.id});
  ASSERT_TRUE(left) << left.error().message();
  ASSERT_EQ(left->backups.size(), 1U);
  EXPECT_EQ(left->backups[0].id, second.backup.id);
  ASSERT_NO_FATAL_FAILURE(gc());
  EXPECT_EQ(store->object_count(), 2U);
  ASSERT_NO_FATAL_FAILURE(restored("b"));
  EXPECT_EQ(read("/f"), large('b'));
}

TEST_F(RestoreTest, ABackupCostsWhatChanged) {
  for (int i = 0; i < 300; ++i) {
    std::string body;
    while (body.size() < 10'000) body += static_cast<char>(posix.random.next());
    put(str("/f", i), body);
  }
  auto first = backup();
  EXPECT_GT(first.bytes_put, 300U * 1000);
  // The engine may rewrite a table in between, which is a change too: so the cheapest of several.
  codec::BackupReply least = first;
  codec::BackupReply last;
  for (int round = 0; round < 5; ++round) {
    put("/one", str("more ", round));
    last = backup();
    if (last.bytes_put < least.bytes_put) least = last;
  }
  // The engine's small files, the new table, a piece of log, the manifest.
  EXPECT_LE(least.objects_put, 8U);
  EXPECT_LT(least.bytes_put, first.bytes_put / 10);
  auto again = backup();
  EXPECT_EQ(again.backup.id, last.backup.id);
  EXPECT_EQ(again.objects_put, 0U);
}

TEST_F(RestoreTest, AnyVersionSinceTheOldestBackupComesBack) {
  std::vector<uint64_t> versions;
  for (int i = 0; i < 30; ++i) {
    versions.push_back(put("/f", str("body ", i)));
    if (i % 10 == 9) backup();
  }
  host.reset();
  for (int i = 9; i < 30; i += 5) {
    std::string name = str("r", i);
    auto done = restore_to(name, str("v", versions[static_cast<size_t>(i)]));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->version, versions[static_cast<size_t>(i)]);
    open(name);
    EXPECT_EQ(read("/f"), str("body ", i));
    expect_sound();
    host.reset();
  }
  auto before = restore_to("early", str("v", versions[3]));
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code(), Code::not_found);
  auto after = restore_to("late", str("v", versions.back() + 100));
  ASSERT_FALSE(after);
  EXPECT_NE(after.error().message().find(str("v", versions.back())), std::string::npos);
  auto none = restore_to("none", "nightly");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Code::invalid_argument);
  EXPECT_FALSE(posix.files.exists(temp / "none").value_or(true));
}

TEST_F(RestoreTest, ATimeAndABackupsIdNameAState) {
  put("/f", "old");
  auto first = backup();
  put("/f", "new");
  auto newest = backup();
  ASSERT_NO_FATAL_FAILURE(restored("b", first.backup.id));
  EXPECT_EQ(read("/f"), "old");
  ASSERT_NO_FATAL_FAILURE(restored("c", newest.backup.id));
  EXPECT_EQ(read("/f"), "new");
}

TEST_F(RestoreTest, AnotherHistoryGivesOutOtherIdsAndBackupsOfBothCanBeRestored) {
  put("/f", large('a'), true);
  auto first = backup();
  put("/f", large('b'), true);
  auto second = backup();
  uint64_t last_blob = blobs.back();
  ASSERT_NO_FATAL_FAILURE(restored("b", first.backup.id));
  EXPECT_EQ(read("/f"), large('a'));
  put("/f", large('c'), true);
  put("/g", "g");
  put("/h", "h");
  EXPECT_GT(blobs.back(), last_blob + (uint64_t{1} << 31));
  ASSERT_NO_FATAL_FAILURE(gc());
  auto third = backup();
  put("/f", large('d'), true);
  auto fourth = backup();
  ASSERT_NO_FATAL_FAILURE(gc());
  for (const auto& [id, byte] : {std::pair(first.backup.id, 'a'),
                                 {second.backup.id, 'b'},
                                 {third.backup.id, 'c'},
                                 {fourth.backup.id, 'd'}}) {
    ASSERT_NO_FATAL_FAILURE(restored(str("r", std::string(1, byte)), id));
    EXPECT_EQ(read("/f"), large(byte));
    expect_sound();
  }
}

// The session whose requests were answered early goes on after the restore, and ids that the other
// history gave it are not given again.
TEST_F(RestoreTest, IdsThatWereReservedForASessionAreNotGivenAgain) {
  uint64_t number = 0;
  auto early = [&]() -> codec::NodeId {
    codec::CommitRequest request;
    request.session[0] = 7;
    request.sequence = ++number;
    request.acked_below = number;
    request.open_session = true;
    request.durability = codec::Durability::early;
    codec::Publish op;
    op.target.path = str("/f", number);
    request.operations.push_back({op});
    auto done = ask<codec::CommitReply>(Method::commit, request);
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return done ? done->results[0].id : codec::NodeId();
  };
  early();
  codec::NodeId before = early();
  auto made = backup();
  codec::NodeId last = early();
  EXPECT_EQ(last.origin, before.origin + 1);  // of those that are reserved
  ASSERT_NO_FATAL_FAILURE(restored("b", made.backup.id));
  for (int i = 0; i < 3; ++i) EXPECT_GT(early().origin, last.origin + (uint64_t{1} << 31));
  expect_sound();
}

TEST_F(RestoreTest, ADamagedOrPartialBackupIsRefusedByName) {
  for (int i = 0; i < 50; ++i) put(str("/f", i), std::string(5000, 'x'));
  std::string id = backup().backup.id;
  put("/more", "more");
  host.reset();
  for (const std::string& key : keys()) {
    object::Waiter<std::string> got;
    place->get(key, std::nullopt, Clock::Instant::max(), got.done());
    std::string good = *got.wait();
    auto put_back = [&](const std::string& bytes) {
      object::Waiter<> put;
      place->put(key, std::make_shared<const std::string>(bytes), {}, Clock::Instant::max(),
                 put.done());
      ASSERT_TRUE(put.wait());
    };
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 8);
    ASSERT_NO_FATAL_FAILURE(put_back(bad));
    auto damaged = restore_to("damaged");
    ASSERT_FALSE(damaged) << key;
    EXPECT_EQ(damaged.error().code(), Code::data_loss);
    EXPECT_NE(damaged.error().message().find(id), std::string::npos) << damaged.error().message();
    // What is left of it is no namespace, and the next restore begins anew.
    HostOptions options;
    options.directory = temp / "damaged";
    EXPECT_FALSE(ShardHost::open(posix.env(), *store, events, options));
    if (!key.starts_with("manifests/")) {
      object::Waiter<std::vector<object::RemoveFailure>> removed;
      place->remove({key}, Clock::Instant::max(), removed.done());
      ASSERT_TRUE(removed.wait());
      auto partial = restore_to("damaged");
      ASSERT_FALSE(partial) << key;
      EXPECT_NE(partial.error().message().find(key), std::string::npos);
    } else {
      ASSERT_TRUE(remove_tree(posix.files, temp / "damaged"));
    }
    ASSERT_NO_FATAL_FAILURE(put_back(good));
  }
  ASSERT_TRUE(restore_to("damaged"));
  open("damaged");
  EXPECT_EQ(read("/f49"), std::string(5000, 'x'));
}

TEST_F(RestoreTest, ADirectoryThatIsNotEmptyIsLeftAlone) {
  put("/f", "f");
  backup();
  auto refused = restore_to("a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::already_exists);
  EXPECT_EQ(read("/f"), "f");
}

TEST_F(RestoreTest, APlaceOfAnotherNamespaceIsRefused) {
  put("/f", "f");
  backup();
  open("other");
  store = std::make_unique<object::MemoryStore>(*store_home, posix.clock);
  open("other");
  ASSERT_TRUE(call(Method::init, codec::encoded(codec::InitRequest())));
  auto refused = ask<codec::BackupReply>(Method::backup, codec::BackupRequest{"file:///place"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::failed_precondition);
}

}  // namespace
}  // namespace nokv::server
