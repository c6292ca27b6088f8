#include "log/frame.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "codec/crc32c.h"

namespace nokv::log {
namespace {

constexpr std::string_view kMagic = "nkvlogF1";  // the last character is the format's version

// Field offsets; docs/formats/log.md.
constexpr size_t kCrcAt = 8;
constexpr size_t kLengthAt = 12;
constexpr size_t kLogHighAt = 16;
constexpr size_t kLogLowAt = 24;
constexpr size_t kSegmentAt = 32;
constexpr size_t kOffsetAt = 40;
constexpr size_t kFirstAt = 48;
constexpr size_t kLastAt = 56;
constexpr size_t kBeforeAt = 64;
constexpr size_t kAfterAt = 80;
static_assert(kAfterAt + sizeof(ChainDigest) == kFrameHeaderBytes);

void put_number(std::string& out, size_t at, uint64_t number, size_t size) {
  for (size_t i = 0; i < size; ++i) out[at + i] = static_cast<char>(number >> (8 * i));
}

uint64_t number_at(std::string_view bytes, size_t at, size_t size) {
  uint64_t number = 0;
  for (size_t i = size; i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  return number;
}

uint64_t u64_at(std::string_view bytes, size_t at) { return number_at(bytes, at, 8); }

// Of everything that follows the checksum field, up to the end of the payload.
uint32_t frame_crc(std::string_view frame, uint32_t length) {
  return crc32c(frame.substr(kLengthAt, kFrameHeaderBytes - kLengthAt + length));
}

}  // namespace

void encode_frame(std::string& out, const Place& place, const Group& group,
                  const ChainDigest& before, const ChainDigest& after) {
  check(group.bytes.size() <= UINT32_MAX, "a group's length has 32 bits");
  auto length = static_cast<uint32_t>(group.bytes.size());
  out.assign(kFrameHeaderBytes, '\0');
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  put_number(out, kLengthAt, length, 4);
  put_number(out, kLogHighAt, place.log.high, 8);
  put_number(out, kLogLowAt, place.log.low, 8);
  put_number(out, kSegmentAt, place.segment, 8);
  put_number(out, kOffsetAt, place.offset, 8);
  put_number(out, kFirstAt, group.first.value(), 8);
  put_number(out, kLastAt, group.last.value(), 8);
  std::memcpy(out.data() + kBeforeAt, before.data(), before.size());
  std::memcpy(out.data() + kAfterAt, after.data(), after.size());
  out += group.bytes;
  put_number(out, kCrcAt, frame_crc(out, length), 4);
  out.resize(frame_bytes(length), '\0');
}

std::optional<FrameHeader> decode_frame_header(std::string_view bytes, const Place& place,
                                               uint64_t segment_bytes) {
  if (bytes.size() < kFrameHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  if (u64_at(bytes, kLogHighAt) != place.log.high || u64_at(bytes, kLogLowAt) != place.log.low ||
      u64_at(bytes, kSegmentAt) != place.segment || u64_at(bytes, kOffsetAt) != place.offset) {
    return std::nullopt;
  }
  FrameHeader header;
  header.crc = static_cast<uint32_t>(number_at(bytes, kCrcAt, 4));
  header.length = static_cast<uint32_t>(number_at(bytes, kLengthAt, 4));
  header.first = Version{u64_at(bytes, kFirstAt)};
  header.last = Version{u64_at(bytes, kLastAt)};
  std::memcpy(header.before.data(), bytes.data() + kBeforeAt, header.before.size());
  std::memcpy(header.after.data(), bytes.data() + kAfterAt, header.after.size());
  uint64_t room = segment_bytes - std::min(segment_bytes, place.offset);
  if (frame_bytes(header.length) > room || header.last < header.first) return std::nullopt;
  return header;
}

std::optional<std::string_view> frame_payload(std::string_view frame, const FrameHeader& header) {
  if (frame.size() < kFrameHeaderBytes + header.length) return std::nullopt;
  if (frame_crc(frame, header.length) != header.crc) return std::nullopt;
  return frame.substr(kFrameHeaderBytes, header.length);
}

size_t find_frame_magic(std::string_view bytes, size_t from) {
  for (size_t at = from;; at += kFrameAlignment - at % kFrameAlignment) {
    at = bytes.find(kMagic, at);
    if (at == std::string_view::npos || at % kFrameAlignment == 0) return at;
  }
}

}  // namespace nokv::log
