#include "client/read_plan.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "codec/crc32c.h"

namespace nokv::client {

namespace {

bool has_urls(const codec::PlanExtent& extent) {
  return extent.blob != 0 && extent.bytes.empty() && !extent.external;
}

uint32_t first_block(const codec::PlanExtent& extent) {
  return static_cast<uint32_t>(extent.blob_offset / codec::kBlockBytes);
}

size_t blocks_touched(const codec::PlanExtent& extent) {
  uint64_t last = (extent.blob_offset + extent.length - 1) / codec::kBlockBytes;
  return last - first_block(extent) + 1;
}

// Why the extent makes no sense; empty when it does.
std::string_view wrong_with(const codec::PlanExtent& extent, uint64_t expected_offset) {
  if (extent.offset != expected_offset) return "does not follow the one before";
  if (extent.length == 0 || extent.length > UINT64_MAX - extent.offset) return "has no length";
  if (!extent.bytes.empty()) {
    if (extent.bytes.size() != extent.length) return "carries another number of bytes";
    bool whole = extent.block_crcs.size() == 1 && extent.blob_bytes == extent.bytes.size();
    if (whole && crc32c(extent.bytes) != extent.block_crcs.front()) return "carries damaged bytes";
    return {};
  }
  if (extent.blob == 0) return {};
  if (extent.blob_bytes > codec::kBlobBytes) return "is in a blob that is too long";
  if (extent.blob_offset > extent.blob_bytes ||
      extent.length > extent.blob_bytes - extent.blob_offset) {
    return "goes beyond its blob";
  }
  size_t crcs = extent.external ? 0 : codec::block_count(extent.blob_bytes);
  if (extent.block_crcs.size() != crcs) {
    return "has another number of checksums";
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const ReadPlan>> ReadPlan::make(codec::BodyPlan plan, uint64_t offset,
                                                       uint64_t file_size) {
  std::shared_ptr<ReadPlan> made(new ReadPlan());
  size_t urls = 0;
  made->begin_ = plan.extents.empty() ? offset : std::min(offset, plan.extents.front().offset);
  made->end_ = made->begin_;
  for (const auto& extent : plan.extents) {
    std::string_view wrong = wrong_with(extent, made->end_);
    if (!wrong.empty()) {
      return fail(Code::data_loss, "the read plan's extent at ", extent.offset, " of ",
                  extent.length, " bytes ", wrong);
    }
    made->first_url_.push_back(urls);
    if (has_urls(extent)) urls += blocks_touched(extent);
    made->end_ = extent.offset + extent.length;
  }
  if (!plan.access.urls.empty() && plan.access.urls.size() != urls) {
    return fail(Code::data_loss, "the read plan has ", plan.access.urls.size(), " URLs for ", urls,
                " blocks");
  }
  if (offset < file_size && !made->covers(offset)) {
    return fail(Code::data_loss, "the read plan ends at ", made->end_, " of ", file_size, " bytes");
  }
  made->good_until_ns_ = plan.deadline_ns;
  if (plan.access.expires_ns != 0 && !plan.access.urls.empty()) {
    int64_t until = plan.deadline_ns != 0 ? plan.deadline_ns : plan.access.expires_ns;
    made->good_until_ns_ = std::min(until, plan.access.expires_ns);
  }
  made->extents_ = std::move(plan.extents);
  made->access_ = std::move(plan.access);
  return std::shared_ptr<const ReadPlan>(std::move(made));
}

Piece ReadPlan::piece(uint64_t offset, uint64_t end) const {
  check(covers(offset) && end > offset, "the plan tells of it");
  auto extent = std::prev(
      std::ranges::upper_bound(extents_, offset, std::less<>(), &codec::PlanExtent::offset));
  uint64_t inside = offset - extent->offset;
  Piece piece{.offset = offset,
              .length = std::min(end - offset, extent->length - inside),
              .extent = static_cast<size_t>(extent - extents_.begin())};
  if (!extent->bytes.empty()) {
    piece.kind = Piece::Kind::bytes;
    piece.bytes = std::string_view(extent->bytes).substr(inside, piece.length);
  } else if (extent->blob != 0) {
    uint64_t in_blob = extent->blob_offset + inside;
    piece.kind = Piece::Kind::block;
    piece.blob = extent->blob;
    piece.block = static_cast<uint32_t>(in_blob / codec::kBlockBytes);
    piece.from = in_blob % codec::kBlockBytes;
    piece.length = std::min(piece.length, codec::kBlockBytes - piece.from);
  }
  return piece;
}

BlockPlace ReadPlan::place(const Piece& piece) const {
  const codec::PlanExtent& extent = extents_.at(piece.extent);
  uint64_t start = uint64_t{piece.block} * codec::kBlockBytes;
  BlockPlace place{.blob = piece.blob,
                   .block = piece.block,
                   .bytes = std::min(codec::kBlockBytes, extent.blob_bytes - start),
                   .through_server = access_.through_server};
  if (extent.external) return place;
  place.crc = extent.block_crcs.at(piece.block);
  place.directory = access_.directory;
  if (!access_.urls.empty()) {
    place.url = access_.urls.at(first_url_.at(piece.extent) + piece.block - first_block(extent));
  }
  return place;
}

}  // namespace nokv::client
