// Which pins go, and when: by a clock that the test moves.
#include "meta/upkeep.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "meta/space.h"

namespace nokv::meta {
namespace {

using codec::PinKind;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;

class Upkeep : public testing::Test {
 protected:
  uint64_t pin(PinKind kind, int64_t time_ns, int64_t expires_ns = 0) {
    uint64_t id = next_++;
    codec::PinRecord record;
    record.version = id * 10;
    record.scope = codec::root_id();
    record.kind = kind;
    record.time_ns = time_ns;
    record.expires_ns = expires_ns;
    pins.add(id, record);
    return id;
  }
  // What the server does: a moment each second, and thinning after each.
  void live_for(int64_t duration_ns) {
    for (int64_t end = now + duration_ns; now < end; now += kSecond) {
      pin(PinKind::moment, now);
      for (uint64_t id : moments_to_release(pins, policy, now)) pins.remove(id);
    }
  }
  std::vector<int64_t> ages() const {
    std::vector<int64_t> out;
    for (const Pin& it : pins.all()) out.push_back((now - it.record->time_ns) / kSecond);
    std::ranges::sort(out);
    return out;
  }

  PinTable pins;
  codec::RetentionPolicy policy = default_policy();
  int64_t now = 1'800'000'000 * kSecond;
  uint64_t next_ = 1;
};

TEST_F(Upkeep, TheLadderKeepsLessTheOlderItIs) {
  live_for(30 * kHour);
  auto kept = ages();
  auto between = [&](int64_t from_s, int64_t to_s) {
    return std::ranges::count_if(kept, [&](int64_t age) { return age > from_s && age <= to_s; });
  };
  auto about = [&](int64_t from_s, int64_t to_s, int64_t step_s) {
    int64_t steps = (to_s - from_s) / step_s;  // and a tenth more: steps may be that much shorter
    EXPECT_GE(between(from_s, to_s), steps - 1) << "from " << from_s << " s on";
    EXPECT_LE(between(from_s, to_s), steps + steps / 8 + 2) << "from " << from_s << " s on";
  };
  about(0, 60, 1);
  about(60, 600, 10);
  about(600, 3600, 60);
  about(3600, 86400, 3600);
  EXPECT_EQ(between(86400 + 1, INT64_MAX), 0);
}

TEST_F(Upkeep, NoGapIsWiderThanTheStepOfItsAge) {
  live_for(5 * kHour);
  auto kept = ages();
  for (size_t i = 1; i < kept.size(); ++i) {
    int64_t step = 0;
    for (const auto& rung : policy.ladder) {
      if (kept[i] * kSecond <= rung.for_ns) {
        step = rung.every_ns / kSecond;
        break;
      }
    }
    EXPECT_LE(kept[i] - kept[i - 1], 2 * step)
        << "between ages " << kept[i - 1] << " and " << kept[i];
  }
}

TEST_F(Upkeep, WithoutALadderNoMomentStays) {
  pin(PinKind::moment, now);
  policy.ladder.clear();
  EXPECT_EQ(moments_to_release(pins, policy, now).size(), 1U);
}

TEST_F(Upkeep, ThinningLeavesOtherPinsAlone) {
  pin(PinKind::snapshot, 0);
  pin(PinKind::undo, 0);
  pin(PinKind::clone, 0);
  EXPECT_TRUE(moments_to_release(pins, policy, now).empty());
}

TEST_F(Upkeep, AMomentThatIsGoingIsNotReleasedTwice) {
  uint64_t old = pin(PinKind::moment, 0);
  EXPECT_EQ(moments_to_release(pins, policy, now), std::vector{old});
  pins.mark_going(old);
  EXPECT_TRUE(moments_to_release(pins, policy, now).empty());
}

TEST_F(Upkeep, PinsExpireAtTheirTimeAndNotBefore) {
  pin(PinKind::snapshot, now);
  uint64_t timed = pin(PinKind::snapshot, now, now + kMinute);
  uint64_t undo = pin(PinKind::undo, now, now + kHour);
  EXPECT_TRUE(pins.expired(now + kMinute - 1).empty());
  EXPECT_EQ(pins.expired(now + kMinute), std::vector{timed});
  EXPECT_EQ(pins.expired(now + kHour), (std::vector{timed, undo}));
}

// ---- the budget

SpaceFigures figures_of(std::map<uint64_t, uint64_t> kept) {
  SpaceFigures figures;
  for (const auto& [pin, bytes] : kept) {
    figures.kept[pin].bytes = bytes;
    figures.moments.bytes += bytes;
  }
  return figures;
}

TEST_F(Upkeep, WithinTheBudgetNothingGoes) {
  uint64_t a = pin(PinKind::moment, now);
  EXPECT_TRUE(pins_over_budget(pins, figures_of({{a, 100}}), 100).empty());
}

TEST_F(Upkeep, BeyondTheBudgetTheOldestGoUntilTheRestFits) {
  uint64_t a = pin(PinKind::moment, now);
  uint64_t empty = pin(PinKind::undo, now);
  uint64_t b = pin(PinKind::undo, now);
  uint64_t c = pin(PinKind::moment, now);
  auto figures = figures_of({{a, 10}, {b, 50}, {c, 60}});
  EXPECT_EQ(pins_over_budget(pins, figures, 115), (std::vector{a}));
  EXPECT_EQ(pins_over_budget(pins, figures, 60), (std::vector{a, empty, b}));
  EXPECT_EQ(pins_over_budget(pins, figures, 0), (std::vector{a, empty, b, c}));
}

TEST_F(Upkeep, TheBudgetNeverTakesASnapshotOrTheBaseOfAClone) {
  pin(PinKind::snapshot, now);
  pin(PinKind::clone, now);
  uint64_t a = pin(PinKind::moment, now);
  EXPECT_EQ(pins_over_budget(pins, figures_of({{a, 100}}), 0), std::vector{a});
}

}  // namespace
}  // namespace nokv::meta
