#include "codec/frame.h"

#include <algorithm>
#include <cstring>

#include <isa-l/crc.h>

#include "base/check.h"

namespace nokv::codec {

namespace {

// Memory for one gathered message is kept for the next one up to this size.
constexpr size_t kKeptCapacity = 1024;

void put_u16(char* out, uint16_t value) {
  out[0] = static_cast<char>(value & 0xff);
  out[1] = static_cast<char>(value >> 8);
}

void put_u32(char* out, uint32_t value) {
  put_u16(out, static_cast<uint16_t>(value & 0xffff));
  put_u16(out + 2, static_cast<uint16_t>(value >> 16));
}

uint32_t byte_at(const char* in, int index) { return static_cast<unsigned char>(in[index]); }

uint16_t get_u16(const char* in) {
  return static_cast<uint16_t>(byte_at(in, 0) | (byte_at(in, 1) << 8));
}

uint32_t get_u32(const char* in) {
  return byte_at(in, 0) | (byte_at(in, 1) << 8) | (byte_at(in, 2) << 16) | (byte_at(in, 3) << 24);
}

struct Header {
  uint32_t length;
  uint32_t checksum;
};

// The header at `bytes`, which are at least kFrameHeaderSize.
Result<Header> read_header(std::string_view bytes, size_t message_max) {
  Header header{.length = get_u32(bytes.data()), .checksum = get_u32(bytes.data() + 4)};
  if (header.length > message_max) {
    return fail(Code::resource_exhausted, "frame announces ", header.length,
                " bytes, the limit is ", message_max);
  }
  return header;
}

Result<std::optional<std::string_view>> verified(const Header& header, std::string_view message) {
  uint32_t found = crc32c(message);
  if (found != header.checksum) {
    return fail(Code::data_loss, "frame of ", header.length, " bytes has checksum ", found,
                ", its header says ", header.checksum);
  }
  return message;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  // isa-l takes an int and a pointer that is not const; it only reads. Longer input goes in parts.
  constexpr size_t kPart = size_t{1} << 30;
  uint32_t state = ~uint32_t{0};
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, kPart);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(part.data()));
    state = crc32_iscsi(data, static_cast<int>(part.size()), state);
    bytes.remove_prefix(part.size());
  }
  return ~state;
}

std::array<char, kPreambleSize> encode_preamble(const Preamble& preamble) {
  std::array<char, kPreambleSize> out{};
  std::copy(kFrameMagic.begin(), kFrameMagic.end(), out.begin());
  put_u16(out.data() + 4, preamble.version);
  put_u16(out.data() + 6, preamble.flags);
  return out;
}

Result<Preamble> decode_preamble(std::string_view bytes) {
  check(bytes.size() >= kPreambleSize, "a preamble is decoded when it has arrived whole");
  if (!bytes.starts_with(kFrameMagic)) {
    return fail(Code::invalid_argument, "the peer does not speak nokv's protocol");
  }
  Preamble out{.version = get_u16(bytes.data() + 4), .flags = get_u16(bytes.data() + 6)};
  if (out.version != kFrameVersion) {
    return fail(Code::unimplemented, "the peer speaks frame version ", out.version,
                ", this side speaks ", kFrameVersion);
  }
  return out;
}

std::array<char, kFrameHeaderSize> encode_frame_header(std::string_view message) {
  check(message.size() <= UINT32_MAX, "a message is below 4 GiB");
  std::array<char, kFrameHeaderSize> out{};
  put_u32(out.data(), static_cast<uint32_t>(message.size()));
  put_u32(out.data() + 4, crc32c(message));
  return out;
}

void FrameDecoder::feed(std::string_view bytes) {
  check(fed_.empty(), "what was fed before has been used up");
  fed_ = bytes;
}

Result<std::optional<std::string_view>> FrameDecoder::next() {
  if (gathered_) drop_gathered();
  return partial_.empty() ? next_in_place() : next_gathered();
}

Result<std::optional<std::string_view>> FrameDecoder::next_in_place() {
  if (fed_.size() >= kFrameHeaderSize) {
    NOKV_ASSIGN(Header header, read_header(fed_, message_max_));
    if (fed_.size() - kFrameHeaderSize >= header.length) {
      std::string_view message = fed_.substr(kFrameHeaderSize, header.length);
      fed_.remove_prefix(kFrameHeaderSize + header.length);
      return verified(header, message);
    }
  }
  partial_.append(fed_);
  fed_ = {};
  return std::nullopt;
}

Result<std::optional<std::string_view>> FrameDecoder::next_gathered() {
  gather_to(kFrameHeaderSize);
  if (partial_.size() < kFrameHeaderSize) return std::nullopt;
  NOKV_ASSIGN(Header header, read_header(partial_, message_max_));
  gather_to(kFrameHeaderSize + header.length);
  if (partial_.size() < kFrameHeaderSize + header.length) return std::nullopt;
  gathered_ = true;
  return verified(header, std::string_view(partial_).substr(kFrameHeaderSize));
}

void FrameDecoder::gather_to(size_t size) {
  if (partial_.size() >= size) return;
  size_t taken = std::min(size - partial_.size(), fed_.size());
  partial_.append(fed_.substr(0, taken));
  fed_.remove_prefix(taken);
}

void FrameDecoder::drop_gathered() {
  gathered_ = false;
  if (partial_.capacity() > kKeptCapacity) {
    std::string().swap(partial_);  // assigning an empty string would keep the memory
  } else {
    partial_.clear();
  }
}

std::string FrameDecoder::unfinished() const {
  if (gathered_ || partial_.empty()) return {};
  if (partial_.size() < kFrameHeaderSize) {
    return str(partial_.size(), " of ", kFrameHeaderSize, " bytes of a frame header");
  }
  return str(partial_.size() - kFrameHeaderSize, " of ", get_u32(partial_.data()),
             " bytes of a message");
}

}  // namespace nokv::codec
