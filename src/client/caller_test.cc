#include "client/caller.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/sim/sim_scheduler.h"
#include "client/transport.h"

namespace nokv::client {
namespace {

using namespace std::chrono_literals;

// Answers once with trouble, and then not at all.
class TroubleThenSilence final : public Transport {
 public:
  explicit TroubleThenSilence(Executor& executor) : executor_(executor) {}

  void call(codec::Method /*method*/, std::string /*body*/, Duration timeout, Done done) override {
    if (calls_++ == 0) return done(fail(Code::unavailable, "the object store answered 503"));
    executor_.after(timeout, [done = std::move(done)]() mutable {
      done(fail_maybe_done(Code::cancelled, "no answer within the deadline"));
    });
  }
  std::string peer() const override { return "peer"; }

 private:
  Executor& executor_;
  int calls_ = 0;
};

TEST(Caller, TellsWhatThePeerSaidLastWhenTheTimeIsOver) {
  SimScheduler scheduler(7);
  auto executor = scheduler.executor("host", "client", 1);
  TroubleThenSilence transport(*executor);
  Caller caller({transport, scheduler.clock(), scheduler.random(), *executor}, 10s);
  std::optional<Result<std::string>> answer;
  caller.call(codec::Method::put_block, "", scheduler.clock().now() + 2s,
              [&](Result<std::string> reply) { answer = std::move(reply); });
  ASSERT_TRUE(scheduler.run_until([&] { return answer.has_value(); }, 10s));
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code(), Code::unavailable);
  EXPECT_EQ(answer->error().message(), "the object store answered 503");
  EXPECT_EQ(answer->error().outcome(), Outcome::maybe_done);  // the second attempt
}

}  // namespace
}  // namespace nokv::client
