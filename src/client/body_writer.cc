#include "client/body_writer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "client/content_type.h"
#include "client/digester.h"
#include "codec/crc32c.h"

namespace nokv::client {

namespace {

constexpr uint32_t kPageBlocks = 256;
constexpr uint32_t kBlocksPerBlob = codec::kBlobBytes / codec::kBlockBytes;

// Fills `buffer` from `at` on; returns how far it is filled: less than its size only at the end.
Result<size_t> fill(Source& source, std::string& buffer, size_t at) {
  while (at < buffer.size()) {
    NOKV_ASSIGN(size_t count, source.read(std::span(buffer).subspan(at)));
    if (count == 0) break;
    at += count;
  }
  return at;
}

// Whether the source gave what was announced, and has no more.
Result<> ends_at(Source& source, uint64_t given, uint64_t announced) {
  char extra = 0;
  if (given == announced) {
    NOKV_ASSIGN(size_t more, source.read(std::span(&extra, 1)));
    given += more;
  }
  if (given == announced) return {};
  return fail(Code::invalid_argument, "the source gave ", given > announced ? "more than " : "",
              given > announced ? announced : given, " bytes instead of ", announced);
}

// A block's bytes, which hold their part of the budget as long as anybody has them.
struct Buffer {
  std::string bytes;
  MemoryBudget::Share share;
};

}  // namespace

struct BodyWriter::Flight {
  std::mutex mutex;
  std::condition_variable landed;
  size_t count = 0;
  std::optional<Error> error;  // the first
  std::stop_source abandoned;

  void start() {
    std::lock_guard lock(mutex);
    ++count;
  }
  void land(const Result<>& result) {
    {
      std::lock_guard lock(mutex);
      if (!result && !error) error = result.error();
      --count;
      landed.notify_all();
    }
    if (!result) abandoned.request_stop();
  }
  Result<> failure() {
    std::lock_guard lock(mutex);
    if (error) return std::unexpected(*error);
    return {};
  }
  void wait() {
    std::unique_lock lock(mutex);
    landed.wait(lock, [this] { return count == 0; });
  }
};

BodyWriter::BodyWriter(Core& core, CallOptions call)
    : core_(core), call_(std::move(call)), flight_(std::make_shared<Flight>()) {}

BodyWriter::~BodyWriter() {
  flight_->abandoned.request_stop();
  if (!committed_) close_uploads();
  flight_->wait();
}

void BodyWriter::close_uploads() {
  if (uploads_.empty()) return;
  std::vector<codec::OperationBox> closing;
  for (uint64_t upload : uploads_) closing.push_back({codec::CloseUpload{.upload = upload}});
  CallOptions soon{.deadline = std::min<Duration>(core_.time_max(call_), std::chrono::seconds(1))};
  // When nobody hears it the upload expires.
  (void)core_.commit(std::move(closing), {.call = soon});
}

std::vector<uint64_t> BodyWriter::uploads() const { return uploads_; }

Result<codec::NewBody> BodyWriter::write(std::string_view path, Source& source,
                                         const BodyOptions& options, bool digest_wanted,
                                         uint64_t blobs_to_come) {
  DigestChoice choice = options.digest.value_or(core_.options.digest);
  Digester digester(digest_wanted ? choice : DigestChoice::none, options.size);
  std::string head(codec::kInlineMax + 1, '\0');
  auto count = fill(source, head, 0);
  if (!count) return std::unexpected(std::move(count).error().within(str("reading for ", path)));
  bool whole = *count < head.size();
  head.resize(*count);
  if (whole && options.size && *options.size != *count) {
    return fail(Code::invalid_argument, path, ": the source gave ", *count, " bytes instead of ",
                *options.size);
  }
  std::string type = options.content_type;
  if (type.empty() && options.guess_content_type) type = content_type(path, head);
  Result<codec::NewBody> body;
  if (whole && inline_total_ + *count <= kInlineTotalMax) {
    body = inline_body(std::move(head), digester);
  } else {
    body = upload(source, options, std::move(head), digester, blobs_to_come);
  }
  if (!body) return std::unexpected(std::move(body).error().within(str("body of ", path)));
  body->content_type = std::move(type);
  body->producer = options.producer.value_or(core_.options.producer);
  return body;
}

Result<codec::NewBody> BodyWriter::inline_body(std::string bytes, Digester& digester) {
  codec::NewBody body;
  body.size = bytes.size();
  digester.add(bytes);
  body.digest = digester.finish();
  if (!bytes.empty()) body.block_crcs.push_back(crc32c(bytes));
  inline_total_ += bytes.size();
  body.bytes = std::move(bytes);
  return body;
}

// `head` is what was read already.
Result<codec::NewBody> BodyWriter::upload(Source& source, const BodyOptions& options,
                                          std::string head, Digester& digester,
                                          uint64_t blobs_to_come) {
  std::optional<uint64_t> size = options.size;
  if (head.size() <= codec::kInlineMax) size = head.size();  // that is all
  uint64_t size_max = size.value_or(kUnknownSizeMax);
  NOKV_ASSIGN(Blobs blobs, take_blobs(codec::blob_count(size_max), blobs_to_come));
  page_ = {};
  codec::NewBody body;
  body.upload = blobs.upload;
  body.first_blob = blobs.first;
  for (uint32_t block = 0;; ++block) {
    NOKV_ASSIGN(Piece piece, read_block(source, head, size_max - body.size));
    if (!piece.bytes->empty()) {
      body.size += piece.bytes->size();
      digester.add(*piece.bytes);
      body.block_crcs.push_back(crc32c(*piece.bytes));
      NOKV_TRY(put(blobs, size_max, block, body.block_crcs.back(), std::move(piece.bytes)));
    }
    if (piece.last) break;
    if (body.size == size_max) {
      if (size) break;
      return fail(Code::invalid_argument, "a body whose size is not told ends at ", size_max,
                  " bytes");
    }
  }
  if (size) NOKV_TRY(ends_at(source, body.size, *size));
  body.digest = digester.finish();
  return body;
}

// The next block: what is left of `head`, then what the source gives.
Result<BodyWriter::Piece> BodyWriter::read_block(Source& source, std::string& head,
                                                 uint64_t size_left) {
  if (call_.stop.stop_requested()) return fail(Code::cancelled, "the caller gave up");
  NOKV_TRY(flight_->failure());
  auto wanted = static_cast<size_t>(std::min<uint64_t>(codec::kBlockBytes, size_left));
  NOKV_ASSIGN(MemoryBudget::Share share, core_.memory->take(wanted, call_.stop));
  auto buffer = std::make_shared<Buffer>();
  buffer->share = std::move(share);
  size_t begun = std::min(head.size(), wanted);
  buffer->bytes.resize_and_overwrite(wanted, [&](char* to, size_t size) {
    head.copy(to, begun);
    return size;
  });
  head.erase(0, begun);
  NOKV_ASSIGN(size_t filled, fill(source, buffer->bytes, begun));
  bool last = filled < wanted;
  buffer->bytes.resize(filled);
  return Piece{std::shared_ptr<const std::string>(buffer, &buffer->bytes), last};
}

// `count` consecutive blobs, from what is left of the newest upload or from another one.
Result<BodyWriter::Blobs> BodyWriter::take_blobs(uint64_t count, uint64_t to_come) {
  if (count > kUploadBlobsMax) {
    return fail(Code::invalid_argument, "a body has at most ", kUploadBlobsMax * codec::kBlobBytes,
                " bytes");
  }
  if (free_count_ < count) {
    uint64_t asked = std::min(count + to_come, kUploadBlobsMax);
    std::vector<codec::OperationBox> opening;
    opening.push_back({codec::OpenUpload{.blobs = static_cast<uint32_t>(asked)}});
    auto opened = core_.commit(std::move(opening), {.call = call_});
    if (!opened) return std::unexpected(std::move(opened).error().within("opening an upload"));
    const codec::OperationResult& result = opened->results.front();
    free_ = {result.upload, result.first_blob};
    free_count_ = asked;
    uploads_.push_back(result.upload);
  }
  Blobs taken = free_;
  free_.first += count;
  free_count_ -= count;
  return taken;
}

// Sees to it that page_ tells how to reach `block` of the body.
Result<> BodyWriter::need_page(const Blobs& blobs, uint64_t bytes, uint32_t block) {
  bool has_urls = !page_.access.urls.empty();
  bool inside = block >= page_.first && block < page_.first + page_.count;
  bool expired =
      page_.access.expires_ns != 0 && to_unix_ns(core_.env.clock.wall()) >= page_.access.expires_ns;
  if (page_.count > 0 && !expired && (inside || !has_urls)) return {};
  codec::AccessRequest request{.upload = blobs.upload,
                               .first_blob = blobs.first,
                               .bytes = bytes,
                               .first_block = block,
                               .blocks = std::min(kPageBlocks, codec::block_count(bytes) - block)};
  auto access = core_.ask<codec::BlobAccess>(codec::Method::access, request, call_);
  if (!access) return std::unexpected(std::move(access).error().within("asking where blocks go"));
  if (!access->urls.empty() && access->urls.size() != request.blocks) {
    return fail(Code::data_loss, "asked for ", request.blocks, " URLs, got ", access->urls.size());
  }
  page_ = {std::move(*access), block, request.blocks};
  core_.blocks.prepare(page_.access);
  return {};
}

Result<> BodyWriter::put(const Blobs& blobs, uint64_t bytes, uint32_t block, uint32_t crc,
                         std::shared_ptr<const std::string> data) {
  NOKV_TRY(need_page(blobs, bytes, block));
  BlockPlace place{.blob = blobs.first + block / kBlocksPerBlob,
                   .block = block % kBlocksPerBlob,
                   .bytes = data->size(),
                   .crc = crc,
                   .upload = blobs.upload,
                   .directory = page_.access.directory,
                   .through_server = page_.access.through_server};
  if (!page_.access.urls.empty()) place.url = page_.access.urls[block - page_.first];
  flight_->start();
  BlockIo::Limit limit{core_.time_max(call_), flight_->abandoned.get_token()};
  auto landed = [flight = flight_](const Result<>& result) { flight->land(result); };
  if (place.url.empty()) {
    core_.blocks.put(std::move(place), std::move(data), limit, std::move(landed));
    return {};
  }
  // An URL may have expired while the block waited for its turn: one more is asked for.
  codec::AccessRequest again{.upload = blobs.upload,
                             .first_blob = blobs.first,
                             .bytes = bytes,
                             .first_block = block,
                             .blocks = 1};
  core_.blocks.put(
      place, data, limit,
      [&core = core_, place, data, limit, again, landed](const Result<>& result) mutable {
        if (result || result.error().code() != Code::permission_denied) return landed(result);
        auto retry = [&core, place, data, limit, landed](Result<codec::BlobAccess> access) mutable {
          if (!access) return landed(std::unexpected(std::move(access).error()));
          place.url = access->urls.empty() ? std::string() : access->urls.front();
          core.blocks.put(std::move(place), std::move(data), limit, std::move(landed));
        };
        core.caller.ask<codec::BlobAccess>(codec::Method::access, again,
                                           core.env.clock.now() + limit.time, std::move(retry));
      });
  return {};
}

Result<> BodyWriter::finish() {
  flight_->wait();
  return flight_->failure();
}

}  // namespace nokv::client
