#include "base/escape.h"

#include <gtest/gtest.h>

namespace nokv {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Escape, OrdinaryTextStaysAsItIs) {
  EXPECT_EQ(escaped("a b/\"c\" é 漢 😀"), "a b/\"c\" é 漢 😀");
  EXPECT_EQ(json("a b é 😀"), "\"a b é 😀\"");
}

TEST(Escape, ControlCharactersAreSpelledOut) {
  EXPECT_EQ(escaped(std::string_view("\x1b[31m\n\r\t\0\x7f\\", 11)),
            "\\x1b[31m\\n\\r\\t\\x00\\x7f\\\\");
  EXPECT_EQ(escaped("\xc2\x9b"), "\\u{009b}");  // C1
  EXPECT_EQ(json("\x1b\n\"\\"), "\"\\u001b\\n\\\"\\\\\"");
}

TEST(Escape, BidirectionalOverridesAndInvisiblesAreSpelledOut) {
  EXPECT_EQ(escaped("a\u202eb\u2066\u200f\u061c"), "a\\u{202e}b\\u{2066}\\u{200f}\\u{061c}");
  EXPECT_EQ(json("\u202e\u2028"), "\"\\u202e\\u2028\"");
  EXPECT_EQ(escaped("\U000e0041"), "\\u{0e0041}");
  EXPECT_EQ(json("\U000e0041"), "\"\\udb40\\udc41\"");
}

TEST(Escape, WhatIsNoUtf8IsNeverPassedOn) {
  // A lone continuation, a cut character, an overlong slash, a surrogate, above U+10FFFF.
  EXPECT_EQ(escaped("\x80"), "\\x80");
  EXPECT_EQ(escaped("\xe6\xbc"), "\\xe6\\xbc");
  EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(escaped("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
  EXPECT_EQ(escaped("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(json("a\xff"), "\"a\\ufffd\"");
}

}  // namespace
}  // namespace nokv
