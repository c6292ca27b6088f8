// What holds for every struct that is stored or travels.
#include "codec/testing/fields.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/sim/sim_random.h"
#include "codec/testing/messages.h"

namespace nokv::codec {
namespace {

constexpr uint64_t kSeeds = 40;

template <class T>
T random_message(Random& random) {
  T message;
  RandomFiller filler(random);
  T::fields(message, filler);
  return message;
}

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
  for_each_message([]<class T>(const char* name) {
    FieldNumbers seen;
    T message;
    T::fields(message, seen);
    std::vector<uint32_t> sorted = seen.numbers;
    std::ranges::sort(sorted);
    EXPECT_TRUE(std::ranges::adjacent_find(sorted) == sorted.end()) << name;
    EXPECT_TRUE(std::ranges::all_of(sorted, [](auto n) { return n >= 1 && n < 2000; })) << name;
    EXPECT_EQ(sorted.size(), member_count<T>()) << name << " has a member that is not written";
  });
}

TEST(EveryMessage, ComesBackAsItWas) {
  for_each_message([]<class T>(const char* name) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SimRandom random(seed);
      T in = random_message<T>(random);
      T out;
      ASSERT_TRUE(decode(encoded(in), out)) << name << ", seed " << seed;
      ASSERT_EQ(printed(out), printed(in)) << name << ", seed " << seed;
    }
  });
}

TEST(EveryMessage, OfDefaultsDecodesFromNothing) {
  for_each_message([]<class T>(const char* name) {
    T message;
    ASSERT_TRUE(decode("", message)) << name;
    EXPECT_EQ(printed(message), printed(T())) << name;
  });
}

TEST(EveryMessage, IsReadPastFieldsOfANewerVersion) {
  for_each_message([]<class T>(const char* name) {
    SimRandom random(1);
    T in = random_message<T>(random);
    std::string bytes;
    put_unknown(bytes);
    encode(in, bytes);
    put_unknown(bytes);
    T out;
    ASSERT_TRUE(decode(bytes, out)) << name;
    EXPECT_EQ(printed(out), printed(in)) << name;
  });
}

TEST(EveryMessage, CutInsideAFieldIsRefused) {
  for_each_message([]<class T>(const char* name) {
    SimRandom random(2);
    std::string bytes = encoded(random_message<T>(random));
    std::set<size_t> whole = boundaries(bytes);
    for (size_t size = 0; size < bytes.size(); ++size) {
      T out;
      ASSERT_EQ(decode(std::string_view(bytes).substr(0, size), out), whole.contains(size))
          << name << " cut to " << size << " of " << bytes.size();
    }
  });
}

TEST(EveryMessage, WithALengthBeyondItsEndIsRefused) {
  for_each_message([]<class T>(const char* name) {
    FieldNumbers seen;
    T message;
    T::fields(message, seen);
    seen.numbers.push_back(2000);
    for (uint32_t number : seen.numbers) {
      for (uint64_t length : {uint64_t{2}, uint64_t{1} << 40, UINT64_MAX}) {
        std::string bytes;
        put_varint(bytes, (uint64_t{number} << 3) | 2);
        put_varint(bytes, length);
        bytes += 'x';
        EXPECT_FALSE(decode(bytes, message)) << name << '.' << number;
      }
    }
  });
}

// What a decoder makes of bytes at random, or of a message with some of them changed, is either
// nothing or a message like any other.
TEST(EveryMessage, ReadFromDamagedBytesIsNoneOrAnother) {
  for_each_message([]<class T>(const char* name) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SimRandom random(seed);
      std::string bytes = encoded(random_message<T>(random));
      for (uint64_t i = 0; i < 4; ++i) {
        size_t at = random.below(bytes.size() + 1);
        bytes.insert(at, 1, static_cast<char>(random.next()));
        bytes[random.below(bytes.size())] = static_cast<char>(random.next());
      }
      T once;
      if (!decode(bytes, once)) continue;
      T twice;
      ASSERT_TRUE(decode(encoded(once), twice)) << name << ", seed " << seed;
      ASSERT_EQ(printed(twice), printed(once)) << name << ", seed " << seed;
    }
  });
}

TEST(EveryOperation, KeepsItsNumberInTheEnvelope) {
  uint32_t index = 0;
  for_each_operation([&]<class T>(const char* name) {
    EXPECT_EQ(OperationBox{T()}.op.index(), index) << name;
    std::string bytes = encoded(OperationBox{T()});
    std::string_view rest = bytes;
    uint64_t tag = 0;
    ASSERT_TRUE(take_varint(rest, tag));
    EXPECT_EQ(tag >> 3, ++index) << name;
    OperationBox out;
    ASSERT_TRUE(decode(bytes, out)) << name;
    EXPECT_TRUE(std::holds_alternative<T>(out.op)) << name;
  });
  EXPECT_EQ(index, std::variant_size_v<Operation>);
}

}  // namespace
}  // namespace nokv::codec
