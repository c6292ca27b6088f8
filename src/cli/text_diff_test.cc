#include "cli/text_diff.h"

#include <gtest/gtest.h>

#include "base/sim/sim_random.h"

namespace nokv::cli {
namespace {

TEST(TextDiff, OfTheSameTextIsNothing) {
  EXPECT_EQ(unified_diff("a\nb\n", "a\nb\n", "x", "y"), "");
}

TEST(TextDiff, ShowsWhatChangedAmongWhatDidNot) {
  EXPECT_EQ(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "x", "y"),
            "--- x\n+++ y\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(TextDiff, TellsOfALastLineWithoutALineBreak) {
  EXPECT_EQ(unified_diff("a\n", "a", "x", "y"),
            "--- x\n+++ y\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
}

TEST(TextDiff, OfNothingNamesTheLineBefore) {
  EXPECT_EQ(unified_diff("", "a\nb\n", "x", "y"), "--- x\n+++ y\n@@ -0,0 +1,2 @@\n+a\n+b\n");
}

TEST(TextDiff, GivesUpOnTextsThatHaveNothingInCommon) {
  std::string a, b;
  for (size_t i = 0; i < kEditsMax; ++i) {
    a += "a" + std::to_string(i) + "\n";
    b += "b" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(unified_diff(a, b, "x", "y"), std::nullopt);
}

// What the hunks make of the old text.
std::string patched(const std::string& before, std::string_view diff) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < before.size();) {
    size_t end = before.find('\n', at) + 1;
    lines.push_back(before.substr(at, end - at));
    at = end;
  }
  std::string out;
  size_t next = 0;
  size_t header = 2;
  while (!diff.empty()) {
    std::string line(diff.substr(0, diff.find('\n') + 1));
    diff.remove_prefix(line.size());
    if (header > 0) {
      --header;
    } else if (line.starts_with("@@")) {
      size_t first = std::stoul(line.substr(4));
      bool empty = line.substr(4, line.find(' ', 4) - 4).ends_with(",0");
      for (size_t to = empty ? first : first - 1; next < to;) out += lines[next++];
    } else if (line[0] == ' ') {
      EXPECT_EQ(lines[next], line.substr(1));
      out += lines[next++];
    } else if (line[0] == '-') {
      EXPECT_EQ(lines[next++], line.substr(1));
    } else {
      out += line.substr(1);
    }
  }
  while (next < lines.size()) out += lines[next++];
  return out;
}

TEST(TextDiff, TurnsTheOneTextIntoTheOther) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    SimRandom random(seed);
    auto text = [&] {
      std::string out;
      for (size_t i = random.below(40); i > 0; --i) {
        out += static_cast<char>('a' + random.below(4));
        out += '\n';
      }
      return out;
    };
    std::string a = text();
    std::string b = random.one_in(2) ? text() : a + text();
    auto diff = unified_diff(a, b, "x", "y");
    ASSERT_TRUE(diff);
    EXPECT_EQ(diff->empty() ? a : patched(a, *diff), b) << seed << "\n" << *diff;
  }
}

}  // namespace
}  // namespace nokv::cli
