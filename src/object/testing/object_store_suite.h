// What every ObjectStore must do. A test program includes this once and instantiates it:
// INSTANTIATE_TEST_SUITE_P(Local, ObjectStoreSuite, testing::Values(StoreCase{"local", make}), …).
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/crc32c.h"
#include "object/object_store.h"
#include "object/waiter.h"

namespace nokv::object {

// One store with what it stands on; empty at the start, removed with the object.
struct StoreUnderTest {
  virtual ~StoreUnderTest() = default;
  virtual ObjectStore& store() = 0;
  virtual const Clock& clock() = 0;

  bool refuses_wrong_checksums = true;
  bool has_urls = false;
  bool has_etags = false;
};

struct StoreCase {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;

  friend std::ostream& operator<<(std::ostream& out, const StoreCase& store) {
    return out << store.name;
  }
};

inline std::string pattern_bytes(size_t size, uint32_t seed) {
  std::string out(size, '\0');
  uint32_t x = seed * 2654435761U + 1;
  for (char& c : out) {
    x = x * 1664525U + 1013904223U;
    c = static_cast<char>(x >> 24);
  }
  return out;
}

class ObjectStoreSuite : public testing::TestWithParam<StoreCase> {
 protected:
  void SetUp() override {
    under_test = GetParam().make();
    ASSERT_NE(under_test, nullptr);
  }

  ObjectStore& store() { return under_test->store(); }
  Clock::Instant soon() { return under_test->clock().now() + std::chrono::seconds(20); }
  static std::shared_ptr<const std::string> shared(std::string bytes) {
    return std::make_shared<const std::string>(std::move(bytes));
  }

  Result<> put(const std::string& key, std::string bytes, PutOptions options = {}) {
    Waiter<> waiter;
    store().put(key, shared(std::move(bytes)), options, soon(), waiter.done());
    return waiter.wait();
  }
  Result<std::string> get(const std::string& key, std::optional<Range> range = {}) {
    Waiter<std::string> waiter;
    store().get(key, range, soon(), waiter.done());
    return waiter.wait();
  }
  Result<ObjectInfo> head(const std::string& key) {
    Waiter<ObjectInfo> waiter;
    store().head(key, soon(), waiter.done());
    return waiter.wait();
  }
  Result<std::vector<RemoveFailure>> remove(std::vector<std::string> keys) {
    Waiter<std::vector<RemoveFailure>> waiter;
    store().remove(std::move(keys), soon(), waiter.done());
    return waiter.wait();
  }
  Result<ListPage> list(const std::string& prefix, const std::string& after = "",
                        size_t limit = 1000) {
    Waiter<ListPage> waiter;
    store().list(prefix, after, limit, soon(), waiter.done());
    return waiter.wait();
  }
  std::vector<std::string> keys(const std::string& prefix, const std::string& after = "",
                                size_t limit = 1000) {
    std::vector<std::string> out;
    auto page = list(prefix, after, limit);
    if (!page) {
      ADD_FAILURE() << page.error().message();
      return out;
    }
    for (const ObjectInfo& object : page->objects) out.push_back(object.key);
    return out;
  }

  template <class T>
  static testing::AssertionResult succeeded(const Result<T>& result) {
    if (result) return testing::AssertionSuccess();
    return testing::AssertionFailure() << result.error().message();
  }
  template <class T>
  static testing::AssertionResult failed_with(const Result<T>& result, Code code) {
    if (result) return testing::AssertionFailure() << "it succeeded";
    if (result.error().code() == code) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << code_name(result.error().code()) << ": " << result.error().message();
  }

  std::unique_ptr<StoreUnderTest> under_test;
};

TEST_P(ObjectStoreSuite, WhatWasPutIsGotBack) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{4096}, size_t{300'000}, size_t{5 << 20}}) {
    std::string bytes = pattern_bytes(size, static_cast<uint32_t>(size));
    std::string key = "dir/of " + std::to_string(size);
    ASSERT_TRUE(succeeded(put(key, bytes, {.if_absent = false, .crc32c = crc32c(bytes)})));
    auto back = get(key);
    ASSERT_TRUE(succeeded(back));
    EXPECT_TRUE(*back == bytes) << size;
    auto info = head(key);
    ASSERT_TRUE(succeeded(info));
    EXPECT_EQ(info->size, size);
    EXPECT_EQ(info->key, key);
  }
}

TEST_P(ObjectStoreSuite, KeysMayHoldAnyPrintableCharacter) {
  for (std::string key : {"a b", "a+b", "a%20b", "a&b=c", "q?x#y", "d/\"quoted\"/<x>", "ünï/日本",
                          "~tilde(1)!*'$,;:@", "-", "x/.hidden", "..x/y", "a\\b", "{b}[c]^`|"}) {
    SCOPED_TRACE(key);
    ASSERT_TRUE(succeeded(put("odd/" + key, key)));
    auto back = get("odd/" + key);
    ASSERT_TRUE(succeeded(back));
    EXPECT_EQ(*back, key);
    EXPECT_EQ(keys("odd/" + key), std::vector<std::string>{"odd/" + key});
    auto removed = remove({"odd/" + key});
    ASSERT_TRUE(succeeded(removed));
    EXPECT_TRUE(removed->empty());
    EXPECT_TRUE(failed_with(head("odd/" + key), Code::not_found));
  }
}

TEST_P(ObjectStoreSuite, KeysThatAreNoPathsAreRefused) {
  for (std::string key : {"", "/a", "a//b", "a/", ".", "../a", "a/../b", "a/./b", "a\nb", "\x7f"}) {
    SCOPED_TRACE(key);
    EXPECT_TRUE(failed_with(put(key, "x"), Code::invalid_argument));
    EXPECT_FALSE(get(key).has_value());
  }
  EXPECT_TRUE(failed_with(put(std::string("a\0b", 3), "x"), Code::invalid_argument));
  EXPECT_TRUE(failed_with(put(std::string(256, 'x'), "x"), Code::invalid_argument));
}

TEST_P(ObjectStoreSuite, ARangeIsExactlyThatRange) {
  std::string bytes = pattern_bytes(100'000, 7);
  ASSERT_TRUE(succeeded(put("ranged", bytes)));
  for (Range range : {Range{0, 1}, Range{0, 100'000}, Range{99'999, 1}, Range{5'000, 70'000}}) {
    auto part = get("ranged", range);
    ASSERT_TRUE(succeeded(part));
    EXPECT_TRUE(*part == bytes.substr(range.offset, range.length)) << range.offset;
  }
  auto nothing = get("ranged", Range{50, 0});
  ASSERT_TRUE(succeeded(nothing));
  EXPECT_EQ(*nothing, "");
}

TEST_P(ObjectStoreSuite, ARangeBeyondTheEndIsDataLoss) {
  ASSERT_TRUE(succeeded(put("short", "0123456789")));
  EXPECT_TRUE(failed_with(get("short", Range{5, 6}), Code::data_loss));
  EXPECT_TRUE(failed_with(get("short", Range{10, 1}), Code::data_loss));
  EXPECT_TRUE(failed_with(get("short", Range{1000, 1}), Code::data_loss));
}

TEST_P(ObjectStoreSuite, WhatMayHaveChangedIsReadOnlyAsItWas) {
  auto* reads = store().versioned_reads();
  ASSERT_EQ(reads != nullptr, under_test->has_etags);
  ASSERT_TRUE(succeeded(put("k", "0123456789")));
  ASSERT_NE(head("k")->etag.empty(), under_test->has_etags);
  if (reads == nullptr) return;
  auto info = head("k").value();
  auto same = [&](const std::string& key, ObjectVersion version, Range range) {
    Waiter<std::string> waiter;
    reads->get_same(key, std::move(version), range, soon(), waiter.done());
    return waiter.wait();
  };
  EXPECT_EQ(same("k", {info.etag, info.size}, {3, 4}).value(), "3456");
  EXPECT_EQ(same("k", {info.etag, info.size}, {0, 10}).value(), "0123456789");
  EXPECT_EQ(list("k")->objects.at(0).etag, info.etag);
  EXPECT_TRUE(failed_with(same("k", {info.etag, 11}, {3, 4}), Code::aborted));
  EXPECT_TRUE(failed_with(same("k", {"0123", info.size}, {3, 4}), Code::aborted));
  ASSERT_TRUE(succeeded(remove({"k"})));
  EXPECT_TRUE(failed_with(same("k", {info.etag, info.size}, {3, 4}), Code::not_found));
  ASSERT_TRUE(succeeded(put("k", "abcdefghij")));
  auto changed = same("k", {info.etag, info.size}, {3, 4});
  EXPECT_TRUE(failed_with(changed, Code::aborted));
  EXPECT_NE(changed.error().message().find("k"), std::string::npos);
}

TEST_P(ObjectStoreSuite, WhatIsNotThereIsNotFoundAndNamed) {
  auto missing = get("no/such");
  EXPECT_TRUE(failed_with(missing, Code::not_found));
  EXPECT_NE(missing.error().message().find("no/such"), std::string::npos);
  EXPECT_TRUE(failed_with(head("no/such"), Code::not_found));
  EXPECT_TRUE(failed_with(get("no/such", Range{0, 5}), Code::not_found));
}

TEST_P(ObjectStoreSuite, AConditionalPutNeverReplaces) {
  PutOptions only_new{.if_absent = true, .crc32c = {}};
  ASSERT_TRUE(succeeded(put("once", "first", only_new)));
  EXPECT_TRUE(failed_with(put("once", "second", only_new), Code::already_exists));
  auto back = get("once");
  ASSERT_TRUE(succeeded(back));
  EXPECT_EQ(*back, "first");
}

TEST_P(ObjectStoreSuite, OfRacingConditionalPutsOneWins) {
  static constexpr size_t kWriters = 16;
  for (int round = 0; round < 3; ++round) {
    std::string key = "race/" + std::to_string(round);
    std::vector<Waiter<>> waiters(kWriters);
    for (size_t i = 0; i < kWriters; ++i) {
      store().put(key, shared(pattern_bytes(20'000, static_cast<uint32_t>(i))),
                  {.if_absent = true, .crc32c = {}}, soon(), waiters[i].done());
    }
    std::vector<size_t> winners;
    for (size_t i = 0; i < kWriters; ++i) {
      auto result = waiters[i].wait();
      if (result)
        winners.push_back(i);
      else
        EXPECT_TRUE(failed_with(result, Code::already_exists));
    }
    ASSERT_EQ(winners.size(), 1U);
    auto back = get(key);
    ASSERT_TRUE(succeeded(back));
    EXPECT_TRUE(*back == pattern_bytes(20'000, static_cast<uint32_t>(winners[0])));
  }
}

TEST_P(ObjectStoreSuite, ABodyThatDoesNotMatchItsChecksumIsRefused) {
  if (!under_test->refuses_wrong_checksums) return;
  std::string bytes = pattern_bytes(10'000, 3);
  auto damaged = put("damaged", bytes, {.if_absent = false, .crc32c = crc32c(bytes) ^ 1});
  EXPECT_TRUE(failed_with(damaged, Code::data_loss));
  EXPECT_TRUE(failed_with(head("damaged"), Code::not_found));
}

TEST_P(ObjectStoreSuite, RemovingTakesWhatIsThereAndIgnoresWhatIsNot) {
  ASSERT_TRUE(succeeded(put("gone/a", "x")));
  ASSERT_TRUE(succeeded(put("gone/b", "x")));
  ASSERT_TRUE(succeeded(put("gone/c", "x")));
  for (int twice = 0; twice < 2; ++twice) {
    auto failures = remove({"gone/a", "gone/nothing", "gone/c", "else/where"});
    ASSERT_TRUE(succeeded(failures));
    EXPECT_TRUE(failures->empty());
    EXPECT_EQ(keys("gone/"), std::vector<std::string>{"gone/b"});
  }
  auto none = remove({});
  ASSERT_TRUE(succeeded(none));
}

TEST_P(ObjectStoreSuite, MoreThanAThousandKeysAreRemovedInOneCall) {
  std::vector<std::string> many;
  for (int i = 0; i < 1003; ++i) many.push_back("many/k" + std::to_string(i));
  for (size_t i : {size_t{0}, size_t{999}, size_t{1000}, size_t{1002}}) {
    ASSERT_TRUE(succeeded(put(many[i], "x")));
  }
  auto failures = remove(many);
  ASSERT_TRUE(succeeded(failures));
  EXPECT_TRUE(failures->empty());
  EXPECT_TRUE(keys("many/").empty());
}

TEST_P(ObjectStoreSuite, ListingGivesKeysInOrderWithTheirSizes) {
  // "d-x" sorts before "d/…" and "d.x" too: the slash is a character like others.
  std::vector<std::string> sorted = {"l/a",   "l/b/1", "l/b/2/x", "l/c",  "l/d-x",
                                     "l/d.x", "l/d/1", "l/d/2",   "l/d0", "m"};
  for (size_t i : {3U, 9U, 0U, 7U, 2U, 4U, 8U, 1U, 6U, 5U}) {
    ASSERT_TRUE(succeeded(put(sorted[i], std::string(i, 'x'))));
  }
  EXPECT_EQ(keys(""), sorted);
  auto page = list("l/");
  ASSERT_TRUE(succeeded(page));
  EXPECT_FALSE(page->more);
  ASSERT_EQ(page->objects.size(), 9U);
  for (size_t i = 0; i < 9; ++i) EXPECT_EQ(page->objects[i].size, i);
  EXPECT_GT(page->objects[0].modified_ns, int64_t{1'500'000'000} * 1'000'000'000);
  EXPECT_EQ(keys("l/d"), (std::vector<std::string>{"l/d-x", "l/d.x", "l/d/1", "l/d/2", "l/d0"}));
  EXPECT_EQ(keys("l/d/"), (std::vector<std::string>{"l/d/1", "l/d/2"}));
  EXPECT_EQ(keys("l/c"), std::vector<std::string>{"l/c"});
  EXPECT_TRUE(keys("l/nothing").empty());
  EXPECT_TRUE(keys("nowhere/at/all").empty());
}

TEST_P(ObjectStoreSuite, ListingGoesOnAfterAnyKey) {
  std::vector<std::string> sorted = {"a", "b-c", "b/1", "b/2/x", "b/3", "b0", "c"};
  for (const std::string& key : sorted) ASSERT_TRUE(succeeded(put(key, "x")));
  for (size_t limit = 1; limit <= sorted.size() + 1; ++limit) {
    std::vector<std::string> seen;
    std::string after;
    for (bool more = true; more;) {
      auto page = list("", after, limit);
      ASSERT_TRUE(succeeded(page));
      ASSERT_LE(page->objects.size(), limit);
      ASSERT_TRUE(!page->more || !page->objects.empty());
      for (const ObjectInfo& object : page->objects) seen.push_back(object.key);
      more = page->more;
      if (more) after = seen.back();
    }
    EXPECT_EQ(seen, sorted) << limit;
  }
  EXPECT_EQ(keys("", "b/2"), (std::vector<std::string>{"b/2/x", "b/3", "b0", "c"}));
  EXPECT_EQ(keys("b/", "b/2/x"), std::vector<std::string>{"b/3"});
}

TEST_P(ObjectStoreSuite, ACallPastItsDeadlineIsCancelled) {
  Waiter<std::string> waiter;
  auto past = under_test->clock().now() - std::chrono::milliseconds(1);
  store().get("late", std::nullopt, past, waiter.done());
  EXPECT_TRUE(failed_with(waiter.wait(), Code::cancelled));
}

TEST_P(ObjectStoreSuite, ManyCallsAtOnceAllComplete) {
  static constexpr size_t kCalls = 200;
  std::vector<Waiter<>> puts(kCalls);
  for (size_t i = 0; i < kCalls; ++i) {
    store().put("burst/" + std::to_string(i), shared(std::to_string(i)), {}, soon(),
                puts[i].done());
  }
  for (auto& waiter : puts) EXPECT_TRUE(succeeded(waiter.wait()));
  std::vector<Waiter<std::string>> gets(kCalls);
  for (size_t i = 0; i < kCalls; ++i) {
    store().get("burst/" + std::to_string(i), std::nullopt, soon(), gets[i].done());
  }
  for (size_t i = 0; i < kCalls; ++i) {
    auto result = gets[i].wait();
    ASSERT_TRUE(succeeded(result));
    EXPECT_EQ(*result, std::to_string(i));
  }
  EXPECT_GE(store().counters().puts, kCalls);
  EXPECT_GE(store().counters().gets, kCalls);
}

TEST_P(ObjectStoreSuite, OnlyStoresWithUrlsPresign) {
  auto url = store().presign("GET", "some/key", std::chrono::minutes(5));
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(url->has_value(), under_test->has_urls);
}

}  // namespace nokv::object
