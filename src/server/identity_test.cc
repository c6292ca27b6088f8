#include "server/identity.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/sim/sim_random.h"

namespace nokv::server {
namespace {

constexpr std::string_view kId = "0123456789abcdeffedcba9876543210";

std::string golden() {
  std::ifstream in(NOKV_SOURCE_DIR "/src/server/testdata/identity.v1.txt");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Identity, IsWrittenAndReadAsTheGoldenFile) {
  EXPECT_EQ(encode_identity(kId), golden());
  EXPECT_EQ(decode_identity(golden()).value(), kId);
}

TEST(Identity, OfAnotherFormatIsRefusedWithItsNumber) {
  Error error = decode_identity("nokv data directory, format 12\nwhat follows\n").error();
  EXPECT_EQ(error.code(), Code::failed_precondition);
  EXPECT_NE(error.message().find("format 12;"), std::string::npos) << error.message();
}

TEST(Identity, WithAnyByteChangedOrMissingIsRefused) {
  std::string text = golden();
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(decode_identity(text.substr(0, i)).error().code(), Code::data_loss) << i;
    std::string bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    EXPECT_FALSE(decode_identity(bad)) << i;
  }
  EXPECT_FALSE(decode_identity(text + "\n"));
}

TEST(Identity, IsMadeOfHexDigits) {
  SimRandom random(1);
  std::string one = make_namespace_id(random);
  EXPECT_EQ(decode_identity(encode_identity(one)).value(), one);
  EXPECT_NE(make_namespace_id(random), one);
}

}  // namespace
}  // namespace nokv::server
