#include "base/log_event.h"

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/secret.h"

namespace nokv {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

static_assert(!std::constructible_from<Field, std::string_view, const Secret&>);

class LogEventTest : public testing::Test {
 protected:
  EventLines to(EventFormat format, Level least = Level::debug) {
    return EventLines(
        format, least, [this] { return wall_ns; },
        [this](std::string_view line) { lines.emplace_back(line); });
  }

  int64_t wall_ns = 1'800'000'000'000'000'000;
  std::vector<std::string> lines;
};

TEST_F(LogEventTest, AJsonLineHasTimeLevelNameAndFields) {
  to(EventFormat::json)
      .info("gc_swept", {{"floor", 9}, {"ratio", 0.5}, {"all", true}, {"at", "/a"}});
  EXPECT_THAT(lines,
              ElementsAre("{\"time\":\"2027-01-15T08:00:00.000000Z\",\"level\":\"info\",\"event\":"
                          "\"gc_swept\",\"floor\":9,\"ratio\":0.5,\"all\":true,\"at\":\"/a\"}"));
}

TEST_F(LogEventTest, ATextLineQuotesOnlyWhatNeedsIt) {
  wall_ns += 1'234'567;
  to(EventFormat::text).warn("slow", {{"a", "plain"}, {"b", "two words"}, {"c", ""}, {"d", -5}});
  EXPECT_THAT(lines, ElementsAre("2027-01-15T08:00:00.001234Z warn slow a=plain b=\"two words\" "
                                 "c=\"\" d=-5"));
}

TEST_F(LogEventTest, ATimeBefore1970IsADateToo) {
  wall_ns = -1;
  to(EventFormat::text).info("x");
  EXPECT_THAT(lines, ElementsAre("1969-12-31T23:59:59.999999Z info x"));
}

TEST_F(LogEventTest, NumbersKeepTheirFullRange) {
  to(EventFormat::json)
      .info("x", {{"u", std::numeric_limits<uint64_t>::max()},
                  {"i", std::numeric_limits<int64_t>::min()},
                  {"nan", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_THAT(lines[0], EndsWith("\"u\":18446744073709551615,\"i\":-9223372036854775808,"
                                 "\"nan\":null}"));
}

TEST_F(LogEventTest, AValueCannotForgeALineOrTurnTheTextAround) {
  for (EventFormat format : {EventFormat::json, EventFormat::text}) {
    to(format).info("x", {{"name", std::string("a\nfake\x1b[2J\u202e")}});
  }
  for (const std::string& line : lines) {
    EXPECT_EQ(line.find_first_of("\n\x1b"), std::string::npos);
    EXPECT_EQ(line.find("\u202e"), std::string::npos);
    EXPECT_THAT(line, HasSubstr("a\\nfake"));
  }
}

TEST_F(LogEventTest, ALongValueIsCut) {
  to(EventFormat::text).info("x", {{"v", std::string(100000, 'y')}});
  EXPECT_LT(lines[0].size(), 5000U);
}

TEST_F(LogEventTest, EventsBelowTheLevelAreNotWritten) {
  EventLines events = to(EventFormat::text, Level::warn);
  events.info("quiet");
  EXPECT_FALSE(events.wants(Level::info));
  EXPECT_THAT(lines, IsEmpty());
  events.error("loud");
  EXPECT_EQ(lines.size(), 1U);
}

TEST_F(LogEventTest, LinesOfManyThreadsDoNotMix) {
  EventLines events = to(EventFormat::text);
  {
    auto write = [&] {
      for (int i = 0; i < 500; ++i) events.info("x", {{"i", i}});
    };
    std::jthread a(write);
    std::jthread b(write);
  }
  EXPECT_EQ(lines.size(), 1000U);
}

TEST(Level, NamesAreReadBack) {
  for (Level level : {Level::debug, Level::info, Level::warn, Level::error}) {
    EXPECT_EQ(parse_level(level_name(level)).value(), level);
  }
  EXPECT_EQ(parse_level("loud").error().code(), Code::invalid_argument);
}

TEST_F(LogEventTest, RepeatedWarningsAreCountedInsteadOfWritten) {
  EventLines all = to(EventFormat::text);
  int64_t now_ns = 0;
  RepeatLimit events(all, [&] { return now_ns; }, {.events = 2, .interval_ns = 1000});
  for (int i = 0; i < 5; ++i) events.warn("slow", {{"i", i}});
  events.warn("other");
  for (int i = 0; i < 5; ++i) events.info("fine");
  EXPECT_EQ(lines.size(), 2U + 1U + 5U);
  now_ns = 1000;
  events.warn("slow", {{"i", 9}});
  EXPECT_THAT(lines.back(), EndsWith("slow i=9 suppressed=3"));
  events.warn("slow");
  EXPECT_THAT(lines.back(), EndsWith("slow"));
}

}  // namespace
}  // namespace nokv
