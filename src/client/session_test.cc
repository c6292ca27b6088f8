#include "client/session.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/sim/sim_scheduler.h"
#include "client/testing/fake_server.h"

namespace nokv::client {
namespace {

using namespace std::chrono_literals;
using codec::CommitReply;
using codec::Durability;

class SessionTest : public testing::Test {
 protected:
  using Answer = std::shared_ptr<std::optional<Result<CommitReply>>>;

  Answer commit(const std::string& name, Durability durability = Durability::durable,
                Duration deadline = 10s) {
    auto answer = std::make_shared<std::optional<Result<CommitReply>>>();
    SessionRequest request{.durability = durability};
    request.operations.push_back({codec::Mkdir{.target = {.path = name}}});
    session->commit(std::move(request), clock().now() + deadline,
                    [answer](Result<CommitReply> reply) { *answer = std::move(reply); });
    return answer;
  }
  // Waits for it.
  Result<CommitReply> done(const Answer& answer) {
    EXPECT_TRUE(scheduler.run_until([&] { return answer->has_value(); }, 60s));
    return answer->value_or(fail(Code::cancelled, "never answered"));
  }
  Result<uint64_t> sync(Duration deadline = 10s) {
    std::optional<Result<uint64_t>> answer;
    session->sync(clock().now() + deadline, [&](Result<uint64_t> r) { answer = std::move(r); });
    EXPECT_TRUE(scheduler.run_until([&] { return answer.has_value(); }, 60s));
    return *answer;
  }
  // Names of what took effect, in order.
  std::vector<std::string> effects() const {
    std::vector<std::string> names;
    for (const auto& effect : server.effects) {
      for (const auto& box : effect.operations) {
        names.push_back(std::get<codec::Mkdir>(box.op).target.path);
      }
    }
    return names;
  }
  SimClock& clock() { return scheduler.clock(); }
  CallerParts parts() { return {transport, clock(), scheduler.random(), *executor}; }

  SimScheduler scheduler{7};
  std::unique_ptr<SimExecutor> executor = scheduler.executor("host", "client", 1);
  FakeServer server;
  FakeTransport transport{server, *executor};
  std::unique_ptr<Session> session = std::make_unique<Session>(parts());
};

using Names = std::vector<std::string>;

TEST_F(SessionTest, TheOpeningRidesOnTheFirstRequest) {
  ASSERT_TRUE(done(commit("a")));
  ASSERT_TRUE(done(commit("b")));
  ASSERT_EQ(server.requests.size(), 2U);
  EXPECT_TRUE(server.requests[0].open_session);
  EXPECT_FALSE(server.requests[1].open_session);
  EXPECT_EQ(server.requests[0].sequence, 1U);
  EXPECT_EQ(server.requests[1].sequence, 2U);
  EXPECT_EQ(server.requests[1].acked_below, 2U);
  EXPECT_EQ(server.requests[0].session, server.requests[1].session);
}

TEST_F(SessionTest, ARefusedFirstRequestLeavesTheOpeningToTheNext) {
  server.commit_faults = {Fault::refuse};
  EXPECT_EQ(done(commit("a")).error().code(), Code::not_found);
  ASSERT_TRUE(done(commit("b")));
  EXPECT_TRUE(server.requests.back().open_session);
}

TEST_F(SessionTest, ASessionWhoseFirstRequestsGotLostIsOpenedByAnother) {
  server.commit_faults.assign(3, Fault::lose_request);
  std::vector<Answer> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(commit(std::to_string(i)));
  for (auto& answer : answers) {
    auto reply = done(answer);
    ASSERT_TRUE(reply) << reply.error().message();
  }
  EXPECT_EQ(server.effects.size(), 20U);
}

TEST_F(SessionTest, AnEffectWhoseReplyWasLostIsNotRepeated) {
  server.commit_faults = {Fault::lose_reply, Fault::lose_reply};
  auto reply = done(commit("a"));
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->version, 1U);
  EXPECT_EQ(effects(), Names{"a"});
  EXPECT_EQ(server.requests.size(), 3U);
  EXPECT_EQ(server.requests.back().sequence, 1U);
}

TEST_F(SessionTest, TheAttachNumberGrowsWhenTheConnectionIsLost) {
  server.commit_faults = {Fault::lose_reply};
  ASSERT_TRUE(done(commit("a")));
  EXPECT_GT(server.requests[1].attach, server.requests[0].attach);
}

// Each of them may rest on the one before, also those that were never on the lost connection.
TEST_F(SessionTest, AfterALostConnectionRequestsKeepTheirOrder) {
  for (auto durability : {Durability::durable, Durability::early}) {
    server.effects.clear();
    Names names;
    std::vector<Answer> answers;
    for (int i = 0; i < 30; ++i) {
      names.push_back(std::to_string(i));
      answers.push_back(commit(names.back(), durability));
      if (i % 10 == 5) server.restart();
      if (i % 10 == 7) scheduler.run_for(110us);
    }
    for (auto& answer : answers) ASSERT_TRUE(done(answer));
    EXPECT_EQ(effects(), names);
  }
}

TEST_F(SessionTest, ARequestThatNeverArrivedMovesToANewSessionHoweverOftenItWasSent) {
  ASSERT_TRUE(done(commit("a")));
  server.expire_sessions();
  server.commit_faults = {Fault::lose_request, Fault::overload, Fault::lose_request};
  ASSERT_TRUE(done(commit("b")));
  EXPECT_EQ(effects(), (Names{"a", "b"}));
}

// Reads that waited for a version of the dead server would wait for ever.
TEST_F(SessionTest, ReadsDoNotWaitForAVersionThatDiedWithTheServer) {
  server.sync_by_itself = false;
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(done(commit(name, Durability::early)));
  EXPECT_EQ(session->early_version(), 3U);
  server.restart();
  server.commit_faults = {Fault::none, Fault::refuse};  // the second was taken by somebody else
  scheduler.run_for(5s);
  ASSERT_EQ(effects(), (Names{"a", "c"}));
  EXPECT_EQ(session->early_version(), 2U);
}

TEST_F(SessionTest, AnOverloadedServerIsAskedAgainLaterAndLater) {
  server.commit_faults.assign(6, Fault::overload);
  auto before = clock().now();
  ASSERT_TRUE(done(commit("a")));
  EXPECT_GT(clock().now() - before, 150ms);  // at least half of 10 + 20 + 40 + 80 + 160 + 320
  EXPECT_EQ(session->counters().requests, 7U);
  EXPECT_EQ(session->counters().retries, 6U);
}

TEST_F(SessionTest, NobodyAnsweringIsMaybeDoneOnlyWhenSomethingMayHaveArrived) {
  server.commit_faults.assign(100, Fault::lose_request);
  auto error = done(commit("a", Durability::durable, 1s)).error();
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(error.outcome(), Outcome::not_done);

  server.commit_faults.assign(100, Fault::lose_request);
  server.commit_faults.front() = Fault::lose_reply;
  error = done(commit("b", Durability::durable, 1s)).error();
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(error.outcome(), Outcome::maybe_done);
}

TEST_F(SessionTest, AServerThatHangsIsAskedAgainWithinTheDeadline) {
  server.commit_faults = {Fault::hang};
  auto before = clock().now();
  ASSERT_TRUE(done(commit("a", Durability::durable, 20s)));
  EXPECT_LT(clock().now() - before, 6s);
  EXPECT_EQ(effects(), Names{"a"});
}

TEST_F(SessionTest, ARefusalAfterALostReplyIsTheAnswer) {
  server.commit_faults = {Fault::lose_reply, Fault::refuse};
  auto error = done(commit("a")).error();
  EXPECT_EQ(error.code(), Code::not_found);
}

TEST_F(SessionTest, TheWindowHoldsBackWhatTheServerWouldNotTake) {
  server.commit_faults = {Fault::lose_request};  // number 1 stays unanswered for a while
  std::vector<Answer> answers;
  for (int i = 0; i < 2000; ++i) answers.push_back(commit(std::to_string(i)));
  for (auto& answer : answers) ASSERT_TRUE(done(answer));
  EXPECT_EQ(server.effects.size(), 2000U);
  for (const auto& request : server.requests) {
    ASSERT_LT(request.sequence, std::max<uint64_t>(request.acked_below, 1) + codec::kSessionWindow);
  }
  std::set<std::string> once;
  for (auto& name : effects()) EXPECT_TRUE(once.insert(name).second) << name;
}

TEST_F(SessionTest, BeyondTheQueueRequestsAreRefused) {
  session = std::make_unique<Session>(parts(), SessionOptions{.queue_max = 3});
  std::vector<Answer> answers;
  // The window takes the first 1,024.
  for (int i = 0; i < 1028; ++i) answers.push_back(commit("a"));
  EXPECT_EQ(done(answers.back()).error().code(), Code::overloaded);
  EXPECT_TRUE(done(answers[1026]));
}

TEST_F(SessionTest, AfterAnExpiryUnseenRequestsGoIntoANewSession) {
  ASSERT_TRUE(done(commit("a")));
  server.expire_sessions();
  ASSERT_TRUE(done(commit("b")));
  EXPECT_EQ(effects(), (Names{"a", "b"}));
  EXPECT_NE(server.requests.front().session, server.requests.back().session);
  EXPECT_TRUE(server.requests.back().open_session);
}

TEST_F(SessionTest, AfterAnExpiryARequestThatMayHaveBeenDoneIsNotRepeated) {
  ASSERT_TRUE(done(commit("a")));
  server.commit_faults = {Fault::lose_reply};
  auto answer = commit("b");
  scheduler.run_until([&] { return server.effects.size() == 2; }, 1s);
  server.expire_sessions();
  auto error = done(answer).error();
  EXPECT_EQ(error.code(), Code::session_expired);
  EXPECT_EQ(error.outcome(), Outcome::maybe_done);
  EXPECT_EQ(effects(), (Names{"a", "b"}));
}

TEST_F(SessionTest, ClosingEndsTheSessionAtTheServer) {
  ASSERT_TRUE(done(commit("a")));
  bool closed = false;
  session->close(clock().now() + 10s, [&](Result<> r) { closed = r.has_value(); });
  ASSERT_TRUE(scheduler.run_until([&] { return closed; }, 10s));
  EXPECT_TRUE(server.sessions.begin()->second);
  EXPECT_EQ(done(commit("b")).error().code(), Code::failed_precondition);
}

TEST_F(SessionTest, ClosingWaitsForWhatIsOnItsWay) {
  server.commit_faults = {Fault::lose_reply};
  auto answer = commit("a");
  bool closed = false;
  session->close(clock().now() + 10s, [&](Result<> r) { closed = r.has_value(); });
  ASSERT_TRUE(scheduler.run_until([&] { return closed; }, 10s));
  EXPECT_TRUE(done(answer));
}

TEST_F(SessionTest, ASessionThatWasNeverUsedClosesWithoutARequest) {
  bool closed = false;
  session->close(clock().now() + 10s, [&](Result<> r) { closed = r.has_value(); });
  EXPECT_TRUE(closed);
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(SessionTest, StoppingEndsEverythingThatIsNotAnswered) {
  auto answer = commit("a");
  session->stop();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error().code(), Code::cancelled);
  EXPECT_EQ((*answer)->error().outcome(), Outcome::maybe_done);
  scheduler.run_for(10s);
}

// ---- early acknowledgements

TEST_F(SessionTest, SyncWaitsUntilEarlyChangesAreDurable) {
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("a", Durability::early)));
  EXPECT_EQ(sync(100ms).error().code(), Code::cancelled);
  server.sync_by_itself = true;
  auto synced = sync();
  ASSERT_TRUE(synced) << synced.error().message();
  EXPECT_EQ(*synced, 1U);
  EXPECT_EQ(session->early_version(), 1U);
}

TEST_F(SessionTest, EarlyChangesAreSentAgainInOrderAfterTheServerDied) {
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("durable")));
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(done(commit(name, Durability::early)));
  server.restart();
  EXPECT_EQ(effects(), Names{"durable"});
  ASSERT_TRUE(done(commit("d", Durability::durable)));
  EXPECT_EQ(effects(), (Names{"durable", "a", "b", "c", "d"}));
  EXPECT_EQ(server.effects.at(1).sequence, 2U);
  EXPECT_TRUE(sync());
}

TEST_F(SessionTest, EarlyChangesAreSentAgainThoughNothingElseIs) {
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("a", Durability::early)));
  server.restart();
  scheduler.run_for(1s);
  EXPECT_EQ(effects(), Names{"a"});
  server.sync_by_itself = true;
  EXPECT_TRUE(sync());
}

TEST_F(SessionTest, ASessionOpenedEarlyIsOpenedAgain) {
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("a", Durability::early)));
  server.restart();
  ASSERT_TRUE(server.sessions.empty());
  ASSERT_TRUE(done(commit("b")));
  EXPECT_EQ(effects(), (Names{"a", "b"}));
}

TEST_F(SessionTest, WhatAnotherServerSaysIsDurableIsNotTakenForOurs) {
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("a", Durability::early)));  // version 1, and lost
  server.restart();
  // Another client gets version 1 of the restarted server, durably.
  codec::CommitRequest other;
  other.operations.push_back({codec::Mkdir{.target = {.path = "other"}}});
  ASSERT_TRUE(server.handle(codec::Method::commit, codec::encoded(other)));
  scheduler.run_for(1s);
  EXPECT_EQ(effects(), (Names{"other", "a"}));
  EXPECT_FALSE(sync(100ms));
}

TEST_F(SessionTest, AnEarlyChangeThatIsRefusedLaterIsToldBySyncOnce) {
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("a", Durability::early)));
  server.restart();
  server.commit_faults = {Fault::refuse};
  scheduler.run_for(1s);
  EXPECT_EQ(sync().error().code(), Code::not_found);
  EXPECT_TRUE(sync());
}

TEST_F(SessionTest, NumbersOfEarlyChangesAreNotAcknowledgedBeforeTheyAreDurable) {
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("a", Durability::early)));
  ASSERT_TRUE(done(commit("b", Durability::early)));
  EXPECT_EQ(server.requests.back().acked_below, 1U);
  server.sync_by_itself = true;
  ASSERT_TRUE(sync());
  ASSERT_TRUE(done(commit("c")));
  EXPECT_EQ(server.requests.back().acked_below, 3U);
}

TEST_F(SessionTest, BeyondTheMemoryForEarlyChangesTheyAreMadeDurable) {
  session = std::make_unique<Session>(parts(), SessionOptions{.early_bytes_max = 20});
  server.sync_by_itself = false;
  ASSERT_TRUE(done(commit("0123456789", Durability::early)));
  ASSERT_TRUE(done(commit("0123456789", Durability::early)));
  EXPECT_EQ(server.requests[0].durability, Durability::early);
  EXPECT_EQ(server.requests[1].durability, Durability::durable);
}

// Model: whatever is lost on the way and however often the server dies, what was answered is done
// once, and in the order in which it was answered where the client waited.
TEST(SessionModel, EverythingAnsweredHappensOnce) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    SimScheduler scheduler(seed);
    SimRandom random(seed + 1000);
    auto executor = scheduler.executor("host", "client", 1);
    FakeServer server;
    server.sync_by_itself = random.one_in(2);
    FakeTransport transport(server, *executor);
    Session session({transport, scheduler.clock(), scheduler.random(), *executor});
    std::map<std::string, std::optional<Result<CommitReply>>> answers;
    for (int i = 0; i < 120; ++i) {
      SessionRequest request;
      std::string name = std::to_string(i);
      if (random.one_in(2)) request.durability = Durability::early;
      request.operations.push_back({codec::Mkdir{.target = {.path = name}}});
      auto& answer = answers[name];
      session.commit(std::move(request), scheduler.clock().now() + 60s,
                     [&answer](Result<CommitReply> reply) { answer = std::move(reply); });
      if (random.one_in(2)) scheduler.run_until([&] { return answer.has_value(); }, 100s);
      if (random.one_in(4)) {
        server.commit_faults.push_back(static_cast<Fault>(random.below(4)));
      }
      if (random.one_in(15)) server.restart();
      if (random.one_in(5)) scheduler.run_for(Duration(random.below(20'000'000)));
    }
    server.commit_faults.clear();
    server.sync_by_itself = true;
    std::optional<Result<uint64_t>> synced;
    scheduler.run_until(
        [&] {
          return std::ranges::all_of(answers, [](auto& it) { return it.second.has_value(); });
        },
        100s);
    session.sync(scheduler.clock().now() + 60s, [&](Result<uint64_t> r) { synced = std::move(r); });
    scheduler.run_until([&] { return synced.has_value(); }, 100s);
    ASSERT_TRUE(synced.has_value() && synced->has_value());
    std::map<std::string, int> happened;
    for (auto& effect : server.effects) {
      for (auto& box : effect.operations) ++happened[std::get<codec::Mkdir>(box.op).target.path];
    }
    for (auto& [name, answer] : answers) {
      ASSERT_TRUE(answer.has_value());
      ASSERT_TRUE(answer->has_value()) << answer->error().message();
      ASSERT_EQ(happened[name], 1) << name;
    }
  }
}

}  // namespace
}  // namespace nokv::client
