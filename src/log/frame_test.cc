#include "log/frame.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "log/identity.h"
#include "log/segment.h"

namespace nokv::log {
namespace {

// The example of docs/formats/log.md.
const Place kPlace{{0x0123456789abcdef, 0xfedcba9876543210}, 3, 4096};
const Group kGroup{Version{41}, Version{42}, "two records"};

ChainDigest digest_before() {
  ChainDigest digest{};
  for (size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<uint8_t>(i);
  return digest;
}

std::string encoded() {
  std::string out;
  encode_frame(out, kPlace, kGroup, digest_before(), chain(digest_before(), kGroup));
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto byte = static_cast<uint8_t>(bytes[i]);
    out += digits[byte >> 4];
    out += digits[byte & 15];
    out += i % 16 == 15 || i + 1 == bytes.size() ? '\n' : ' ';
  }
  return out;
}

std::string from_hex(const std::string& text) {
  std::string out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    out += static_cast<char>(std::strtoul(word.c_str(), nullptr, 16));
  }
  return out;
}

std::string golden(const std::string& name) {
  std::ifstream file(std::string(NOKV_LOG_TESTDATA) + "/" + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(LogFrame, IsWrittenAsTheGoldenFile) {
  EXPECT_EQ(to_hex(encoded()), golden("log_frame.v1.hex"));
}

TEST(LogFrame, TheGoldenFileIsRead) {
  std::string frame = from_hex(golden("log_frame.v1.hex"));
  FrameHeader header = decode_frame_header(frame, kPlace, 8192).value();
  EXPECT_EQ(header.first, kGroup.first);
  EXPECT_EQ(header.last, kGroup.last);
  EXPECT_EQ(header.before, digest_before());
  EXPECT_EQ(header.after, chain(digest_before(), kGroup));
  EXPECT_EQ(frame_payload(frame, header), kGroup.bytes);
}

TEST(LogFrame, EveryFlippedBitIsSeen) {
  std::string good = encoded();
  for (size_t bit = 0; bit < 8 * (kFrameHeaderBytes + kGroup.bytes.size()); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    auto header = decode_frame_header(bad, kPlace, 8192);
    ASSERT_FALSE(header && frame_payload(bad, *header)) << bit;
  }
}

TEST(LogFrame, AFrameThatReachesBeyondTheSegmentIsNone) {
  std::string frame = encoded();
  EXPECT_TRUE(decode_frame_header(frame, kPlace, kPlace.offset + frame.size()));
  EXPECT_FALSE(decode_frame_header(frame, kPlace, kPlace.offset + frame.size() - 8));
  EXPECT_FALSE(decode_frame_header(frame, kPlace, 0));
}

TEST(LogFrame, AShorterPayloadThanTheHeaderSaysIsNone) {
  std::string frame = encoded();
  auto header = decode_frame_header(frame, kPlace, 8192).value();
  EXPECT_FALSE(frame_payload(std::string_view(frame).substr(0, kFrameHeaderBytes + 5), header));
}

TEST(LogChain, DependsOnEveryPart) {
  ChainDigest plain = chain({}, kGroup);
  EXPECT_NE(plain, chain(digest_before(), kGroup));
  EXPECT_NE(plain, chain({}, {Version{40}, kGroup.last, kGroup.bytes}));
  EXPECT_NE(plain, chain({}, {kGroup.first, Version{43}, kGroup.bytes}));
  EXPECT_NE(plain, chain({}, {kGroup.first, kGroup.last, "two recordS"}));
}

TEST(LogIdentity, IsWrittenAndReadAsTheGoldenFile) {
  Identity identity{
      .log = kPlace.log, .segment_bytes = 67108864, .epoch = Epoch{7}, .node = "host a"};
  EXPECT_EQ(encode_identity(identity), golden("log_identity.v1.txt"));
  EXPECT_EQ(decode_identity(golden("log_identity.v1.txt")).value(), identity);
}

TEST(LogIdentity, EveryFlippedByteIsSeen) {
  std::string good = encode_identity({.log = kPlace.log, .segment_bytes = 4096});
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ASSERT_FALSE(decode_identity(bad)) << i;
    ASSERT_FALSE(decode_identity(good.substr(0, i))) << i;
  }
}

TEST(SegmentName, GoesToItsNumberAndBack) {
  EXPECT_EQ(segment_name(0x1f), "segment-000000000000001f");
  EXPECT_EQ(segment_number("segment-000000000000001f"), 0x1fu);
  for (std::string_view bad : {"segment-1f", "segment-000000000000001F", "segment-00000000000000 1",
                               "spare-segment-000000000000001f", "segment-000000000000001f.tmp"}) {
    EXPECT_FALSE(segment_number(bad)) << bad;
  }
}

}  // namespace
}  // namespace nokv::log
