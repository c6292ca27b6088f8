#include "codec/event_cursor.h"

#include <gtest/gtest.h>

#include "base/sim/sim_random.h"

namespace nokv::codec {
namespace {

TEST(EventCursor, IsOneWordThatIsReadBack) {
  EventCursor cursor{0x00f1c2d3e4a5b697, 124, 3};
  EXPECT_EQ(cursor.text(), "e00f1c2d3e4a5b697-124-3");
  EXPECT_EQ(EventCursor::parse(cursor.text()), cursor);
  EventCursor most{UINT64_MAX, UINT64_MAX, UINT32_MAX};
  EXPECT_EQ(EventCursor::parse(most.text()), most);
}

TEST(EventCursor, NothingElseIsOne) {
  for (const char* text :
       {"", "oldest", "v124", "e00f1c2d3e4a5b697", "e00f1c2d3e4a5b697-124",
        "e00f1c2d3e4a5b697-124-", "e00f1c2d3e4a5b697--3", "e00f1c2d3e4a5b697-0124-3",
        "e00f1c2d3e4a5b697-124-3 ", "e00F1C2D3E4A5B697-124-3", "e00f1c2d3e4a5b697-124-4294967296",
        "e00f1c2d3e4a5b69-124-3", "x00f1c2d3e4a5b697-124-3", "e00f1c2d3e4a5b697-+12-3"}) {
    EXPECT_FALSE(EventCursor::parse(text)) << text;
  }
}

TEST(EventCursor, AnyBytesAreReadOrRefusedAndWhatIsReadIsWrittenTheSame) {
  SimRandom random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text = EventCursor{random.next(), random.next() >> random.below(64), 7}.text();
    text[random.below(text.size())] = static_cast<char>(random.below(256));
    auto cursor = EventCursor::parse(text);
    EXPECT_TRUE(!cursor || cursor->text() == text) << text;
  }
}

TEST(EventCursor, ThoseOfOneLogAreOrdered) {
  EXPECT_LT((EventCursor{1, 5, 9}), (EventCursor{1, 6, 0}));
  EXPECT_LT((EventCursor{1, 6, 0}), (EventCursor{1, 6, 1}));
}

}  // namespace
}  // namespace nokv::codec
