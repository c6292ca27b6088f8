#include "base/posix/posix_random.h"

#include <algorithm>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace nokv {
namespace {

TEST(PosixRandom, ThreadsNeverGetTheSameNumber) {
  PosixRandom random;
  std::vector<uint64_t> a(5000);
  std::vector<uint64_t> b(5000);
  {
    auto fill = [&](std::vector<uint64_t>& out) {
      std::generate(out.begin(), out.end(), [&] { return random.next(); });
    };
    std::jthread one([&] { fill(a); });
    std::jthread two([&] { fill(b); });
  }
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end());
  EXPECT_EQ(std::adjacent_find(a.begin(), a.end()), a.end());
}

TEST(PosixRandom, EveryBitIsSetAboutHalfOfTheTime) {
  PosixRandom random;
  std::vector<int> set(64);
  for (int i = 0; i < 4000; ++i) {
    uint64_t number = random.next();
    for (size_t bit = 0; bit < 64; ++bit) set[bit] += static_cast<int>(number >> bit & 1);
  }
  // Ten standard deviations of 31.6.
  for (int count : set) EXPECT_NEAR(count, 2000, 316);
}

}  // namespace
}  // namespace nokv
