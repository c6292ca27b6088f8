// What holds for every struct that is stored or travels.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/sim/sim_random.h"
#include "codec/testing/message_kinds.h"
#include "codec/testing/messages.h"

namespace nokv::codec {
namespace {

constexpr uint64_t kSeeds = 40;

void put_unknown(std::string& out) {
  put_varint(out, (2000 << 3) | 2);
  put_varint(out, 3);
  out += "new";
  put_varint(out, 2001 << 3);
  put_varint(out, 7);
}

// Where the fields of an encoded message end, found without its struct.
std::set<size_t> boundaries(std::string_view bytes) {
  std::set<size_t> out = {0};
  std::string_view rest = bytes;
  while (!rest.empty()) {
    uint64_t tag = 0;
    uint64_t value = 0;
    EXPECT_TRUE(take_varint(rest, tag) && take_varint(rest, value));
    if ((tag & 7) == 2) rest.remove_prefix(value);
    out.insert(bytes.size() - rest.size());
  }
  return out;
}

TEST(EveryMessage, HasAFieldNumberForEachMemberAndNoNumberTwice) {
  for (const MessageKind& kind : all_message_kinds()) {
    std::vector<uint32_t> sorted = kind.numbers;
    std::ranges::sort(sorted);
    EXPECT_TRUE(std::ranges::adjacent_find(sorted) == sorted.end()) << kind.name;
    EXPECT_TRUE(std::ranges::all_of(sorted, [](auto n) { return n >= 1 && n < 2000; }))
        << kind.name;
    EXPECT_EQ(sorted.size(), kind.members) << kind.name << " has a member that is not written";
  }
}

TEST(EveryMessage, ComesBackAsItWas) {
  for (const MessageKind& kind : all_message_kinds()) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SimRandom random(seed);
      auto in = kind.random(random);
      auto out = kind.read(in.bytes);
      ASSERT_TRUE(out) << kind.name << ", seed " << seed;
      ASSERT_EQ(out->printed, in.printed) << kind.name << ", seed " << seed;
    }
  }
}

TEST(EveryMessage, OfDefaultsDecodesFromNothing) {
  for (const MessageKind& kind : all_message_kinds()) {
    auto out = kind.read("");
    ASSERT_TRUE(out) << kind.name;
    EXPECT_EQ(out->printed, kind.empty.printed) << kind.name;
  }
}

TEST(EveryMessage, IsReadPastFieldsOfANewerVersion) {
  for (const MessageKind& kind : all_message_kinds()) {
    SimRandom random(1);
    auto in = kind.random(random);
    std::string bytes;
    put_unknown(bytes);
    bytes += in.bytes;
    put_unknown(bytes);
    auto out = kind.read(bytes);
    ASSERT_TRUE(out) << kind.name;
    EXPECT_EQ(out->printed, in.printed) << kind.name;
  }
}

TEST(EveryMessage, CutInsideAFieldIsRefused) {
  for (const MessageKind& kind : all_message_kinds()) {
    SimRandom random(2);
    std::string bytes = kind.random(random).bytes;
    std::set<size_t> whole = boundaries(bytes);
    for (size_t size = 0; size < bytes.size(); ++size) {
      auto out = kind.read(std::string_view(bytes).substr(0, size));
      ASSERT_EQ(out.has_value(), whole.contains(size))
          << kind.name << " cut to " << size << " of " << bytes.size();
    }
  }
}

TEST(EveryMessage, WithALengthBeyondItsEndIsRefused) {
  for (const MessageKind& kind : all_message_kinds()) {
    std::vector<uint32_t> numbers = kind.numbers;
    numbers.push_back(2000);
    for (uint32_t number : numbers) {
      for (uint64_t length : {uint64_t{2}, uint64_t{1} << 40, UINT64_MAX}) {
        std::string bytes;
        put_varint(bytes, (uint64_t{number} << 3) | 2);
        put_varint(bytes, length);
        bytes += 'x';
        EXPECT_FALSE(kind.read(bytes)) << kind.name << '.' << number;
      }
    }
  }
}

// What a decoder makes of bytes at random, or of a message with some of them changed, is either
// nothing or a message like any other.
TEST(EveryMessage, ReadFromDamagedBytesIsNoneOrAnother) {
  for (const MessageKind& kind : all_message_kinds()) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SimRandom random(seed);
      std::string bytes = kind.random(random).bytes;
      for (uint64_t i = 0; i < 4; ++i) {
        size_t at = random.below(bytes.size() + 1);
        bytes.insert(at, 1, static_cast<char>(random.next()));
        bytes[random.below(bytes.size())] = static_cast<char>(random.next());
      }
      auto once = kind.read(bytes);
      if (!once) continue;
      auto twice = kind.read(once->bytes);
      ASSERT_TRUE(twice) << kind.name << ", seed " << seed;
      ASSERT_EQ(twice->printed, once->printed) << kind.name << ", seed " << seed;
    }
  }
}

void expect_number(const OperationBox& box, uint32_t index, const char* name) {
  EXPECT_EQ(box.op.index(), index) << name;
  std::string bytes = encoded(box);
  std::string_view rest = bytes;
  uint64_t tag = 0;
  ASSERT_TRUE(take_varint(rest, tag));
  EXPECT_EQ(tag >> 3, index + 1) << name;
  OperationBox out;
  ASSERT_TRUE(decode(bytes, out)) << name;
  EXPECT_EQ(out.op.index(), index) << name;
}

TEST(EveryOperation, KeepsItsNumberInTheEnvelope) {
  uint32_t index = 0;
  for_each_operation(
      [&]<class T>(const char* name) { expect_number(OperationBox{T()}, index++, name); });
  EXPECT_EQ(index, std::variant_size_v<Operation>);
}

}  // namespace
}  // namespace nokv::codec
