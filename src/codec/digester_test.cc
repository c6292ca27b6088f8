#include "codec/digester.h"

#include <string>

#include <gtest/gtest.h>

namespace nokv::codec {
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

TEST(Digester, Sha256IsTheOneOfFips180) {
  Digester digester(DigestKind::sha256);
  digester.add("a");
  digester.add("bc");
  EXPECT_EQ(hex(digester.finish().bytes),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digester, Xxh3OfNothingIsTheKnownOne) {
  Digester digester(DigestKind::xxh3_128);
  EXPECT_EQ(hex(digester.finish().bytes), "99aa06d3014798d86001c324468d497f");
}

TEST(Digester, NoneIsNone) {
  Digester digester(DigestKind::none);
  digester.add("abc");
  EXPECT_EQ(digester.finish(), Digest());
}

}  // namespace
}  // namespace nokv::codec
