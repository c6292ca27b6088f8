// A simulated namespace with fsck, and ways to damage it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "codec/crc32c.h"
#include "codec/digester.h"
#include "codec/key.h"
#include "shard/testing/sim_namespace.h"

namespace nokv::shard {

class CheckedNamespace : public testing::Test {
 protected:
  explicit CheckedNamespace(BackgroundOptions background = SimNamespace::quiet_background())
      : ns(1, std::move(background)) {}
  void SetUp() override {
    ASSERT_TRUE(ns.open());
    ASSERT_TRUE(ns.init());
  }

  codec::CommitReply must(std::vector<codec::Operation> operations) {
    auto reply = ns.commit(std::move(operations));
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
    return reply ? *reply : codec::CommitReply();
  }

  codec::FsckReply fsck(const codec::FsckRequest& request = {}) {
    auto reply = ns.call<codec::FsckReply>(codec::Method::fsck, request);
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
    return reply ? *reply : codec::FsckReply();
  }
  static std::string text(const codec::FsckReply& reply) {
    std::string out;
    for (const auto& it : reply.problems) {
      out += str(it.severity, " ", it.code, " ", it.path, " ", it.id, ": ", it.detail, "\n");
    }
    return out;
  }
  void expect_clean(const codec::FsckRequest& request = {}) {
    auto reply = fsck(request);
    EXPECT_EQ(reply.problem_count, 0U) << text(reply);
    EXPECT_GT(reply.checked, 0U);
  }
  // One of the problems has the code; gives the first of them.
  codec::Problem expect_found(std::string_view code, const codec::FsckRequest& request = {}) {
    auto reply = fsck(request);
    for (const auto& it : reply.problems) {
      if (it.code == code) return it;
    }
    ADD_FAILURE() << "no problem '" << code << "' among:\n" << text(reply);
    return {};
  }
  // --repair mends all of it, and a second run is clean.
  void expect_mended() {
    codec::FsckRequest request;
    request.repair = true;
    auto reply = fsck(request);
    EXPECT_GT(reply.problem_count, 0U);
    EXPECT_EQ(reply.repaired, reply.problem_count) << text(reply);
    expect_clean();
  }

  // Writes past the shard, straight into the engine; a change after it makes the shard look again.
  void plant(const std::string& key, std::optional<std::string> value) {
    auto batch = ns.engine().batch();
    if (value) {
      batch->put(key, *value);
    } else {
      batch->remove(key);
    }
    ASSERT_TRUE(ns.engine().write(*batch));
    must({mkdir_op(str("/poke", ++pokes_))});
  }
  std::string stored(const std::string& key) {
    std::string value;
    auto found = ns.engine().snapshot()->get(key, value);
    EXPECT_TRUE(found && *found) << "nothing is stored under the key";
    return value;
  }
  // Reads a record of a versioned table, lets `change` change it, and writes it back.
  template <class T>
  void alter(const std::string& key, const std::function<void(T&)>& change) {
    std::string value = stored(key);
    std::string_view rest = value;
    uint64_t birth = 0;
    T record;
    ASSERT_TRUE(codec::take_birth(rest, birth) && codec::decode(rest, record));
    change(record);
    plant(key, codec::versioned_value(birth, record));
  }
  // The same for tables that hold only the present.
  template <class T>
  void alter_row(const std::string& key, const std::function<void(T&)>& change) {
    T record;
    ASSERT_TRUE(codec::decode(stored(key), record));
    change(record);
    plant(key, codec::encoded(record));
  }
  std::vector<std::string> keys(const std::string& prefix) {
    std::vector<std::string> out;
    auto snapshot = ns.engine().snapshot();
    auto rows = snapshot->iterate(prefix, codec::prefix_end(prefix));
    for (rows->seek(prefix); rows->valid(); rows->next()) out.emplace_back(rows->key());
    return out;
  }
  std::vector<std::string> keys(codec::Table table) { return keys(codec::table_key(table)); }
  std::vector<std::string> past_keys(codec::Table table) {
    std::string prefix = codec::table_key(table);
    prefix[0] = static_cast<char>(static_cast<uint8_t>(prefix[0]) | codec::kPast);
    return keys(prefix);
  }

  codec::NodeId id_of(const std::string& path) {
    auto entry = ns.stat(path);
    EXPECT_TRUE(entry);
    return entry ? entry->id : codec::NodeId();
  }
  uint64_t blob_of(const std::string& path) { return ns.stat(path)->body.blob; }

  static codec::Digest digest_of(codec::DigestKind kind, std::string_view bytes) {
    codec::Digester digester(kind);
    digester.add(bytes);
    return digester.finish();
  }
  // A file whose body lies in the store.
  void put_big(const std::string& path, const std::string& bytes, codec::Digest digest = {}) {
    codec::OpenUpload open;
    open.blobs = static_cast<uint32_t>(codec::blob_count(bytes.size()));
    auto opened = must({open}).results.at(0);
    codec::Publish op;
    op.target.path = path;
    op.mode = 0644;
    op.body.size = bytes.size();
    op.body.digest = std::move(digest);
    op.body.upload = opened.upload;
    op.body.first_blob = opened.first_blob;
    for (size_t at = 0; at < bytes.size(); at += codec::kBlockBytes) {
      auto block = static_cast<uint32_t>(at / codec::kBlockBytes);
      std::string part = bytes.substr(at, codec::kBlockBytes);
      op.body.block_crcs.push_back(crc32c(part));
      put_object(codec::blob_object_name(opened.first_blob, block), part);
    }
    must({op});
  }
  void put_object(const std::string& name, const std::string& bytes) {
    bool done = false;
    ns.store().put(name, std::make_shared<const std::string>(bytes), {},
                   ns.scheduler().clock().now() + std::chrono::hours(1),
                   [&](Result<> put) { done = put.has_value(); });
    ns.scheduler().run_until([&] { return done; }, std::chrono::hours(1));
    ASSERT_TRUE(done);
  }
  codec::GcReply gc() {
    auto reply = ns.call<codec::GcReply>(codec::Method::gc, codec::GcRequest{true, 0});
    EXPECT_TRUE(reply);
    return reply ? *reply : codec::GcReply();
  }

  SimNamespace ns;

 private:
  int pokes_ = 0;
};

inline codec::Operation clone_op(const std::string& from, const std::string& to,
                                 const std::string& from_at = {}) {
  return codec::Clone{{from, {}}, from_at, {to, {}}};
}

}  // namespace nokv::shard
