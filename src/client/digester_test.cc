#include "client/digester.h"

#include <string>

#include <gtest/gtest.h>

namespace nokv::client {
namespace {

codec::DigestKind kind_of(DigestChoice choice, std::optional<uint64_t> told, uint64_t size) {
  Digester digester(choice, told);
  std::string piece(1 << 20, 'x');
  for (uint64_t done = 0; done < size; done += piece.size()) {
    digester.add(std::string_view(piece).substr(0, size - done));
  }
  return digester.finish().kind;
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
