#include "codec/frame.h"

#include <gtest/gtest.h>

#include "codec/testing/golden.h"

namespace nokv::codec {
namespace {

constexpr size_t kMax = 1 << 20;

std::string view_of(const auto& bytes) { return {bytes.data(), bytes.size()}; }

std::string framed(std::string_view message) {
  return view_of(encode_frame_header(message)).append(message);
}

// The messages in `stream` when it arrives `step` bytes at a time, then the error if there is one.
std::vector<std::string> messages(std::string_view stream, size_t step, size_t max = kMax) {
  FrameDecoder decoder(max);
  std::vector<std::string> out;
  for (; !stream.empty(); stream.remove_prefix(std::min(step, stream.size()))) {
    decoder.feed(stream.substr(0, step));
    while (true) {
      auto next = decoder.next();
      if (!next) {
        out.push_back(next.error().message());
        return out;
      }
      if (!*next) break;
      out.emplace_back(next->value_or(""));
    }
  }
  if (!decoder.unfinished().empty()) out.push_back("unfinished: " + decoder.unfinished());
  return out;
}

TEST(Frame, TheGoldenStreamIsWhatIsWritten) {
  std::string written = view_of(encode_preamble(Preamble{})) + framed("hello") + framed("");
  EXPECT_EQ(written, golden("frame.v1.hex"));
}

TEST(Frame, TheGoldenStreamIsRead) {
  std::string stream = golden("frame.v1.hex");
  ASSERT_GT(stream.size(), kPreambleSize);
  EXPECT_EQ(decode_preamble(stream).value(), Preamble{});
  EXPECT_EQ(messages(std::string_view(stream).substr(kPreambleSize), 1000),
            (std::vector<std::string>{"hello", ""}));
}

TEST(Frame, APreambleOfAnotherProtocolOrVersionIsRefused) {
  EXPECT_EQ(decode_preamble("GET / HT").error().code(), Code::invalid_argument);
  auto newer = encode_preamble(Preamble{.version = 7});
  auto refused = decode_preamble(view_of(newer));
  EXPECT_EQ(refused.error().code(), Code::unimplemented);
  EXPECT_EQ(refused.error().message(), "the peer speaks frame version 7, this side speaks 1");
}

TEST(Frame, FlagsNobodyKnowsAreReadAndIgnored) {
  auto bytes = encode_preamble(Preamble{.flags = 0x8001});
  EXPECT_EQ(decode_preamble(view_of(bytes)).value().flags, 0x8001);
}

TEST(Frame, MessagesAreTheSameHoweverTheStreamIsCut) {
  std::vector<std::string> sent{"",   "a", std::string(300, 'b'), "", std::string(70'000, 'c'),
                                "end"};
  std::string stream;
  for (const std::string& message : sent) stream += framed(message);
  for (size_t step : {1, 2, 7, 8, 9, 64, 1000, 65'536, 1'000'000}) {
    EXPECT_EQ(messages(stream, step), sent) << step;
  }
}

TEST(Frame, AMessageThatArrivedWholeIsNotCopied) {
  std::string stream = framed("abc");
  FrameDecoder decoder(kMax);
  decoder.feed(stream);
  EXPECT_EQ(decoder.next().value().value_or("").data(), stream.data() + kFrameHeaderSize);
  EXPECT_EQ(decoder.held_bytes(), 0u);
}

TEST(Frame, AFlippedBitInMessageOrChecksumIsNoticed) {
  for (size_t at : {4, 7, 8, 12}) {
    std::string stream = framed("hello");
    stream[at] ^= 0x10;
    auto got = messages(stream, 100);
    ASSERT_EQ(got.size(), 1u) << at;
    EXPECT_NE(got[0].find("checksum"), std::string::npos) << got[0];
  }
}

TEST(Frame, AMessageAboveTheLimitIsRefusedByItsHeader) {
  EXPECT_EQ(messages(framed(std::string(100, 'x')), 1000, 100).at(0).size(), 100u);
  std::string header = framed(std::string(101, 'x')).substr(0, kFrameHeaderSize);
  for (size_t step : {1, 8}) {
    EXPECT_EQ(messages(header, step, 100).at(0), "frame announces 101 bytes, the limit is 100");
  }
}

TEST(Frame, MemoryGrowsWithWhatArrivedNotWithWhatWasAnnounced) {
  std::string big(8 << 20, 'x');
  std::string stream = framed(big);
  FrameDecoder decoder(big.size());
  decoder.feed(std::string_view(stream).substr(0, 1000));
  EXPECT_FALSE(decoder.next().value().has_value());
  EXPECT_LE(decoder.held_bytes(), 2048u);
  decoder.feed(std::string_view(stream).substr(1000));
  EXPECT_EQ(decoder.next().value().value_or("").size(), big.size());
  EXPECT_FALSE(decoder.next().value().has_value());
  EXPECT_EQ(decoder.held_bytes(), 0u);
}

TEST(Frame, AnEndInMidMessageTellsHowFarItCame) {
  EXPECT_EQ(messages(framed("hello").substr(0, 10), 3).at(0),
            "unfinished: 2 of 5 bytes of a message");
  EXPECT_EQ(messages(framed("hello").substr(0, 5), 5).at(0),
            "unfinished: 5 of 8 bytes of a frame header");
}

}  // namespace
}  // namespace nokv::codec
