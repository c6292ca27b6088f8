#include "bench/raw_blocks.h"

#include <algorithm>
#include <utility>

#include "client/http_block.h"
#include "client/wait.h"
#include "codec/crc32c.h"

namespace nokv::bench {
namespace {

constexpr int kAtOnce = 16;
constexpr uint32_t kBlocksPerBlob = codec::kBlobBytes / codec::kBlockBytes;

template <class Reply, class Request>
Result<Reply> ask(Peer& peer, codec::Method method, const Request& request) {
  client::Wait<Reply> reply;
  peer.ask<Reply>(method, request, reply.done());
  return reply.wait();
}

}  // namespace

RawBlocks::RawBlocks(Scene& scene)
    : scene_(scene),
      pool_(scene.env().executors.pool("nokv-raw", kAtOnce)),
      parts_(scene.connect()),
      peer_(scene.peer()) {}

RawBlocks::~RawBlocks() {
  if (upload_ == 0) return;
  // When this fails the upload expires.
  (void)scene_.client().commit_one(codec::CloseUpload{.upload = upload_},
                                   {.call = {std::chrono::seconds(1)}});
}

std::string_view RawBlocks::way() const {
  if (local_ != nullptr) return "local directory";
  return blocks_.empty() || blocks_.front().url.empty() ? "the server" : "presigned URLs";
}

// Takes the directory, when it is one here.
Result<> RawBlocks::reach(const std::string& directory) {
  if (directory.empty() || !parts_.transport->same_machine()) return {};
  const Env& env = scene_.env();
  NOKV_ASSIGN(local_, object::LocalStore::open(env.files, *pool_, env.clock, env.random,
                                               {.root = directory, .parallel_max = kAtOnce}));
  return {};
}

// Asks how the objects of one blob after another may be put.
Result<> RawBlocks::allow(uint64_t first_blob, uint64_t count, uint64_t bytes) {
  bool whole = bytes == codec::kBlockBytes;
  uint64_t per_blob = whole ? kBlocksPerBlob : 1;
  for (uint64_t done = 0, blob = first_blob; done < count; ++blob) {
    auto blocks = static_cast<uint32_t>(std::min(per_blob, count - done));
    codec::AccessRequest request{
        .upload = upload_, .first_blob = blob, .bytes = blocks * bytes, .blocks = blocks};
    NOKV_ASSIGN(auto access, ask<codec::BlobAccess>(*peer_, codec::Method::access, request));
    if (done == 0) NOKV_TRY(reach(access.directory));
    for (uint32_t i = 0; i < blocks; ++i, ++done) {
      blocks_.push_back({blob, i, bytes, i < access.urls.size() ? access.urls[i] : ""});
    }
  }
  return {};
}

Result<std::unique_ptr<RawBlocks>> RawBlocks::for_writing(Scene& scene, uint64_t count,
                                                          uint64_t bytes) {
  std::unique_ptr<RawBlocks> out(new RawBlocks(scene));
  uint64_t blobs =
      bytes == codec::kBlockBytes ? (count + kBlocksPerBlob - 1) / kBlocksPerBlob : count;
  NOKV_ASSIGN(auto opened,
              scene.client().commit_one(codec::OpenUpload{.blobs = static_cast<uint32_t>(blobs)},
                                        scene.write()));
  out->upload_ = opened.result.upload;
  NOKV_TRY(out->allow(opened.result.first_blob, count, bytes));
  return out;
}

Result<std::unique_ptr<RawBlocks>> RawBlocks::of_file(Scene& scene, const std::string& path) {
  std::unique_ptr<RawBlocks> out(new RawBlocks(scene));
  codec::OpenRequest request{.target = {.path = path}};
  NOKV_ASSIGN(auto opened, ask<codec::OpenReply>(*out->peer_, codec::Method::open, request));
  const codec::BodyPlan& plan = opened.plan;
  NOKV_TRY(out->reach(plan.access.directory));
  for (const auto& extent : plan.extents) {
    uint64_t left = extent.blob_bytes;
    for (uint32_t block = 0; left > 0; ++block) {
      uint64_t bytes = std::min(left, codec::kBlockBytes);
      size_t at = out->blocks_.size();
      out->blocks_.push_back(
          {extent.blob, block, bytes, at < plan.access.urls.size() ? plan.access.urls[at] : ""});
      left -= bytes;
    }
  }
  return out;
}

void RawBlocks::put(size_t index, std::shared_ptr<const std::string> bytes, LoadDone done) {
  const Block& it = blocks_[index];
  auto deadline = scene_.clock().now() + scene_.options().deadline;
  if (local_ != nullptr) {
    return local_->put(codec::blob_object_name(it.blob, it.block), std::move(bytes), {}, deadline,
                       std::move(done));
  }
  if (!it.url.empty()) {
    net::HttpClientRequest request{
        .method = "PUT", .url = it.url, .body = std::move(bytes), .deadline = deadline};
    return parts_.http->send(
        std::move(request),
        [done = std::move(done)](Result<net::HttpClientResponse> response) mutable {
          auto body = client::block_of(std::move(response));
          if (!body) return done(std::unexpected(std::move(body).error()));
          done({});
        });
  }
  codec::PutBlockRequest request{.upload = upload_,
                                 .blob = it.blob,
                                 .block = it.block,
                                 .crc = crc32c(*bytes),
                                 .bytes = *bytes};
  parts_.transport->call(codec::Method::put_block, codec::encoded(request),
                         scene_.options().deadline,
                         [done = std::move(done)](Result<std::string> reply) mutable {
                           if (!reply) return done(std::unexpected(std::move(reply).error()));
                           done({});
                         });
}

void RawBlocks::get(size_t index, LoadDone done) {
  const Block& it = blocks_[index];
  auto deadline = scene_.clock().now() + scene_.options().deadline;
  auto got = [done = std::move(done), bytes = it.bytes](Result<std::string> body) mutable {
    if (!body) return done(std::unexpected(std::move(body).error()));
    if (body->size() < bytes) return done(fail(Code::data_loss, "a short object"));
    done({});
  };
  if (local_ != nullptr) {
    return local_->get(codec::blob_object_name(it.blob, it.block), std::nullopt, deadline,
                       std::move(got));
  }
  if (!it.url.empty()) {
    net::HttpClientRequest request{.method = "GET", .url = it.url, .deadline = deadline};
    return parts_.http->send(
        std::move(request),
        [got = std::move(got)](Result<net::HttpClientResponse> response) mutable {
          got(client::block_of(std::move(response)));
        });
  }
  codec::GetBlockRequest request{.blob = it.blob, .block = it.block, .length = it.bytes};
  parts_.transport->call(codec::Method::get_block, codec::encoded(request),
                         scene_.options().deadline, std::move(got));
}

}  // namespace nokv::bench
