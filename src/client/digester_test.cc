#include "client/digester.h"

#include <string>

#include <gtest/gtest.h>

namespace nokv::client {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    char text[3];
    snprintf(text, sizeof text, "%02x", static_cast<unsigned>(static_cast<uint8_t>(c)));
    out += text;
  }
  return out;
}

codec::DigestKind kind_of(DigestChoice choice, std::optional<uint64_t> told, uint64_t size) {
  Digester digester(choice, told);
  std::string piece(1 << 20, 'x');
  for (uint64_t done = 0; done < size; done += piece.size()) {
    digester.add(std::string_view(piece).substr(0, size - done));
  }
  return digester.finish().kind;
}

TEST(Digester, Sha256IsTheOneOfFips180) {
  Digester digester(DigestChoice::sha256, 3);
  digester.add("a");
  digester.add("bc");
  EXPECT_EQ(hex(digester.finish().bytes),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digester, Xxh3OfNothingIsTheKnownOne) {
  Digester digester(DigestChoice::xxh3_128, 0);
  EXPECT_EQ(hex(digester.finish().bytes), "99aa06d3014798d86001c324468d497f");
}

TEST(Digester, BodiesUpTo64MiBGetSha256AndLargerOnesXxh3) {
  EXPECT_EQ(kind_of(DigestChoice::by_size, kSha256Max, kSha256Max), codec::DigestKind::sha256);
  EXPECT_EQ(kind_of(DigestChoice::by_size, kSha256Max + 1, kSha256Max + 1),
            codec::DigestKind::xxh3_128);
}

TEST(Digester, ABodyOfUntoldSizeGetsTheSameKind) {
  EXPECT_EQ(kind_of(DigestChoice::by_size, {}, kSha256Max), codec::DigestKind::sha256);
  EXPECT_EQ(kind_of(DigestChoice::by_size, {}, kSha256Max + 1), codec::DigestKind::xxh3_128);
}

TEST(Digester, NoneIsNone) {
  EXPECT_EQ(kind_of(DigestChoice::none, 5, 5), codec::DigestKind::none);
}

}  // namespace
}  // namespace nokv::client
