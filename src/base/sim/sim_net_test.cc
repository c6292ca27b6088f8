#include "base/sim/sim_net.h"

#include <algorithm>
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nokv {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Keeps what it hears.
struct Ear final : ConnectionHandler {
  void on_message(std::string_view message) override {
    heard.emplace_back(message);
    if (on_heard) on_heard(std::string(message));
  }
  void on_idle() override { ++idle; }
  void on_closed(const Error& error) override {
    ++closed;
    why = error.message();
  }

  std::vector<std::string> heard;
  std::function<void(std::string)> on_heard;
  int idle = 0;
  int closed = 0;
  std::string why;
};

class SimNetTest : public testing::Test {
 protected:
  // Host "server" listens on port 1 and keeps its side of each connection.
  void serve() {
    Acceptor acceptor;
    acceptor.accept = [this](std::shared_ptr<Connection> connection) {
      server_side = std::move(connection);
      server_ear = std::make_shared<Ear>();
      return server_ear;
    };
    listener = net.host("server").listen({"server", 1, ""}, acceptor).value();
  }

  // Connects from host "client"; the answer is in `client_side` or `connect_error`.
  void connect(const Address& address = {"server", 1, ""}, Duration timeout = 1s) {
    client_ear = std::make_shared<Ear>();
    client_side = nullptr;
    net.host("client").connect(address, timeout, client_ear, [this](auto connected) {
      ++answers;
      if (connected) {
        client_side = *connected;
      } else {
        connect_error = connected.error().message();
      }
    });
  }

  void serve_and_connect() {
    serve();
    connect();
    scheduler.run_until_idle();
    ASSERT_NE(client_side, nullptr);
  }

  SimScheduler scheduler{1};
  SimNet net{scheduler};
  std::unique_ptr<Listener> listener;
  std::shared_ptr<Connection> server_side;
  std::shared_ptr<Connection> client_side;
  std::shared_ptr<Ear> server_ear;
  std::shared_ptr<Ear> client_ear;
  int answers = 0;
  std::string connect_error;
};

TEST_F(SimNetTest, MessagesArriveWholeAndInOrderBothWays) {
  serve_and_connect();
  server_ear->on_heard = [&](const std::string& message) { server_side->send("re:" + message); };
  std::vector<std::string> sent;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(std::to_string(i));
    client_side->send(sent.back());
  }
  scheduler.run_until_idle();
  EXPECT_EQ(server_ear->heard, sent);
  ASSERT_EQ(client_ear->heard.size(), 100U);
  EXPECT_EQ(client_ear->heard[99], "re:99");
  EXPECT_GE(server_ear->idle, 1);
  EXPECT_LE(server_ear->idle, 100);
  EXPECT_EQ(client_side->peer(), "nokv://server:1");
  EXPECT_THAT(server_side->peer(), HasSubstr("client:"));
}

TEST_F(SimNetTest, MessagesTakeTime) {
  serve_and_connect();
  Clock::Instant start = scheduler.clock().now();
  client_side->send("x");
  EXPECT_TRUE(server_ear->heard.empty());
  scheduler.run_until_idle();
  Duration took = scheduler.clock().now() - start;
  EXPECT_GE(took, SimNetFaults{}.latency_min);
  EXPECT_LE(took, SimNetFaults{}.latency_max);
}

TEST_F(SimNetTest, WhatTheServerSendsAtOnceWaitsForTheClientToBeConnected) {
  Acceptor acceptor;
  acceptor.accept = [](const std::shared_ptr<Connection>& connection) {
    connection->send("hello");
    return std::make_shared<Ear>();
  };
  listener = net.host("server").listen({"server", 1, ""}, acceptor).value();
  connect();
  client_ear->on_heard = [&](const std::string&) { EXPECT_NE(client_side, nullptr); };
  scheduler.run_until_idle();
  EXPECT_THAT(client_ear->heard, ElementsAre("hello"));
}

TEST_F(SimNetTest, ConnectingToNothingIsRefused) {
  net.host("server");
  connect();
  scheduler.run_until_idle();
  EXPECT_EQ(connect_error, "connect to nokv://server:1: Connection refused");
  connect({"nowhere", 1, ""});
  scheduler.run_until_idle();
  EXPECT_EQ(connect_error, "connect to nokv://nowhere:1: no such host");
  listener = net.host("server").listen({"server", 1, ""}, Acceptor{}).value();
  connect();
  scheduler.run_until_idle();
  EXPECT_THAT(connect_error, HasSubstr("refused by the server"));
  EXPECT_EQ(client_ear->closed, 0);
  EXPECT_EQ(net.connections("client", "server"), 0U);
}

TEST_F(SimNetTest, AnAddressIsTakenUntilItsListenerEnds) {
  Net& server = net.host("server");
  auto first = server.listen({"server", 0, ""}, Acceptor{}).value();
  Address chosen = first->address();
  EXPECT_NE(chosen.port, 0);
  EXPECT_EQ(server.listen(chosen, Acceptor{}).error().code(), Code::already_exists);
  EXPECT_EQ(server.listen({"other", 1, ""}, Acceptor{}).error().code(), Code::invalid_argument);
  first.reset();
  EXPECT_TRUE(server.listen(chosen, Acceptor{}));
}

TEST_F(SimNetTest, LoopbackAndUnixSocketsAreReachedFromTheirOwnHostOnly) {
  int accepted = 0;
  Acceptor acceptor;
  acceptor.accept = [&](const auto&) {
    ++accepted;
    return std::make_shared<Ear>();
  };
  auto loopback = net.host("client").listen({"127.0.0.1", 5, ""}, acceptor).value();
  auto socket = net.host("client").listen({"", 0, "/run/s"}, acceptor).value();
  connect({"localhost", 5, ""});
  scheduler.run_until_idle();
  connect({"", 0, "/run/s"});
  scheduler.run_until_idle();
  EXPECT_EQ(accepted, 2);
  net.host("server").connect({"client", 5, ""}, 1s, std::make_shared<Ear>(),
                             [](auto connected) { EXPECT_FALSE(connected); });
  net.host("server").connect({"", 0, "/run/s"}, 1s, std::make_shared<Ear>(),
                             [](auto connected) { EXPECT_FALSE(connected); });
  scheduler.run_until_idle();
  EXPECT_EQ(accepted, 2);
}

TEST_F(SimNetTest, WhatWasSentBeforeCloseArrivesAndThenTheEnd) {
  serve_and_connect();
  client_side->send("last");
  client_side->close("done");
  client_side->send("too late");
  client_side->close("again");
  server_side->send("unheard");
  scheduler.run_until_idle();
  EXPECT_THAT(server_ear->heard, ElementsAre("last"));
  EXPECT_EQ(server_ear->why, "connection closed by peer");
  EXPECT_THAT(client_ear->heard, IsEmpty());
  EXPECT_EQ(client_ear->why, "done");
  EXPECT_EQ(client_ear->closed, 1);
  EXPECT_EQ(server_ear->closed, 1);
  EXPECT_EQ(net.connections("client", "server"), 0U);
}

TEST_F(SimNetTest, AHandlerIsLetGoOnceItHeardTheEnd) {
  serve_and_connect();
  std::weak_ptr<Ear> watch = server_ear;
  server_ear = nullptr;
  EXPECT_FALSE(watch.expired());
  client_side->close("done");
  scheduler.run_until_idle();
  EXPECT_TRUE(watch.expired());
}

TEST_F(SimNetTest, AnOversizedMessageEndsTheConnection) {
  serve_and_connect();
  client_side->send(std::string(kMessageMax, 'x'));
  scheduler.run_until_idle();
  EXPECT_EQ(server_ear->heard.size(), 1U);
  client_side->send(std::string(kMessageMax + 1, 'x'));
  scheduler.run_until_idle();
  EXPECT_EQ(server_ear->heard.size(), 1U);
  EXPECT_EQ(server_ear->closed, 1);
  EXPECT_THAT(client_ear->why, HasSubstr("above the limit of 8388608"));
}

TEST_F(SimNetTest, UnsentBytesGrowWithABacklogAndShrinkAgain) {
  serve_and_connect();
  client_side->send(std::string(1 << 20, 'x'));
  EXPECT_EQ(client_side->unsent_bytes(), (1U << 20) - (256U << 10));
  scheduler.run_until_idle();
  EXPECT_EQ(client_side->unsent_bytes(), 0U);
}

TEST_F(SimNetTest, AResetLosesWhatIsOnItsWay) {
  serve_and_connect();
  client_side->send("lost");
  server_side->send("lost");
  net.reset("server", "client");
  scheduler.run_until_idle();
  EXPECT_THAT(server_ear->heard, IsEmpty());
  EXPECT_THAT(client_ear->heard, IsEmpty());
  EXPECT_EQ(server_ear->why, "connection reset by peer");
  EXPECT_EQ(client_ear->closed, 1);
}

// Scenario 13: the first frame comes after the second connection's.
TEST_F(SimNetTest, AFrameOfAClosedConnectionArrivesAfterTheNextConnections) {
  serve_and_connect();
  auto first_ear = server_ear;
  std::vector<std::string> order;
  server_ear->on_heard = [&](const std::string& message) { order.push_back(message); };
  client_side->send("first");
  net.close_late("client", "server", 10s);
  EXPECT_TRUE(scheduler.run_until([&] { return client_ear->closed == 1; }, 1s));
  connect();
  EXPECT_TRUE(scheduler.run_until([&] { return client_side != nullptr; }, 1s));
  server_ear->on_heard = [&](const std::string& message) { order.push_back(message); };
  client_side->send("second");
  scheduler.run_until_idle();
  EXPECT_THAT(order, ElementsAre("second", "first"));
  EXPECT_EQ(first_ear->closed, 1);
  EXPECT_EQ(server_ear->closed, 0);
}

TEST_F(SimNetTest, ADelayedMessageHoldsUpThoseBehindIt) {
  serve_and_connect();
  net.delay_next("client", "server", 3s);
  Clock::Instant start = scheduler.clock().now();
  client_side->send("a");
  client_side->send("b");
  scheduler.run_until_idle();
  EXPECT_THAT(server_ear->heard, ElementsAre("a", "b"));
  EXPECT_GE(scheduler.clock().now(), start + 3s);
}

TEST_F(SimNetTest, MessagesWaitForAShortPartitionToHeal) {
  serve_and_connect();
  client_side->send("on its way");
  net.partition("client", "server");
  client_side->send("a");
  scheduler.run_for(5s);
  EXPECT_THAT(server_ear->heard, IsEmpty());
  net.heal("server", "client");
  client_side->send("b");
  scheduler.run_until_idle();
  EXPECT_THAT(server_ear->heard, ElementsAre("on its way", "a", "b"));
  scheduler.run_for(1min);
  EXPECT_EQ(client_ear->closed, 0);
}

TEST_F(SimNetTest, ALongPartitionEndsConnectionsOnEachSide) {
  serve_and_connect();
  net.partition("client", "server");
  net.partition("client", "elsewhere");
  client_side->send("lost");
  scheduler.run_for(40s);
  EXPECT_EQ(client_ear->why, "connection timed out");
  EXPECT_EQ(server_ear->why, "connection timed out");
  connect();
  scheduler.run_for(2s);
  EXPECT_EQ(connect_error, "connect to nokv://server:1: no answer within 1000 ms");
  net.heal_all();
  connect();
  scheduler.run_until_idle();
  EXPECT_NE(client_side, nullptr);
  EXPECT_EQ(answers, 3);
}

TEST_F(SimNetTest, AOneWayPartitionLetsTheOtherWayPass) {
  serve_and_connect();
  net.partition_one_way("client", "server");
  client_side->send("a");
  server_side->send("b");
  scheduler.run_until_idle();
  EXPECT_THAT(server_ear->heard, IsEmpty());
  EXPECT_THAT(client_ear->heard, ElementsAre("b"));
}

TEST_F(SimNetTest, AKilledProcesssPeersHearOfIt) {
  serve_and_connect();
  net.crash("server", SimCrash::process);
  scheduler.run_until_idle();
  EXPECT_EQ(server_ear->closed, 0);
  EXPECT_EQ(server_ear.use_count(), 1);
  EXPECT_EQ(client_ear->closed, 1);
  connect();
  scheduler.run_until_idle();
  EXPECT_THAT(connect_error, HasSubstr("refused"));
  EXPECT_EQ(net.host("server").listen({"server", 1, ""}, Acceptor{}).error().code(),
            Code::unavailable);
  net.restart("server");
  auto dead_listener = std::move(listener);
  serve();
  dead_listener.reset();  // leaves the new one alone
  connect();
  scheduler.run_until_idle();
  EXPECT_NE(client_side, nullptr);
}

TEST_F(SimNetTest, AHostWithoutPowerIsNoticedByItsSilence) {
  serve_and_connect();
  net.crash("server", SimCrash::power);
  auto ear = client_ear;
  connect({"server", 1, ""}, 2s);
  scheduler.run_for(10s);
  EXPECT_THAT(connect_error, HasSubstr("no answer"));
  EXPECT_EQ(ear->closed, 0);
  scheduler.run_for(30s);
  EXPECT_EQ(ear->why, "connection timed out");
}

TEST_F(SimNetTest, AHostThatIsBackResetsWhatItForgot) {
  serve_and_connect();
  net.crash("server", SimCrash::power);
  net.restart("server");
  scheduler.run_until_idle();
  EXPECT_EQ(client_ear->closed, 1);
}

TEST_F(SimNetTest, ADeadHostsCallbacksAreDroppedUnheard) {
  serve();
  connect();
  net.crash("client", SimCrash::process);
  EXPECT_EQ(client_ear.use_count(), 1);
  scheduler.run_for(5s);
  EXPECT_EQ(answers, 0);
  EXPECT_EQ(client_ear->closed, 0);
  EXPECT_EQ(net.connections("client", "server"), 0U);
}

TEST_F(SimNetTest, AnHttpRequestIsAnsweredAtTheSameAddress) {
  Acceptor acceptor;
  acceptor.http = [](const HttpRequest& request) {
    return HttpResponse{200, "text/plain", request.method + request.target};
  };
  listener = net.host("server").listen({"server", 1, ""}, acceptor).value();
  EXPECT_EQ(net.http({"server", 1, ""}, {"GET", "/healthz", ""}).value().body, "GET/healthz");
  EXPECT_EQ(net.http({"server", 2, ""}, {"GET", "/", ""}).error().code(), Code::unavailable);
}

// A client sends numbers for ever under all faults, reconnecting; returns what the server heard, a
// line per connection.
std::vector<std::vector<int>> run_with_faults(uint64_t seed, uint64_t* history) {
  SimScheduler scheduler(seed);
  SimNet net(scheduler);
  SimNetFaults faults;
  faults.delay_one_in = 10;
  faults.reset_one_in = 20;
  faults.late_one_in = 20;
  net.set_faults(faults);
  std::vector<std::shared_ptr<Ear>> ears;
  Acceptor acceptor;
  acceptor.accept = [&](const auto&) { return ears.emplace_back(std::make_shared<Ear>()); };
  auto listener = net.host("s").listen({"s", 1, ""}, acceptor).value();
  int next = 0;
  while (next < 200) {
    auto ear = std::make_shared<Ear>();
    std::shared_ptr<Connection> connection;
    net.host("c").connect({"s", 1, ""}, 1s, ear, [&](auto made) { connection = made.value(); });
    EXPECT_TRUE(scheduler.run_until([&] { return connection != nullptr; }, 2s));
    while (next < 200 && ear->closed == 0) {
      connection->send(std::to_string(next++));
      scheduler.run_for(1ms);
    }
  }
  scheduler.run_until_idle();
  if (history != nullptr) *history = scheduler.history();
  std::vector<std::vector<int>> out;
  for (const auto& ear : ears) {
    out.emplace_back();
    for (const std::string& number : ear->heard) out.back().push_back(std::stoi(number));
  }
  return out;
}

TEST(SimNet, UnderAllFaultsAMessageArrivesInOrderAndAtMostOnce) {
  bool any_lost = false;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::set<int> seen;
    for (const auto& heard : run_with_faults(seed, nullptr)) {
      ASSERT_TRUE(std::is_sorted(heard.begin(), heard.end()));
      for (int number : heard) ASSERT_TRUE(seen.insert(number).second);
    }
    ASSERT_GT(seen.size(), 50U);
    any_lost |= seen.size() < 200;
  }
  EXPECT_TRUE(any_lost);
}

TEST(SimNet, SameSeedSameHistory) {
  uint64_t first = 0;
  uint64_t second = 0;
  uint64_t other = 0;
  EXPECT_EQ(run_with_faults(3, &first), run_with_faults(3, &second));
  EXPECT_EQ(first, second);
  run_with_faults(4, &other);
  EXPECT_NE(first, other);
}

}  // namespace
}  // namespace nokv
