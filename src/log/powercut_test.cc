// The local log on a disk that loses power, fills up and fails.
#include <gtest/gtest.h>

#include "base/sim/sim_files.h"
#include "base/sim/sim_scheduler.h"
#include "log/local_log.h"
#include "log/testing/groups.h"

namespace nokv::log {
namespace {

constexpr uint64_t kSegmentBytes = 8192;

// A log's owner: appends and trims until something fails, and remembers what was acknowledged.
class Owner {
 public:
  explicit Owner(uint64_t seed) : scheduler_(seed) {}

  SimFiles files;
  SimRandom& random() { return scheduler_.random(); }

  // Appends up to `count` groups; false as soon as a call fails or a sync ends the process.
  bool run(int count) {
    auto log = open();
    if (!log) return false;
    for (int i = 0; i < count; ++i) {
      if (!append_one(**log)) return false;
      // The next segment is made ready sooner or later.
      while (random().below(3) == 0 && scheduler_.step()) {
      }
      bool trim = tail_.version.value() % 12 == 0;
      if (trim && !(*log)->trim(Version{tail_.version.value() - 5})) return false;
    }
    return true;
  }

  // What recovery must find: each acknowledged group, and at most the one that was on its way.
  void check_recovered() {
    auto log = open();
    ASSERT_TRUE(log) << log.error().message();
    Version found = (*log)->tail().version;
    ASSERT_GE(found, tail_.version);
    ASSERT_LE(found, on_its_way_.version);
    ASSERT_EQ((*log)->tail(), found == tail_.version ? tail_ : on_its_way_);
    tail_ = (*log)->tail();
    groups_.resize(found.value());
    Version oldest = (*log)->oldest();
    ASSERT_LE(oldest.value(), trimmed_below_ + 1);
    auto entries = read_all(**log, oldest);
    ASSERT_EQ(entries.size(), found.value() - oldest.value() + 1);
    for (const auto& entry : entries) {
      ASSERT_EQ(entry.group.bytes, groups_[entry.group.last.value() - 1].bytes);
    }
  }

 private:
  Result<std::unique_ptr<LocalLog>> open() {
    Env env{scheduler_.clock(), random(), files, executors_};
    auto log = LocalLog::open(env, "/log",
                              {.segment_bytes = kSegmentBytes, .sync_failed = [](const Error&) {}});
    if (!log) return log;
    auto claim = (*log)->claim("owner");
    if (!claim) return std::unexpected(claim.error());
    epoch_ = claim->epoch;
    return log;
  }

  bool append_one(LocalLog& log) {
    uint64_t version = tail_.version.value() + 1;
    groups_.push_back(make_group(version, 50 + random().below(3000)));
    on_its_way_ = after(tail_, groups_.back());
    bool done = false;
    log.append(epoch_, tail_, groups_.back(),
               [&](Result<Appended> answer) { done = answer == Appended::appended; });
    if (!done) return false;
    tail_ = on_its_way_;
    if (version % 12 == 0) trimmed_below_ = version - 5;
    return true;
  }

  SimScheduler scheduler_;
  SimExecutors executors_{scheduler_};
  Epoch epoch_;
  Position tail_;
  Position on_its_way_;
  uint64_t trimmed_below_ = 0;
  std::vector<Group> groups_;
};

TEST(LocalLogPowerCut, WhatWasAcknowledgedIsThereWhereverThePowerGoes) {
  for (uint64_t step = 0;; ++step) {
    bool finished = false;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      SCOPED_TRACE(testing::Message() << "step " << step << " seed " << seed);
      Owner owner(seed);
      owner.files.halt_after(step);
      finished = owner.run(40);
      owner.files.power_cut(owner.random());
      ASSERT_NO_FATAL_FAILURE(owner.check_recovered());
      // And once more, in the middle of going on.
      owner.files.halt_after(owner.random().below(60));
      (void)owner.run(40);
      owner.files.power_cut(owner.random());
      ASSERT_NO_FATAL_FAILURE(owner.check_recovered());
    }
    if (finished) break;
    ASSERT_LT(step, 1000u);
  }
}

TEST(LocalLogPowerCut, AProcessThatDiesLosesNothing) {
  for (uint64_t step = 0; step < 100; ++step) {
    SCOPED_TRACE(step);
    Owner owner(step);
    owner.files.halt_after(step);
    (void)owner.run(40);
    owner.files.process_dies();
    ASSERT_NO_FATAL_FAILURE(owner.check_recovered());
  }
}

class LocalLogFaultTest : public testing::Test {
 protected:
  Env env() { return {scheduler.clock(), scheduler.random(), files, executors}; }
  void open() {
    log = LocalLog::open(env(), "/log", {.segment_bytes = kSegmentBytes}).value();
    auto claim = log->claim("test").value();
    epoch = claim.epoch;
    tail = claim.tail;
  }
  Result<Appended> append_next(size_t size = 2000) {
    Group group = make_group(tail.version.value() + 1, size);
    auto answer = append(*log, epoch, tail, group);
    if (answer == Appended::appended) tail = after(tail, group);
    return answer;
  }

  SimScheduler scheduler{1};
  SimExecutors executors{scheduler};
  SimFiles files;
  std::unique_ptr<LocalLog> log;
  Epoch epoch;
  Position tail;
};

TEST_F(LocalLogFaultTest, AFullDiskRefusesTheNextSegmentAndLosesNothing) {
  open();
  files.set_capacity(files.bytes_used() + 100);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(append_next(), Appended::appended);
  Position before = tail;
  auto refused = append_next();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::resource_exhausted);
  EXPECT_EQ(refused.error().outcome(), Outcome::not_done);
  EXPECT_EQ(log->tail(), before);
  EXPECT_EQ(append_next(50), Appended::appended);  // still fits into this segment
  files.set_capacity(uint64_t{1} << 30);
  EXPECT_EQ(append_next(), Appended::appended);
  log.reset();
  open();
  EXPECT_EQ(tail.version, Version{5});
}

TEST_F(LocalLogFaultTest, AfterAFailedWriteNothingIsAppendedUntilItIsOpenedAgain) {
  open();
  ASSERT_EQ(append_next(), Appended::appended);
  files.fail_nth(DiskCall::write, 1, Code::data_loss);
  auto failed = append_next();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().outcome(), Outcome::maybe_done);
  EXPECT_FALSE(append_next());
  log.reset();
  open();
  EXPECT_EQ(tail.version, Version{1});
  EXPECT_EQ(append_next(), Appended::appended);
}

TEST_F(LocalLogFaultTest, AFailedSyncEndsTheProcess) {
  open();
  scheduler.run_until_idle();
  files.fail_nth(DiskCall::sync, 1, Code::data_loss);
  EXPECT_DEATH((void)append_next(), "the log is synced");
}

TEST_F(LocalLogFaultTest, AFailedPreparationInTheBackgroundIsTriedAgainWhenNeeded) {
  open();
  files.fail_nth(DiskCall::write, 1, Code::resource_exhausted);
  scheduler.run_until_idle();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(append_next(), Appended::appended);
}

}  // namespace
}  // namespace nokv::log
