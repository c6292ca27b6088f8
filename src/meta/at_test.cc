#include "meta/at.h"

#include <gtest/gtest.h>

namespace nokv::meta {
namespace {

TEST(At, AgesAreSumsOfUnits) {
  EXPECT_EQ(parse_age("90s"), 90'000'000'000);
  EXPECT_EQ(parse_age("1h30m"), 5'400'000'000'000);
  EXPECT_EQ(parse_age("2w"), 14LL * 86400 * 1'000'000'000);
  for (const char* text : {"", "h", "10", "10x", "-1s", "1.5h", "99999999999999w", "1h "}) {
    EXPECT_FALSE(parse_age(text)) << text;
  }
}

TEST(At, TimesAreReadAsPeopleAndProgramsWriteThem) {
  EXPECT_EQ(parse_time("1970-01-02"), 86400LL * 1'000'000'000);
  EXPECT_EQ(parse_time("2026-11-24T05:00:00Z"), parse_time("2026-11-24 05:00"));
  EXPECT_EQ(parse_time("2026-11-24T06:00:00+01:00"), parse_time("2026-11-24T05:00:00Z"));
  EXPECT_EQ(parse_time("1970-01-01T00:00:00.000000001Z"), 1);
  EXPECT_EQ(format_time(1), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(parse_time(format_time(1'764'000'000'123'456'789)), 1'764'000'000'123'456'789);
  for (const char* text : {"", "2026", "2026-13-01", "2026-02-30", "2026-01-01T25:00", "x"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(At, ANameThatReadsAsAnythingElseIsNoSnapshotName) {
  for (const char* name : {"v1", "10m", "2026-01-01", "now", "oldest", "", "a b", "a/b"}) {
    EXPECT_FALSE(check_snapshot_name(name)) << name;
  }
  for (const char* name : {"before", "v1.2", "10", "run-2026", "ünïcode"}) {
    EXPECT_TRUE(check_snapshot_name(name)) << name;
  }
}

TEST(At, ATimeBeyondTheClockIsNone) {
  EXPECT_TRUE(parse_time("2261-12-31T23:59:59.999999999-23:59"));
  EXPECT_TRUE(parse_time("1678-01-01"));
  EXPECT_FALSE(parse_time("3026-11-26"));
  EXPECT_FALSE(parse_time("0001-01-01"));
}

}  // namespace
}  // namespace nokv::meta
