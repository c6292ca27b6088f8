#include "shard/testing/checked_namespace.h"

#include <memory>

#include "codec/crc32c.h"

namespace nokv::shard {

void CheckedNamespace::SetUp() {
  ASSERT_TRUE(ns.open());
  ASSERT_TRUE(ns.init());
}

codec::CommitReply CheckedNamespace::must(std::vector<codec::Operation> operations) {
  auto reply = ns.commit(std::move(operations));
  EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
  return reply ? *reply : codec::CommitReply();
}

codec::FsckReply CheckedNamespace::fsck(const codec::FsckRequest& request) {
  auto reply = ns.call<codec::FsckReply>(codec::Method::fsck, request);
  EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
  return reply ? *reply : codec::FsckReply();
}

std::string CheckedNamespace::text(const codec::FsckReply& reply) {
  std::string out;
  for (const auto& it : reply.problems) {
    out += str(it.severity, " ", it.code, " ", it.path, " ", it.id, ": ", it.detail, "\n");
  }
  return out;
}

void CheckedNamespace::expect_clean(const codec::FsckRequest& request) {
  auto reply = fsck(request);
  EXPECT_EQ(reply.problem_count, 0U) << text(reply);
  EXPECT_GT(reply.checked, 0U);
}

codec::Problem CheckedNamespace::expect_found(std::string_view code,
                                              const codec::FsckRequest& request) {
  auto reply = fsck(request);
  for (const auto& it : reply.problems) {
    if (it.code == code) return it;
  }
  ADD_FAILURE() << "no problem '" << code << "' among:\n" << text(reply);
  return {};
}

void CheckedNamespace::expect_mended() {
  codec::FsckRequest request;
  request.repair = true;
  auto reply = fsck(request);
  EXPECT_GT(reply.problem_count, 0U);
  EXPECT_EQ(reply.repaired, reply.problem_count) << text(reply);
  expect_clean();
}

void CheckedNamespace::plant(const std::string& key, std::optional<std::string> value) {
  auto batch = ns.engine().batch();
  if (value) {
    batch->put(key, *value);
  } else {
    batch->remove(key);
  }
  ASSERT_TRUE(ns.engine().write(*batch));
  must({mkdir_op(str("/poke", ++pokes_))});
}

std::string CheckedNamespace::stored(const std::string& key) {
  std::string value;
  auto found = ns.engine().snapshot()->get(key, value);
  EXPECT_TRUE(found && *found) << "nothing is stored under the key";
  return value;
}

std::vector<std::string> CheckedNamespace::keys(const std::string& prefix) {
  std::vector<std::string> out;
  auto snapshot = ns.engine().snapshot();
  auto rows = snapshot->iterate(prefix, codec::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) out.emplace_back(rows->key());
  return out;
}

std::vector<std::string> CheckedNamespace::past_keys(codec::Table table) {
  std::string prefix = codec::table_key(table);
  prefix[0] = static_cast<char>(static_cast<uint8_t>(prefix[0]) | codec::kPast);
  return keys(prefix);
}

codec::NodeId CheckedNamespace::id_of(const std::string& path) {
  auto entry = ns.stat(path);
  EXPECT_TRUE(entry);
  return entry ? entry->id : codec::NodeId();
}

codec::Digest CheckedNamespace::digest_of(codec::DigestKind kind, std::string_view bytes) {
  codec::Digester digester(kind);
  digester.add(bytes);
  return digester.finish();
}

void CheckedNamespace::put_big(const std::string& path, const std::string& bytes,
                               codec::Digest digest) {
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

void CheckedNamespace::put_object(const std::string& name, const std::string& bytes) {
  bool done = false;
  ns.store().put(name, std::make_shared<const std::string>(bytes), {},
                 ns.scheduler().clock().now() + std::chrono::hours(1),
                 [&](Result<> put) { done = put.has_value(); });
  ns.scheduler().run_until([&] { return done; }, std::chrono::hours(1));
  ASSERT_TRUE(done);
}

codec::GcReply CheckedNamespace::gc() {
  auto reply = ns.call<codec::GcReply>(codec::Method::gc, codec::GcRequest{true, 0});
  EXPECT_TRUE(reply);
  return reply ? *reply : codec::GcReply();
}

codec::Operation clone_op(const std::string& from, const std::string& to,
                          const std::string& from_at) {
  return codec::Clone{{from, {}}, from_at, {to, {}}};
}

}  // namespace nokv::shard
