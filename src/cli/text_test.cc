// Names as text, near misses, paths and modes: what people write and read.
#include <gtest/gtest.h>

#include "base/posix/posix_random.h"
#include "cli/mode.h"
#include "cli/name_text.h"
#include "cli/near_miss.h"
#include "cli/paths.h"
#include "cli/render.h"

namespace nokv::cli {
namespace {

TEST(NameText, AnyNameIsReadBackFromItsText) {
  PosixRandom random;
  for (int i = 0; i < 2000; ++i) {
    std::string name(1 + random.next() % 20, '\0');
    for (char& c : name) c = "ab\\x41\xff\xc3\xa9\xe2\x80\xae\x01\n\xf0\x9f"[random.next() % 16];
    EXPECT_EQ(name_bytes(name_text(name)), name) << name_text(name);
    EXPECT_EQ(name_bytes(name_shown(name)), name) << name_shown(name);
  }
}

TEST(NameText, WhatIsNoTextOrPlaysTricksIsEscaped) {
  EXPECT_EQ(name_text("a\xff"), "a\\xff");
  EXPECT_EQ(name_text("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(name_text("a\\x41"), "a\\x5cx41");  // or it would read as "aA"
  EXPECT_EQ(name_shown("a\xe2\x80\xae"
                       "b"),
            "a\\xe2\\x80\\xaeb");  // right-to-left override
  EXPECT_EQ(name_shown("a\x1b[31m"), "a\\x1b[31m");
  EXPECT_EQ(utf8_length("\xed\xa0\x80"), 0);  // a surrogate
  EXPECT_EQ(utf8_length("\xc0\x80"), 0);      // overlong
}

TEST(NameText, AShellTakesQuotedWordsAsTheyAre) {
  EXPECT_EQ(shell_quoted("/a/b-1.txt"), "/a/b-1.txt");
  EXPECT_EQ(shell_quoted("/a b"), "'/a b'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("$(x)"), "'$(x)'");
}

TEST(NearMiss, OneEditInThreeLettersIsNear) {
  std::vector<std::string> names = {"model.bin", "metrics.jsonl", "config.yaml"};
  EXPECT_EQ(near_miss("modle.bin", names), "model.bin");
  EXPECT_EQ(near_miss("Config.YAML", names), "config.yaml");
  EXPECT_EQ(near_miss("metrics", names), "metrics.jsonl");
  EXPECT_EQ(near_miss("something", names), "");
  EXPECT_EQ(near_miss("a", {"b", "c"}), "");  // any letter would be as near
  EXPECT_EQ(near_miss("a", {"A"}), "A");
  EXPECT_EQ(near_miss("same", {"same"}), "");
}

TEST(NearMiss, ASwapIsOneEdit) {
  EXPECT_EQ(edit_distance("statsu", "status", 3), 1);
  EXPECT_EQ(edit_distance("", "abc", 5), 3);
  EXPECT_EQ(edit_distance("abcdef", "ghijkl", 2), 3);  // limit + 1: no nearer look
}

TEST(Paths, AreAbsoluteAndWithoutDots) {
  EXPECT_EQ(parse_path("/a//b/")->path, "/a/b");
  EXPECT_TRUE(parse_path("/a//b/")->slash);
  EXPECT_EQ(parse_path("/")->path, "/");
  EXPECT_EQ(parse_path("/a\\xffb")->path,
            "/a\xff"
            "b");
  EXPECT_EQ(parse_path("a/b").error().hint(), "did you mean '/a/b'?");
  for (const char* bad : {"", "/a/../b", "/./a", "/a\\x00b"}) EXPECT_FALSE(parse_path(bad)) << bad;
}

TEST(Paths, LimitsAreNamed) {
  EXPECT_TRUE(parse_path("/" + std::string(255, 'n')));
  EXPECT_NE(parse_path("/" + std::string(256, 'n')).error().hint().find("255"), std::string::npos);
  std::string deep;
  while (deep.size() < 4097) deep += "/abcdefghi";
  EXPECT_NE(parse_path(deep).error().hint().find("4096"), std::string::npos);
}

TEST(Paths, ACitationNamesAPathAndAGeneration) {
  auto parsed = parse_path(citation("/a b/c@generation:1", 42));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->path, "/a b/c@generation:1");
  EXPECT_EQ(parsed->generation, 42);
  EXPECT_FALSE(parse_path("nokv-native:///a"));
}

TEST(Mode, OctalAndSymbolicModesAreThoseOfChmod) {
  EXPECT_EQ(changed_mode("0644", 0, false), 0644);
  EXPECT_EQ(changed_mode("4755", 0, false), 04755);
  EXPECT_EQ(changed_mode("u+x", 0644, false), 0744);
  EXPECT_EQ(changed_mode("go-w,a+X", 0666, false), 0644);
  EXPECT_EQ(changed_mode("a+X", 0644, true), 0755);
  EXPECT_EQ(changed_mode("g=u", 0640, false), 0660);
  EXPECT_EQ(changed_mode("o=", 0777, false), 0770);
  EXPECT_EQ(changed_mode("u+s,+t", 0755, false), 05755);
  for (const char* bad : {"", "8", "10000", "u", "u?x", "x+r", "u+x,"}) {
    EXPECT_FALSE(changed_mode(bad, 0, false)) << bad;
  }
}

TEST(Mode, IsShownAsLsShowsIt) {
  EXPECT_EQ(mode_text(codec::Kind::file, 0644), "-rw-r--r--");
  EXPECT_EQ(mode_text(codec::Kind::directory, 01777), "drwxrwxrwt");
  EXPECT_EQ(mode_text(codec::Kind::file, 06700), "-rws--S---");
}

}  // namespace
}  // namespace nokv::cli
