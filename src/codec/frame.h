// Messages on a byte stream: a preamble once per direction, then length, checksum and bytes of
// each.
//
// Format: docs/formats/frame.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nokv::codec {

// CRC-32C (Castagnoli) of `bytes`.
uint32_t crc32c(std::string_view bytes);

constexpr std::string_view kFrameMagic = "nkv1";
constexpr uint16_t kFrameVersion = 1;
constexpr size_t kPreambleSize = 8;
constexpr size_t kFrameHeaderSize = 8;

// What each side sends first.
struct Preamble {
  uint16_t version = kFrameVersion;
  uint16_t flags = 0;  // bits that the reader does not know are ignored

  bool operator==(const Preamble&) const = default;
};

std::array<char, kPreambleSize> encode_preamble(const Preamble& preamble);

// `bytes` are the first kPreambleSize of a stream. Errors: invalid_argument when the peer does not
// speak nokv, unimplemented when it speaks another version.
Result<Preamble> decode_preamble(std::string_view bytes);

// What stands before `message` on the stream. The message has less than 4 GiB; what the peer
// accepts is the caller's to know.
std::array<char, kFrameHeaderSize> encode_frame_header(std::string_view message);

// Takes the bytes of a stream as they arrive, after the preamble, and gives back whole messages.
// A message that lies whole in what was fed is not copied; one that arrives in pieces is gathered
// in memory that grows with the bytes that came, not with the length that was announced.
// Home: one thread.
class FrameDecoder {
 public:
  // Messages above `message_max` bytes are refused.
  explicit FrameDecoder(size_t message_max) : message_max_(message_max) {}

  // Hands over the next bytes; next() must have said that it needs more. They must stay where they
  // are until it says so again.
  void feed(std::string_view bytes);

  // The next message, valid until the next call; nothing when more bytes are needed; or why the
  // stream is broken: resource_exhausted (longer than the limit), data_loss (wrong checksum). After
  // an error there is no next message: call neither function again.
  Result<std::optional<std::string_view>> next();

  // Bytes of memory held for a message that arrived in part.
  size_t held_bytes() const {
    return partial_.capacity() > kInlineCapacity ? partial_.capacity() : 0;
  }

  // "12 of 340 bytes of a message", or "" between messages: for errors when a stream ends.
  std::string unfinished() const;

 private:
  static constexpr size_t kInlineCapacity = 15;  // of std::string

  Result<std::optional<std::string_view>> next_in_place();
  Result<std::optional<std::string_view>> next_gathered();
  void gather_to(size_t size);
  void drop_gathered();

  size_t message_max_;
  std::string_view fed_;
  std::string partial_;    // header and bytes of a message that did not arrive whole
  bool gathered_ = false;  // partial_ was given out and is to be dropped
};

}  // namespace nokv::codec
