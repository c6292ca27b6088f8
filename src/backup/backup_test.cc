#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backup/check.h"
#include "backup/known.h"
#include "backup/repository.h"
#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "object/memory_store.h"

namespace nokv::backup {
namespace {

using codec::BackupManifest;

BackupManifest manifest(std::string id, std::vector<codec::BackupPart> parts) {
  BackupManifest out{.id = std::move(id), .namespace_id = "n"};
  out.files.push_back({"CURRENT", std::move(parts)});
  return out;
}

class RepositoryTest : public testing::Test {
 protected:
  void SetUp() override {
    executor = posix.executors.serial("store");
    store = std::make_unique<object::MemoryStore>(*executor, posix.clock);
    again();
  }
  // As a server that was started anew.
  void again() { repository = std::make_unique<Repository>(posix.env(), *store, "p/"); }

  Result<std::string> read_part(const codec::BackupPart& part) {
    return repository->read({{PartKind::file, part}}).next();
  }

  void damage(const std::string& key, const std::string& bytes) {
    object::Waiter<> put;
    store->put(key, std::make_shared<const std::string>(bytes), {}, Clock::Instant::max(),
               put.done());
    ASSERT_TRUE(put.wait());
  }

  PosixEnv posix;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<object::MemoryStore> store;
  std::unique_ptr<Repository> repository;
};

TEST_F(RepositoryTest, EqualPartsAreOneObject) {
  ASSERT_TRUE(repository->look());
  auto one = repository->put_part(PartKind::file, "bytes");
  auto two = repository->put_part(PartKind::file, "bytes");
  ASSERT_TRUE(one && two && repository->settle());
  EXPECT_EQ(one->hash, two->hash);
  EXPECT_EQ(repository->counters().objects_put, 1U);
  again();
  ASSERT_TRUE(repository->look());
  ASSERT_TRUE(repository->put_part(PartKind::file, "bytes"));
  ASSERT_TRUE(repository->put_part(PartKind::log, "bytes"));
  ASSERT_TRUE(repository->settle());
  EXPECT_EQ(repository->counters().objects_put, 1U);  // the log's
}

TEST_F(RepositoryTest, ADamagedPartIsNamed) {
  ASSERT_TRUE(repository->look());
  auto part = repository->put_part(PartKind::file, "bytes");
  ASSERT_TRUE(part && repository->settle());
  EXPECT_EQ(read_part(*part), "bytes");
  std::string key = "p/files/" + hex(part->hash);
  for (const char* bad : {"bytez", "byte", ""}) {
    ASSERT_NO_FATAL_FAILURE(damage(key, bad));
    auto got = read_part(*part);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::data_loss);
    EXPECT_NE(got.error().message().find(key), std::string::npos);
  }
  // One that is shorter is put again.
  again();
  ASSERT_TRUE(repository->look());
  ASSERT_TRUE(repository->put_part(PartKind::file, "bytes"));
  ASSERT_TRUE(repository->settle());
  EXPECT_EQ(read_part(*part), "bytes");
}

TEST_F(RepositoryTest, WhatIsKeptKeepsItsPartsAndNoOthers) {
  ASSERT_TRUE(repository->look());
  auto shared = repository->put_part(PartKind::file, "shared");
  auto old = repository->put_part(PartKind::file, "old");
  ASSERT_TRUE(shared && old);
  ASSERT_TRUE(repository->put_manifest(manifest("1", {*shared, *old})));
  ASSERT_TRUE(repository->put_manifest(manifest("2", {*shared})));
  ASSERT_EQ(repository->ids(), (std::vector<std::string>{"1", "2"}));
  ASSERT_TRUE(repository->remove_manifest("1"));
  auto kept = repository->manifests();
  ASSERT_TRUE(kept);
  ASSERT_TRUE(repository->remove_rest(*kept));
  EXPECT_TRUE(read_part(*shared));
  EXPECT_FALSE(read_part(*old));
}

TEST_F(RepositoryTest, ACheckFindsEachObjectThatIsRottenOrGoneAndWhoNeedsIt) {
  ASSERT_TRUE(repository->look());
  std::vector<codec::BackupPart> parts;
  for (int i = 0; i < 40; ++i) {  // more than are on their way at once
    auto part = repository->put_part(PartKind::file, str("part ", i));
    ASSERT_TRUE(part);
    parts.push_back(*part);
  }
  ASSERT_TRUE(repository->put_manifest(manifest("1", {parts.begin(), parts.begin() + 30})));
  ASSERT_TRUE(repository->put_manifest(manifest("2", {parts.begin() + 10, parts.end()})));
  ASSERT_TRUE(repository->put_manifest(manifest("3", {})));
  uint64_t read = 0;
  auto count = [&](uint64_t bytes) { read += bytes; };
  auto whole = check(*repository, count);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->backups, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_TRUE(whole->damages.empty());
  EXPECT_EQ(whole->parts, 40U);
  EXPECT_EQ(whole->bytes, 10 * 6 + 30 * 7);
  EXPECT_EQ(read, whole->bytes);

  auto key = [&](size_t part) { return "p/files/" + hex(parts[part].hash); };
  ASSERT_NO_FATAL_FAILURE(damage(key(5), "parT 5"));
  object::Waiter<std::vector<object::RemoveFailure>> removed;
  store->remove({key(20)}, Clock::Instant::max(), removed.done());
  ASSERT_TRUE(removed.wait());
  ASSERT_NO_FATAL_FAILURE(damage("p/manifests/3", "rubbish"));
  auto report = check(*repository, count);
  ASSERT_TRUE(report);
  std::map<std::string, std::vector<std::string>> found;
  for (const auto& it : report->damages) {
    std::string object = it.problem.contains(key(5))    ? "rotten"
                         : it.problem.contains(key(20)) ? "gone"
                                                        : it.problem;
    found[object] = it.backups;
  }
  EXPECT_EQ(found, (std::map<std::string, std::vector<std::string>>{
                       {"rotten", {"1"}},
                       {"gone", {"1", "2"}},
                       {"backup 3 is damaged: its manifest has a wrong checksum", {"3"}}}));
  EXPECT_EQ(report->parts, 40U);
}

TEST_F(RepositoryTest, ADamagedManifestIsRefusedByName) {
  ASSERT_TRUE(repository->put_manifest(manifest("20261124T000000.000000000Z", {})));
  std::string good = encode_manifest(manifest("20261124T000000.000000000Z", {}));
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(decode_manifest(bad)) << at;
    EXPECT_FALSE(decode_manifest(good.substr(0, at))) << at;
  }
  ASSERT_NO_FATAL_FAILURE(damage("p/manifests/20261124T000000.000000000Z", good.substr(1)));
  auto got = repository->manifest("20261124T000000.000000000Z");
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message().find("20261124T000000"), std::string::npos);
  EXPECT_FALSE(repository->manifests());
}

TEST(Known, IsReadAsItWasWrittenAndNotWhenDamaged) {
  KnownBackups known{{"own", {1, 2, 3}}, {"file:///a b", {-4, 5, 6}}};
  std::string text = encode_known(known);
  EXPECT_EQ(decode_known(text), known);
  for (size_t at = 0; at < text.size(); ++at) {
    std::string bad = text;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(decode_known(bad)) << at;
    EXPECT_FALSE(decode_known(text.substr(0, at))) << at;
  }
}

TEST(Known, IdsSortByTime) {
  EXPECT_EQ(id_at(1'763'961'587'123'456'789), "20251124T051947.123456789Z");
  EXPECT_LT(id_at(999'999'999), id_at(1'000'000'000));
}

}  // namespace
}  // namespace nokv::backup
