// The blocking watcher over a server that answers as it is told to.
#include <deque>
#include <mutex>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "client/client.h"
#include "codec/event_cursor.h"

namespace nokv::client {
namespace {

using namespace std::chrono_literals;
using codec::EventCursor;
using codec::WatchReply;
using codec::WatchRequest;

constexpr uint64_t kLog = 7;

std::string at(uint64_t version, uint32_t index = 0) {
  return EventCursor{kLog, version, index}.text();
}

// Answers polls from a script, each before the call returns; others with `unavailable`.
class ScriptedServer final : public Transport {
 public:
  struct Script {
    std::mutex mutex;
    std::deque<Result<WatchReply>> answers;
    std::vector<WatchRequest> asked;
    uint64_t connection = 0;
  };
  explicit ScriptedServer(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  void call(codec::Method method, std::string body, Duration, Done done) override {
    std::unique_lock lock(script_->mutex);
    WatchRequest request;
    if (method != codec::Method::watch || !codec::decode(body, request) ||
        script_->answers.empty()) {
      lock.unlock();
      return done(fail(Code::unavailable, "nobody is there"));
    }
    script_->asked.push_back(request);
    auto answer = std::move(script_->answers.front());
    script_->answers.pop_front();
    lock.unlock();
    if (!answer) return done(std::unexpected(std::move(answer).error()));
    done(codec::encoded(*answer));
  }
  std::string peer() const override { return "script"; }

 private:
  std::shared_ptr<Script> script_;
};

class WatcherTest : public testing::Test {
 protected:
  WatchReply page(std::initializer_list<codec::WatchEvent> events, std::string cursor,
                  bool more = false) {
    WatchReply reply{.events = events, .cursor = std::move(cursor), .oldest = at(1)};
    reply.more = more;
    return reply;
  }
  void answer(Result<WatchReply> reply) { script->answers.push_back(std::move(reply)); }
  std::vector<std::string> asked() {
    std::vector<std::string> out;
    for (const auto& request : script->asked) out.push_back(request.since);
    return out;
  }
  using Strings = std::vector<std::string>;

  PosixEnv posix;
  std::shared_ptr<ScriptedServer::Script> script = std::make_shared<ScriptedServer::Script>();
  Client client{{std::make_unique<ScriptedServer>(script), posix.env()}, {.deadline = 300ms}};
};

TEST_F(WatcherTest, GivesEachEventWithTheCursorBehindIt) {
  answer(page({}, at(5)));
  answer(page({{5, 0}, {5, 2}}, at(5, 3), true));
  answer(page({{7, 0}}, at(9)));
  answer(page({}, at(10)));
  Watcher watcher = client.watch({.path = "/x"}).value();
  EXPECT_EQ(watcher.cursor(), at(5));
  EXPECT_EQ(watcher.next(0s)->value().version, 5U);
  EXPECT_EQ(watcher.cursor(), at(5, 1));
  EXPECT_TRUE(watcher.at_hand());
  EXPECT_EQ(watcher.next(0s)->value().index, 2U);
  EXPECT_EQ(watcher.cursor(), at(5, 3));
  EXPECT_FALSE(watcher.at_hand());
  EXPECT_EQ(watcher.next(0s)->value().version, 7U);
  EXPECT_EQ(watcher.cursor(), at(7, 1));
  EXPECT_FALSE(watcher.next(0s)->has_value());
  EXPECT_EQ(watcher.cursor(), at(10));
  EXPECT_EQ(asked(), (Strings{"", at(5), at(5, 3), at(9)}));
  EXPECT_EQ(script->asked[1].path, "/x");
}

TEST_F(WatcherTest, AsksAgainFromTheSamePlaceWhenAnAnswerIsLost) {
  answer(page({{5, 0}}, at(6)));
  answer(fail_maybe_done(Code::unavailable, "lost"));
  answer(fail_maybe_done(Code::unavailable, "lost"));
  answer(page({{6, 0}}, at(7)));
  Watcher watcher = client.watch({.since = at(5)}).value();
  EXPECT_EQ(watcher.next(1s)->value().version, 5U);
  EXPECT_EQ(watcher.next(1s)->value().version, 6U);
  EXPECT_EQ(asked(), (Strings{at(5), at(6), at(6), at(6)}));
}

TEST_F(WatcherTest, AnErrorChangesNothing) {
  answer(page({{5, 0}}, at(6)));
  Watcher watcher = client.watch({.since = at(5)}).value();
  EXPECT_TRUE(watcher.next(0s)->has_value());
  EXPECT_EQ(watcher.next(0s).error().code(), Code::unavailable);
  EXPECT_EQ(watcher.cursor(), at(5, 1));
  answer(page({{6, 0}}, at(7)));
  EXPECT_EQ(watcher.next(0s)->value().version, 6U);
  EXPECT_EQ(script->asked.back().since, at(6));
}

TEST_F(WatcherTest, ACursorThatIsTooOldIsToldWithTheOldest) {
  WatchReply reply{.cursor = at(9), .oldest = at(9)};
  reply.failure = {Code::cursor_too_old, "gone", "look"};
  answer(reply);
  Watcher watcher = client.watch({.since = at(2)}).value();
  auto next = watcher.next(0s);
  EXPECT_EQ(next.error().code(), Code::cursor_too_old);
  EXPECT_EQ(next.error().hint(), "look");
  EXPECT_EQ(watcher.oldest(), at(9));
  EXPECT_EQ(watcher.cursor(), at(2));
}

TEST_F(WatcherTest, AServerThatEndsIsAskedAgainALittleLater) {
  WatchReply ending{.cursor = at(6), .oldest = at(1)};
  ending.ending = true;
  answer(ending);
  answer(page({{6, 0}}, at(7)));
  Watcher watcher = client.watch({.since = at(5)}).value();
  auto began = posix.env().clock.now();
  EXPECT_EQ(watcher.next(5s)->value().version, 6U);
  EXPECT_GE(posix.env().clock.now() - began, 40ms);
}

TEST_F(WatcherTest, SomebodyWhoAsksToStopIsNotKeptWaiting) {
  std::stop_source stop;
  stop.request_stop();
  answer(page({}, at(6)));
  Watcher watcher = client.watch({.since = at(5), .call = {.stop = stop.get_token()}}).value();
  EXPECT_EQ(watcher.next(1h).error().code(), Code::cancelled);
}

TEST_F(WatcherTest, WhatIsNoCursorIsNotGoneOnFrom) {
  answer(page({{5, 0}}, "nonsense"));
  Watcher watcher = client.watch({.since = at(5)}).value();
  EXPECT_EQ(watcher.next(0s).error().code(), Code::data_loss);
  EXPECT_EQ(watcher.cursor(), at(5));
}

}  // namespace
}  // namespace nokv::client
