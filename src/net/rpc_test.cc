#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_random.h"
#include "codec/envelope.h"
#include "net/asio_net.h"
#include "net/rpc_client.h"
#include "net/rpc_server.h"
#include "net/testing/mailbox.h"
#include "net/testing/raw_socket.h"

namespace nokv::net {
namespace {

using namespace std::chrono_literals;

enum Method : uint32_t {
  kEcho = 1,
  kFail = 2,
  kHold = 3,    // answered by the test
  kDrop = 4,    // never answered
  kThread = 5,  // answered from another thread
  kHuge = 6,
};

class TestService final : public RpcService {
 public:
  void handle(RpcCall call) override {
    switch (call.method) {
      case kEcho:
        return call.reply.send(std::string(call.body));
      case kFail: {
        Error error(Code::already_exists, "there is one", Outcome::maybe_done);
        return call.reply.send(std::unexpected(std::move(error).with_hint("look")));
      }
      case kHold:
        return held.put(std::move(call.reply));
      case kDrop:
        return;
      case kThread:
        threads.emplace_back(
            [reply = std::move(call.reply), body = std::string(call.body)]() mutable {
              reply.send(std::move(body));
            });
        return;
      case kHuge:
        return call.reply.send(std::string(kMessageMax, 'x'));
      default:
        return call.reply.send(fail(Code::unimplemented, "no method ", call.method));
    }
  }
  void idle(uint64_t) override { ++idles; }
  void closed(uint64_t id, const Error&) override { closed_ids.put(id); }

  Mailbox<Reply> held;
  Mailbox<uint64_t> closed_ids;
  std::atomic<int> idles = 0;
  std::vector<std::jthread> threads;
};

class RpcTest : public testing::Test {
 protected:
  void start(RpcServerOptions server_options = {}, RpcChannelOptions channel_options = {}) {
    server.emplace(net, clock, service, server_options);
    address = server->listen(Address{.host = "127.0.0.1"}).value();
    channel.emplace(net, clock, random, *timers, address, channel_options);
  }

  void TearDown() override {
    channel.reset();
    server.reset();
  }

  Result<std::string> call(uint32_t method, std::string body = "", Duration timeout = 10s) {
    return channel->call_blocking(method, std::move(body), timeout);
  }

  // Begins a call; its answer comes to `answers`.
  void begin(uint32_t method, std::string body = "", Duration timeout = 10s) {
    channel->call(method, std::move(body), timeout,
                  [this](auto answer) { answers.put(std::move(answer)); });
  }

  TestService service;
  Mailbox<Result<std::string>> answers;
  PosixClock clock;
  PosixRandom random;
  PosixExecutors executors;
  std::unique_ptr<Executor> timers = executors.serial("timers");
  AsioNet net{2};
  Address address;
  std::optional<RpcServer> server;
  std::optional<RpcChannel> channel;
};

TEST_F(RpcTest, ACallIsAnswered) {
  start();
  EXPECT_EQ(call(kEcho, "hello").value(), "hello");
  EXPECT_EQ(call(kEcho, "").value(), "");
  std::string big(kMessageMax - 64, 'b');
  EXPECT_EQ(call(kEcho, big).value(), big);
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(RpcTest, AnErrorArrivesAsItWas) {
  start();
  Error error = call(kFail).error();
  EXPECT_EQ(error.code(), Code::already_exists);
  EXPECT_EQ(error.outcome(), Outcome::maybe_done);
  EXPECT_EQ(error.message(), "there is one");
  EXPECT_EQ(error.hint(), "look");
}

TEST_F(RpcTest, TenThousandPipelinedCallsGetEachItsOwnAnswer) {
  start();
  constexpr int kCalls = 10'000;
  Mailbox<int> right;
  for (int i = 0; i < kCalls; ++i) {
    channel->call(kEcho, std::to_string(i), 30s, [&right, i](Result<std::string> answer) {
      right.put(answer && *answer == std::to_string(i) ? 1 : 0);
    });
  }
  int sum = 0;
  for (int i = 0; i < kCalls; ++i) sum += right.take().value_or(0);
  EXPECT_EQ(sum, kCalls);
  EXPECT_EQ(channel->outstanding(), 0u);
  EXPECT_GE(service.idles, 1);
}

TEST_F(RpcTest, AnswersComeInTheOrderTheyAreGiven) {
  start();
  begin(kHold);
  begin(kHold);
  Reply first = service.held.take().value();
  Reply second = service.held.take().value();
  second.send("second");
  EXPECT_EQ(answers.take()->value(), "second");
  first.send("first");
  EXPECT_EQ(answers.take()->value(), "first");
}

TEST_F(RpcTest, AnotherThreadMayAnswer) {
  start();
  EXPECT_EQ(call(kThread, "from afar").value(), "from afar");
}

TEST_F(RpcTest, ACallThatTheServiceDropsIsUnavailableMaybeDone) {
  start();
  Error error = call(kDrop).error();
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(error.outcome(), Outcome::maybe_done);
}

TEST_F(RpcTest, ADeadlineEndsTheCallAndALateAnswerFindsNoOther) {
  start();
  Error error = call(kHold, "", 20ms).error();
  EXPECT_EQ(error.code(), Code::cancelled);
  EXPECT_EQ(error.outcome(), Outcome::maybe_done);
  begin(kHold);  // takes the next slot; the late answer must not reach it
  service.held.take()->send("late");
  service.held.take()->send("in time");
  EXPECT_EQ(answers.take()->value(), "in time");
}

TEST_F(RpcTest, AMessageThatIsTooLongIsAnError) {
  start();
  EXPECT_EQ(call(kEcho, std::string(kMessageMax, 'x')).error().code(), Code::resource_exhausted);
  EXPECT_EQ(call(kHuge).error().code(), Code::resource_exhausted);
  EXPECT_EQ(call(kEcho, "fine").value(), "fine");
}

TEST_F(RpcTest, CallsBeyondTheBoundOfAConnectionAreOverloaded) {
  start({.outstanding_max = 2});
  begin(kHold);
  begin(kHold);
  Reply first = service.held.take().value();
  Reply second = service.held.take().value();
  Error error = call(kEcho).error();
  EXPECT_EQ(error.code(), Code::overloaded);
  EXPECT_EQ(error.outcome(), Outcome::not_done);
  EXPECT_EQ(error.hint(), "retry after 10 ms");
  first.send("");
  answers.take();
  EXPECT_TRUE(call(kEcho).has_value());
}

TEST_F(RpcTest, CallsWaitTheirTurnInTheChannel) {
  start({.outstanding_max = 1}, {.in_flight_max = 1, .calls_max = 3});
  begin(kHold);
  begin(kEcho);
  begin(kEcho);
  EXPECT_EQ(call(kEcho).error().code(), Code::overloaded);
  service.held.take()->send("");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(answers.take()->has_value());
}

TEST_F(RpcTest, AConnectionThatIsLostFailsWhatWasSentAndIsMadeAgain) {
  start();
  begin(kHold);
  Reply held = service.held.take().value();
  server.reset();
  Error error = answers.take()->error();
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(error.outcome(), Outcome::maybe_done);
  held.send("nobody hears it");
  Error refused = call(kEcho).error();
  EXPECT_EQ(refused.code(), Code::unavailable);
  EXPECT_EQ(refused.outcome(), Outcome::not_done);
  server.emplace(net, clock, service);
  ASSERT_TRUE(server->listen(address));
  Result<std::string> again = call(kEcho, "again");
  while (!again) again = call(kEcho, "again");
  EXPECT_EQ(*again, "again");
}

TEST_F(RpcTest, TheServiceHearsThatAConnectionClosed) {
  start();
  call(kEcho).value();
  channel.reset();
  EXPECT_EQ(service.closed_ids.take(), 1u);
}

TEST_F(RpcTest, StoppingFinishesWhatWasAdmittedAndRefusesTheRest) {
  start();
  begin(kHold);
  Reply held = service.held.take().value();
  Mailbox<int> stopped;
  server->stop([&] { stopped.put(1); });
  Error error = call(kEcho).error();
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(error.outcome(), Outcome::not_done);
  EXPECT_EQ(stopped.size(), 0u);
  held.send("done");
  EXPECT_EQ(answers.take()->value(), "done");
  EXPECT_EQ(stopped.take(), 1);
  EXPECT_EQ(service.closed_ids.take(), 1u);
}

TEST_F(RpcTest, AClosedChannelFailsItsCallsBeforeItIsGone) {
  start();
  begin(kHold);
  Reply held = service.held.take().value();
  channel.reset();
  EXPECT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers.take()->error().code(), Code::cancelled);
}

TEST_F(RpcTest, AMalformedRequestClosesItsConnectionOnly) {
  start();
  call(kEcho).value();
  RawSocket peer(address);
  peer.write(preamble_bytes() + frame_bytes("\x09what"));
  EXPECT_EQ(peer.read_all(), preamble_bytes());
  EXPECT_EQ(service.closed_ids.take(), 2u);
  EXPECT_TRUE(call(kEcho).has_value());
}

class ManualClock final : public Clock {
 public:
  Instant now() const override { return Instant(Duration(ns.load())); }
  WallTime wall() const override { return {}; }

  mutable std::atomic<int64_t> ns = 0;
};

TEST_F(RpcTest, ARequestWhoseDeadlinePassedWhileItWaitedIsCancelled) {
  struct Slow final : RpcService {
    explicit Slow(ManualClock& the_clock) : moved(the_clock) {}
    void handle(RpcCall call) override {
      ++handled;
      moved.ns += std::chrono::nanoseconds(1s).count();
      call.reply.send("slow");
    }
    ManualClock& moved;
    std::atomic<int> handled = 0;
  };
  ManualClock manual;
  Slow slow(manual);
  RpcServer server_by_hand(net, manual, slow);
  RawSocket peer(server_by_hand.listen(Address{.host = "127.0.0.1"}).value());
  std::string first;
  std::string second;
  codec::encode(codec::RequestHead{.id = 1, .method = 1, .deadline_ms = 0}, first);
  codec::encode(codec::RequestHead{.id = 2, .method = 1, .deadline_ms = 500}, second);
  peer.write(preamble_bytes() + frame_bytes(first) + frame_bytes(second));
  std::string ok;
  std::string cancelled;
  codec::encode_ok_reply(1, ok);
  codec::encode(
      codec::ReplyHead{
          .id = 2, .code = Code::cancelled, .message = "the deadline passed before the call began"},
      cancelled);
  std::string expected = preamble_bytes() + frame_bytes(ok + "slow") + frame_bytes(cancelled);
  EXPECT_EQ(peer.read(expected.size()), expected);
  EXPECT_EQ(slow.handled, 1);
}

TEST_F(RpcTest, AServerThatGoesSilentIsGivenUp) {
  RpcChannelOptions options{.silence_max = 30ms};
  start({}, options);
  begin(kHold, "", 40ms);
  Reply held = service.held.take().value();
  EXPECT_EQ(answers.take()->error().code(), Code::cancelled);
  EXPECT_EQ(service.closed_ids.take(), 1u);
  EXPECT_TRUE(call(kEcho).has_value());
}

}  // namespace
}  // namespace nokv::net
