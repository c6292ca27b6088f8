// A group as it lies in a segment file: docs/formats/log.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "log/log_store.h"

namespace nokv::log {

// Made at random with the log; frames of another log are never taken for its own.
struct LogId {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const LogId&) const = default;
};

// Where a frame stands. It is written into the frame, so bytes that came to stand elsewhere (an
// old segment's, or a copy of a frame inside a payload) are no frame there.
struct Place {
  LogId log;
  uint64_t segment = 0;
  uint64_t offset = 0;
};

constexpr size_t kFrameHeaderBytes = 96;
constexpr size_t kFrameAlignment = 8;

// The bytes a frame with a payload of `length` takes, padding included.
constexpr uint64_t frame_bytes(uint64_t length) {
  return (kFrameHeaderBytes + length + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

struct FrameHeader {
  uint32_t crc = 0;
  Version first;
  Version last;
  uint32_t length = 0;
  ChainDigest before{};
  ChainDigest after{};
};

// Replaces `out` with the frame of `group`, whose digest is `after`.
void encode_frame(std::string& out, const Place& place, const Group& group,
                  const ChainDigest& before, const ChainDigest& after);

// The header in the first kFrameHeaderBytes of `bytes`; nullopt when it is none that stands at
// `place`, or its frame would reach beyond `segment_bytes`. The checksum is not looked at.
std::optional<FrameHeader> decode_frame_header(std::string_view bytes, const Place& place,
                                               uint64_t segment_bytes);

// The payload, when `frame` (header, payload; padding or more may follow) has the right checksum.
std::optional<std::string_view> frame_payload(std::string_view frame, const FrameHeader& header);

// Where in `bytes` the next frame might begin, at or after `from`, which is aligned; npos for
// nowhere. It looks only at the first eight bytes a frame could have.
size_t find_frame_magic(std::string_view bytes, size_t from);

}  // namespace nokv::log
