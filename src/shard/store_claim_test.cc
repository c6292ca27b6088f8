#include "shard/store_claim.h"

#include <optional>

#include <gtest/gtest.h>

#include "base/sim/sim_scheduler.h"
#include "object/memory_store.h"

namespace nokv::shard {
namespace {

using namespace std::chrono_literals;

constexpr const char* kKey = "nokv-namespace";

class StoreClaimTest : public testing::Test {
 protected:
  Result<> look(StoreClaim& claim, bool take) {
    std::optional<Result<>> looked;
    claim.look(take, scheduler.clock().now() + 10s, [&](Result<> r) { looked = std::move(r); });
    EXPECT_TRUE(scheduler.run_until([&] { return looked.has_value(); }, 60s));
    return *looked;
  }
  std::string stored() {
    std::optional<Result<std::string>> got;
    store.get(kKey, std::nullopt, scheduler.clock().now() + 10s,
              [&](Result<std::string> r) { got = std::move(r); });
    EXPECT_TRUE(scheduler.run_until([&] { return got.has_value(); }, 60s));
    return got->value_or("");
  }

  SimScheduler scheduler{1};
  std::unique_ptr<SimExecutor> executor = scheduler.executor("host", "store", 1);
  object::MemoryStore store{*executor, scheduler.clock()};
};

TEST_F(StoreClaimTest, APrefixThatIsNobodysBecomesOursOnlyWhenItIsTaken) {
  StoreClaim claim(store, "0123456789abcdef0123456789abcdef");
  ASSERT_TRUE(look(claim, false));
  EXPECT_FALSE(claim.ours());
  EXPECT_FALSE(store.has(kKey));
  ASSERT_TRUE(look(claim, true));
  EXPECT_TRUE(claim.ours());
  // The format of docs/formats/store-mark.md.
  EXPECT_EQ(stored(),
            "nokv object store prefix, format 1\nnamespace 0123456789abcdef0123456789abcdef\n");
}

TEST_F(StoreClaimTest, TheSameNamespaceComesBackAndAnotherIsRefused) {
  StoreClaim first(store, "a");
  ASSERT_TRUE(look(first, true));
  StoreClaim again(store, "a");
  EXPECT_TRUE(look(again, false));
  EXPECT_TRUE(again.ours());
  for (bool take : {false, true}) {
    StoreClaim other(store, "b");
    auto refused = look(other, take);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::failed_precondition);
    EXPECT_NE(refused.error().message().find("another namespace, a"), std::string::npos);
    EXPECT_FALSE(other.ours());
  }
}

TEST_F(StoreClaimTest, OfTwoThatComeAtTheSameTimeOneStays) {
  StoreClaim first(store, "a");
  StoreClaim second(store, "b");
  int done = 0;
  for (StoreClaim* claim : {&first, &second}) {
    claim->look(true, scheduler.clock().now() + 10s, [&](const Result<>&) { ++done; });
  }
  ASSERT_TRUE(scheduler.run_until([&] { return done == 2; }, 60s));
  EXPECT_NE(first.ours(), second.ours());
}

TEST_F(StoreClaimTest, AStoreThatFailsIsToldAndAskedAgain) {
  StoreClaim claim(store, "a");
  store.fail_next(1, Error(Code::unavailable, "down"));
  EXPECT_EQ(look(claim, true).error().code(), Code::unavailable);
  EXPECT_FALSE(claim.ours());
  store.fail_next(1, Error(Code::unavailable, "down"), object::Operation::put);
  EXPECT_FALSE(look(claim, true));
  EXPECT_TRUE(look(claim, true));
  EXPECT_TRUE(claim.ours());
}

// Who may not list a bucket is told "denied" for what is not there.
TEST_F(StoreClaimTest, ADeniedReadOfWhatIsNotThereIsSettledByAPut) {
  StoreClaim claim(store, "a");
  store.fail_next(1, Error(Code::permission_denied, "403"), object::Operation::get);
  EXPECT_TRUE(look(claim, true));
  EXPECT_TRUE(claim.ours());
}

TEST_F(StoreClaimTest, WithoutAnIdNothingIsAsked) {
  StoreClaim claim(store, "");
  EXPECT_TRUE(claim.ours());
  EXPECT_TRUE(look(claim, true));
  EXPECT_EQ(store.counters().gets, 0U);
}

}  // namespace
}  // namespace nokv::shard
