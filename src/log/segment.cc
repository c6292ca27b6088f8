#include "log/segment.h"

#include <algorithm>
#include <charconv>

namespace nokv::log {
namespace {

constexpr std::string_view kPrefix = "segment-";
constexpr size_t kDigits = 16;
constexpr uint64_t kWindowBytes = 256 << 10;
constexpr uint64_t kScanBytes = 1 << 20;

}  // namespace

std::string segment_name(uint64_t number) {
  char digits[kDigits];
  auto [end, error] = std::to_chars(digits, digits + kDigits, number, 16);
  std::string_view text(digits, static_cast<size_t>(end - digits));
  return str(kPrefix, std::string(kDigits - text.size(), '0'), text);
}

std::optional<uint64_t> segment_number(std::string_view name) {
  if (name.size() != kPrefix.size() + kDigits || !name.starts_with(kPrefix)) return std::nullopt;
  uint64_t number = 0;
  const char* last = name.data() + name.size();
  auto [end, error] = std::from_chars(name.data() + kPrefix.size(), last, number, 16);
  if (error != std::errc() || end != last || segment_name(number) != name) return std::nullopt;
  return number;
}

Result<std::string_view> SegmentReader::bytes(uint64_t offset, uint64_t size, uint64_t limit) {
  size = std::min(size, limit - std::min(limit, offset));
  bool inside = offset >= window_at_ && offset + size <= window_at_ + window_.size();
  if (!inside) {
    uint64_t want = std::min(std::max(size, kWindowBytes), limit - std::min(limit, offset));
    NOKV_ASSIGN(window_, file_->read_at(offset, want));
    window_at_ = offset;
  }
  return std::string_view(window_).substr(offset - window_at_, size);
}

Result<std::optional<SegmentReader::Frame>> SegmentReader::frame_at(uint64_t offset,
                                                                    uint64_t limit) {
  Place place{log_, number_, offset};
  NOKV_ASSIGN(std::string_view head, bytes(offset, kFrameHeaderBytes, limit));
  auto header = decode_frame_header(head, place, std::min(segment_bytes_, limit));
  if (!header) return std::nullopt;
  NOKV_ASSIGN(std::string_view frame, bytes(offset, kFrameHeaderBytes + header->length, limit));
  auto payload = frame_payload(frame, *header);
  if (!payload) return std::nullopt;
  return Frame{*header, *payload, offset + frame_bytes(header->length)};
}

Result<std::optional<uint64_t>> SegmentReader::find_frame(uint64_t from) {
  // Chunks overlap by less than a magic number, so that none is missed between two.
  for (uint64_t at = from; at + kFrameHeaderBytes <= segment_bytes_; at += kScanBytes) {
    NOKV_ASSIGN(std::string chunk, file_->read_at(at, kScanBytes + kFrameAlignment));
    for (size_t i = find_frame_magic(chunk, 0); i != std::string::npos;
         i = find_frame_magic(chunk, i + kFrameAlignment)) {
      NOKV_ASSIGN(auto frame, frame_at(at + i, segment_bytes_));
      if (frame) return at + i;
    }
    if (chunk.size() < kScanBytes) break;
  }
  return std::nullopt;
}

}  // namespace nokv::log
