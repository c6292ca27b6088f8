// Scenarios that have broken systems like this one, by their number in the list that the project
// keeps of them: here those that need a server, its clients and what lies between.
#include <set>

#include <gtest/gtest.h>

#include "client/testing/sim_peer.h"

namespace nokv::client {
namespace {

using namespace std::chrono_literals;
using codec::CommitRequest;

codec::Publish create(const std::string& path, const std::string& bytes = "x") {
  codec::Publish op;
  op.target.path = path;
  op.body.bytes = bytes;
  op.body.size = bytes.size();
  op.exists = codec::Exists::create;
  return op;
}

codec::Remove removal(const std::string& path) {
  codec::Remove op;
  op.target.path = path;
  return op;
}

class ScenarioTest : public testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    auto started = world.start_server();
    ASSERT_TRUE(started) << started.error().message();
  }
  void init() {
    ASSERT_TRUE(alice.ask<codec::StatusReply>(codec::Method::init, codec::InitRequest()));
  }
  // The frame leaves, its connection ends for alice, and it arrives 20 s later.
  void send_late(const CommitRequest& frame) {
    (void)alice.exists("/");  // the connection is there
    auto answer = alice.send(frame);
    world.net().close_late(alice.name(), SimWorld::kServer.host, 20s);
    EXPECT_FALSE(alice.done(answer));
  }

  SimWorld world{1};
  Peer alice{world, "alice"};
  Peer bob{world, "bob"};
};

// 13.
TEST_F(ScenarioTest, ACreationThatWasRefusedOnTheNextConnectionDoesNotHappenWhenItsFrameComesLate) {
  init();
  CommitRequest frame = alice.frame(1, create("/f"));
  send_late(frame);
  ASSERT_TRUE(bob.commit(create("/f", "of bob")));
  frame.attach = 2;
  EXPECT_EQ(alice.commit(frame).error().code(), Code::already_exists);
  ASSERT_TRUE(bob.commit(removal("/f")));
  uint64_t version = world.published_version();
  world.run_for(1min);
  EXPECT_FALSE(alice.exists("/f"));
  world.gather_log();
  for (const auto& [at, record] : world.log()) {
    EXPECT_TRUE(at <= version || record.session.empty()) << at;
  }
}

// 13, when the session has even ended since.
TEST_F(ScenarioTest, ALateFrameDoesNotOpenAClosedSessionAgain) {
  init();
  CommitRequest frame = alice.frame(1, create("/f"));
  send_late(frame);
  frame.attach = 2;
  ASSERT_TRUE(alice.commit(frame));
  CommitRequest last = alice.frame(2, codec::Mkdir());
  last.operations.clear();
  last.attach = 2;
  last.acked_below = 2;
  last.close_session = true;
  ASSERT_TRUE(alice.commit(last));
  ASSERT_TRUE(bob.commit(removal("/f")));
  world.run_for(1min);
  EXPECT_FALSE(alice.exists("/f"));
}

// 14.
TEST_F(ScenarioTest, OfTwoThousandPipelinedRequestsTheWindowIsKeptAndNoneIsDoneTwice) {
  init();
  std::vector<Peer::Answer> answers;
  for (uint64_t i = 1; i <= 2000; ++i) {
    answers.push_back(alice.send(alice.frame(i, create("/f" + std::to_string(i)))));
  }
  world.run_for(1ms);  // some of it has happened, and no answer arrives
  world.net().reset(alice.name(), SimWorld::kServer.host);
  for (uint64_t round = 2; round <= 4; ++round) {
    std::vector<uint64_t> versions;
    answers.clear();
    (void)alice.exists("/");  // connected again
    for (uint64_t i = 1; i <= 2000; ++i) {
      CommitRequest frame = alice.frame(i, create("/f" + std::to_string(i)));
      frame.attach = round;
      answers.push_back(alice.send(frame));
    }
    std::set<uint64_t> once;
    for (uint64_t i = 1; i <= 2000; ++i) {
      auto answer = alice.done(answers[i - 1]);
      if (i <= codec::kSessionWindow) {
        ASSERT_TRUE(answer) << i << ": " << answer.error().message();
        EXPECT_TRUE(once.insert(answer->version).second);
      } else {
        ASSERT_EQ(answer.error().code(), Code::overloaded) << i;
      }
    }
    if (round == 2) continue;
    world.crash_server(SimCrash::power);
    start();
  }
  codec::ListRequest all{{"/", {}}, {}, {}, 10'000};
  auto listed = alice.ask<codec::ListReply>(codec::Method::list, all);
  EXPECT_EQ(listed->entries.size(), codec::kSessionWindow);
}

// 16: the jump.
TEST_F(ScenarioTest, AWallClockThatJumpsADayAheadIsHeldBackAndNothingExpiresByIt) {
  init();
  ASSERT_TRUE(alice.commit(alice.frame(1, create("/f"))));
  codec::SnapshotCreate snapshot;
  snapshot.name = "hourly";
  snapshot.target.path = "/";
  snapshot.ttl_ns = std::chrono::nanoseconds(1h).count();
  auto made = alice.commit(snapshot);
  ASSERT_TRUE(made);
  world.scheduler().clock().jump_wall(24h);
  world.run_for(1min);
  auto after = alice.commit(create("/g"));
  ASSERT_TRUE(after);
  EXPECT_LT(after->time_ns - made->time_ns, std::chrono::nanoseconds(2min).count());
  EXPECT_GT(world.host().shard().counters().clamped_times, 0U);
  codec::StatRequest request{{{"/f", {}}}, {"hourly"}};
  EXPECT_TRUE(alice.ask<codec::StatReply>(codec::Method::stat, request));
  CommitRequest again = alice.frame(1, create("/f"));
  EXPECT_TRUE(alice.commit(again));
}

// 16: the jump, and bytes that somebody may still be reading.
TEST_F(ScenarioTest, AWallClockThatJumpsADayAheadEndsNoGracePeriod) {
  init();
  ASSERT_TRUE(alice.put("/f", std::string(20'000, 'a')));
  auto opened = alice.open({{"/f", {}}});
  ASSERT_TRUE(opened);
  ASSERT_TRUE(alice.commit(removal("/f")));
  world.scheduler().clock().jump_wall(24h);
  world.run_for(10s);  // the grace period here is 30 s
  EXPECT_TRUE(alice.block(opened->plan.extents.at(0)));
}

// 16: the weekend.
TEST_F(ScenarioTest, AServerThatWasOffForAWeekendAlarmsNobodyAndKeepsSessionsAndUploads) {
  init();
  auto first = alice.commit(alice.frame(1, create("/f")));
  ASSERT_TRUE(first);
  auto upload = alice.commit(codec::OpenUpload{1});
  ASSERT_TRUE(upload);
  world.crash_server(SimCrash::power);
  world.run_for(60h);
  start();
  auto again = alice.commit(alice.frame(1, create("/f")));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->version, first->version);
  auto next = alice.commit(alice.frame(2, create("/g")));
  ASSERT_TRUE(next);
  EXPECT_GT(next->time_ns - first->time_ns, std::chrono::nanoseconds(59h).count());
  world.run_for(30s);
  EXPECT_EQ(world.host().shard().counters().clamped_times, 0U);
  EXPECT_EQ(world.host().background().counters().uploads_closed, 0U);
  world.run_for(2min);  // by serving time its end comes
  EXPECT_EQ(world.host().background().counters().uploads_closed, 1U);
}

// 19.
TEST_F(ScenarioTest, AReaderWhosePlanIsOldIsToldThatItsGenerationIsGone) {
  world.crash_server(SimCrash::process);
  world.options().background = {};
  start();
  codec::InitRequest without_moments;
  without_moments.policy.undo_ns = 1;
  ASSERT_TRUE(alice.ask<codec::StatusReply>(codec::Method::init, without_moments));
  std::string body(20'000, 'a');
  ASSERT_TRUE(alice.put("/f", body));
  auto opened = alice.open({{"/f", {}}});
  ASSERT_TRUE(opened);
  uint64_t generation = opened->entry.body.generation;
  ASSERT_TRUE(bob.put("/f", std::string(20'000, 'b')));
  world.run_for(29min);  // the plan is good for half an hour
  EXPECT_EQ(*alice.block(opened->plan.extents.at(0)), body);
  world.run_for(95min);
  EXPECT_EQ(alice.block(opened->plan.extents.at(0)).error().code(), Code::not_found);
  codec::OpenRequest again;
  again.target = {opened->entry.name, opened->entry.parent};
  again.generation = generation;
  auto refused = alice.open(again);
  EXPECT_EQ(refused.error().code(), Code::aborted);
  EXPECT_NE(refused.error().message().find("generation"), std::string::npos);
}

// 19, when a snapshot keeps what was replaced.
TEST_F(ScenarioTest, AReaderWhosePlanIsOldOpensAgainWhatASnapshotKeeps) {
  init();
  std::string body(20'000, 'a');
  ASSERT_TRUE(alice.put("/f", body));
  auto opened = alice.open({{"/f", {}}});
  ASSERT_TRUE(opened);
  codec::SnapshotCreate snapshot;
  snapshot.name = "kept";
  snapshot.target.path = "/";
  ASSERT_TRUE(alice.commit(snapshot));
  ASSERT_TRUE(bob.put("/f", std::string(20'000, 'b')));
  world.run_for(2h);
  codec::OpenRequest again{{"/f", {}}, {"kept"}, opened->entry.body.generation};
  auto reopened = alice.open(again);
  ASSERT_TRUE(reopened) << reopened.error().message();
  EXPECT_EQ(*alice.block(reopened->plan.extents.at(0)), body);
}

// 26: the PUT.
TEST_F(ScenarioTest, APutThatTheStoreCutShortIsCaughtByTheChecksum) {
  init();
  world.store().store.truncate_next_put(19'999);
  ASSERT_TRUE(alice.put("/f", std::string(20'000, 'a')));
  auto opened = alice.open({{"/f", {}}});
  ASSERT_TRUE(opened);
  EXPECT_EQ(alice.block(opened->plan.extents.at(0)).error().code(), Code::data_loss);
}

// 26: the GET.
TEST_F(ScenarioTest, TheBytesOfAnotherObjectAreCaughtByTheChecksum) {
  init();
  ASSERT_TRUE(alice.put("/f", std::string(20'000, 'a')));
  auto opened = alice.open({{"/f", {}}});
  ASSERT_TRUE(opened);
  world.store().faults.swap_one_in = 1;
  EXPECT_EQ(alice.block(opened->plan.extents.at(0)).error().code(), Code::data_loss);
  world.store().faults = {};
  EXPECT_TRUE(alice.block(opened->plan.extents.at(0)));
}

// 12. The server dies between an early answer and the sync: what is sent again happens once. Its
// ids are in shard/early_ids_test.cc.
TEST_F(ScenarioTest, AnEarlyRequestWhoseServerDiedHappensOnceWhenItIsSentAgain) {
  init();
  CommitRequest frame = alice.frame(1, create("/ids-are-reserved"));
  frame.durability = codec::Durability::early;
  ASSERT_TRUE(alice.commit(frame));
  frame = alice.frame(2, create("/f"));
  frame.durability = codec::Durability::early;
  auto answer = alice.send(frame);
  world.halt_server_disk(0);
  world.run_for(1s);
  ASSERT_FALSE(world.server_up());
  start();
  EXPECT_FALSE(alice.exists("/f"));
  for (uint64_t attach = 2; attach < 5; ++attach) {
    frame.attach = attach;
    ASSERT_TRUE(alice.commit(frame));
  }
  EXPECT_TRUE(alice.exists("/f"));
  world.gather_log();
  uint64_t records = 0;
  for (const auto& [version, record] : world.log()) records += record.session.empty() ? 0 : 1;
  EXPECT_EQ(records, 2U);
}

// A full disk after an early answer: its version is not given to another.
TEST_F(ScenarioTest, WhatWasAnsweredEarlyIsNotTakenBackByAFullDisk) {
  init();
  SimFiles& files = world.server_host().files();
  CommitRequest frame = alice.frame(1, create("/ids-are-reserved"));
  frame.durability = codec::Durability::early;
  ASSERT_TRUE(alice.commit(frame));
  uint64_t free = files.bytes_used();
  frame = alice.frame(2, create("/f", std::string(15'000, 'x')));
  frame.durability = codec::Durability::early;
  Result<CommitReply> early = alice.commit(frame);
  ASSERT_TRUE(early);
  files.set_capacity(free);
  for (uint64_t i = 3; i < 40 && world.server_up(); ++i) {
    frame = alice.frame(i, create("/f" + std::to_string(i), std::string(15'000, 'x')));
    frame.durability = codec::Durability::early;
    (void)alice.commit(frame);
  }
  EXPECT_FALSE(world.server_up());  // it stopped rather than forget
}

}  // namespace
}  // namespace nokv::client
