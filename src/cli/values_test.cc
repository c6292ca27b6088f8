#include "cli/values.h"

#include <gtest/gtest.h>

namespace nokv::cli {
namespace {

using namespace std::chrono_literals;

TEST(Values, SizesHaveUnitsOf1024AndWithABOf1000) {
  EXPECT_EQ(parse_size("0"), 0);
  EXPECT_EQ(parse_size("4096"), 4096);
  EXPECT_EQ(parse_size("64k"), 64 << 10);
  EXPECT_EQ(parse_size("64KiB"), 64 << 10);
  EXPECT_EQ(parse_size("1.5G"), 3ULL << 29);
  EXPECT_EQ(parse_size("64kB"), 64'000);
  EXPECT_EQ(parse_size("7P"), 7ULL << 50);
  for (const char* bad : {"", "k", "-1", "1x", "1.", "1kiBB", "9999999999P", "1 k", "0x10"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

TEST(Values, DurationsAddUpTheirParts) {
  EXPECT_EQ(parse_duration("30d"), Duration(720h));
  EXPECT_EQ(parse_duration("1h30m"), Duration(90min));
  EXPECT_EQ(parse_duration("500ms"), Duration(500ms));
  EXPECT_EQ(parse_duration("1.5s"), Duration(1500ms));
  EXPECT_EQ(parse_duration("0s"), Duration(0));
  EXPECT_EQ(parse_duration("2w"), Duration(336h));
  for (const char* bad : {"", "5", "s", "-1s", "1y", "1s ", "300000w"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(Values, ADurationIsReadBackAsItWasWritten) {
  for (Duration it : {Duration(0), Duration(1), Duration(90s), Duration(1h), Duration(36h + 1ms)}) {
    EXPECT_EQ(parse_duration(duration_text(it)), it) << duration_text(it);
  }
  EXPECT_EQ(duration_text(90s), "1m30s");
}

TEST(Values, NumbersAreDigitsOnly) {
  EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "1.0", "0x1"}) {
    EXPECT_FALSE(parse_number(bad)) << bad;
  }
}

TEST(Values, TimesAreUtcWithNanoseconds) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(1'764'134'387'123'456'789), "2025-11-26T05:19:47.123456789Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(short_time(1'764'134'387'123'456'789), "2025-11-26 05:19:47");
}

TEST(Values, HumanSizesHaveFourDigitsAtMost) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1024), "1.0 KiB");
  EXPECT_EQ(human_size((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(human_size(UINT64_MAX), "16.0 EiB");
}

TEST(Values, Base64IsPadded) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64(std::string_view("\xff\x00\xfe", 3)), "/wD+");
}

}  // namespace
}  // namespace nokv::cli
