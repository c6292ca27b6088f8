#include "base/secret.h"

#include <concepts>
#include <ostream>

#include <gtest/gtest.h>

#include "base/result.h"

namespace nokv {
namespace {

template <class T>
concept Streams = requires(std::ostream& out, const T& value) { out << value; };
template <class T>
concept Compares = requires(const T& a, const T& b) { a == b; };

// No message, log line or comparison compiles with one.
static_assert(!std::convertible_to<Secret, std::string_view>);
static_assert(!std::convertible_to<Secret, std::string>);
static_assert(!Streams<Secret>);
static_assert(!Compares<Secret>);
static_assert(!std::copyable<Secret>);

TEST(Secret, GivesBackWhatItHolds) {
  Secret secret(std::string("key\0with zero", 13));
  EXPECT_EQ(secret.reveal(), std::string_view("key\0with zero", 13));
  Secret copy = secret.copy();
  Secret moved = std::move(secret);
  EXPECT_EQ(copy.reveal(), moved.reveal());
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the fact
  copy = Secret("other");
  EXPECT_EQ(copy.reveal(), "other");
}

TEST(Secret, MatchesOnlyItself) {
  Secret secret("token");
  EXPECT_TRUE(secret.matches("token"));
  EXPECT_FALSE(secret.matches("tokem"));
  EXPECT_FALSE(secret.matches("toke"));
  EXPECT_FALSE(secret.matches("tokenn"));
  EXPECT_FALSE(secret.matches(""));
  EXPECT_TRUE(Secret().matches(""));
}

TEST(Secret, WipingLeavesZeros) {
  std::string bytes = "password";
  wipe(bytes);
  EXPECT_EQ(bytes, std::string(8, '\0'));
}

}  // namespace
}  // namespace nokv
