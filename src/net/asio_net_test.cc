#include "net/asio_net.h"

#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net/testing/mailbox.h"
#include "net/testing/raw_socket.h"

namespace nokv::net {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// Sends every message back, and tells what it hears.
class Echo final : public ConnectionHandler {
 public:
  explicit Echo(std::shared_ptr<Connection> connection, Mailbox<Error>* ends)
      : connection_(std::move(connection)), ends_(ends) {}
  void on_message(std::string_view message) override { connection_->send(std::string(message)); }
  void on_closed(const Error& why) override { ends_->put(why); }

 private:
  std::shared_ptr<Connection> connection_;
  Mailbox<Error>* ends_;
};

class Collector final : public ConnectionHandler {
 public:
  void on_message(std::string_view message) override { messages.put(std::string(message)); }
  void on_idle() override { ++idles; }
  void on_closed(const Error& why) override { ends.put(why); }

  Mailbox<std::string> messages;
  Mailbox<Error> ends;
  std::atomic<int> idles = 0;
};

class AsioNetTest : public testing::Test {
 protected:
  void start(AsioNetOptions options = {}) {
    options.on_refused = [this](std::string_view, const Error& why) { refused.put(why); };
    net.emplace(2, std::move(options));
  }

  Address listen(Acceptor acceptor) {
    listener = net->listen(Address{.host = "127.0.0.1"}, std::move(acceptor)).value();
    return listener->address();
  }

  Address listen_echo() {
    return listen({.accept = [this](std::shared_ptr<Connection> connection) {
      return std::make_shared<Echo>(std::move(connection), &ends);
    }});
  }

  Result<std::shared_ptr<Connection>> connect(const Address& to,
                                              std::shared_ptr<ConnectionHandler> handler) {
    Mailbox<Result<std::shared_ptr<Connection>>> came;
    net->connect(to, 5s, std::move(handler), [&](auto result) { came.put(std::move(result)); });
    return came.take().value_or(fail(Code::unavailable, "the callback never came"));
  }

  // The code and message that a peer which sends `bytes` loses its connection with.
  Error end_of(const Address& address, std::string_view bytes) {
    RawSocket peer(address);
    peer.write(bytes);
    peer.end_writing();
    peer.read_all();
    return ends.take().value_or(Error(Code::ok, "it was not closed"));
  }

  void TearDown() override {
    listener.reset();
    net.reset();
  }

  Mailbox<Error> ends;     // of the server's connections
  Mailbox<Error> refused;  // before they had a handler
  std::optional<AsioNet> net;
  std::unique_ptr<Listener> listener;
};

TEST_F(AsioNetTest, MessagesComeBackInOrder) {
  start();
  auto client = std::make_shared<Collector>();
  auto connection = connect(listen_echo(), client).value();
  std::vector<std::string> sent{"a", "", std::string(kMessageMax, 'x'), std::string(20'000, 'y'),
                                "z"};
  for (const std::string& message : sent) connection->send(message);
  for (const std::string& message : sent) EXPECT_EQ(client->messages.take(), message);
}

TEST_F(AsioNetTest, ManyThreadsSendingOnOneConnectionKeepEachTheirOrder) {
  start();
  auto client = std::make_shared<Collector>();
  auto connection = connect(listen_echo(), client).value();
  constexpr int kEach = 2000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&connection, t] {
        for (int i = 0; i < kEach; ++i) connection->send(str(t, " ", i));
      });
    }
  }
  std::vector<int> next(4, 0);
  for (int i = 0; i < 4 * kEach; ++i) {
    std::string message = client->messages.take().value_or("none");
    auto thread = static_cast<size_t>(message.at(0) - '0');
    ASSERT_EQ(message, str(thread, " ", next.at(thread)++));
  }
}

TEST_F(AsioNetTest, WhatWasSentBeforeCloseArrives) {
  start();
  auto server = std::make_shared<Collector>();
  auto client = std::make_shared<Collector>();
  Address address = listen({.accept = [&](auto) { return server; }});
  auto connection = connect(address, client).value();
  for (int i = 0; i < 100; ++i) connection->send(std::string(10'000, 'a'));
  connection->close("enough");
  connection->send("never");
  EXPECT_EQ(client->ends.take()->message(), "closed here: enough");
  EXPECT_EQ(server->ends.take()->message(), "the peer closed the connection");
  EXPECT_EQ(server->messages.size(), 100u);
}

TEST_F(AsioNetTest, IdleIsHeardAfterTheMessagesOfABatch) {
  start();
  auto server = std::make_shared<Collector>();
  Address address = listen({.accept = [&](auto) { return server; }});
  RawSocket peer(address);
  peer.write(preamble_bytes() + frame_bytes("a") + frame_bytes("b"));
  server->messages.take();
  server->messages.take();
  peer.end_writing();
  server->ends.take();
  EXPECT_GE(server->idles, 1);
}

TEST_F(AsioNetTest, GarbageIsRefusedWithAReason) {
  start();
  Address address = listen_echo();
  RawSocket peer(address);
  peer.write(std::string(100, '\x00'));
  EXPECT_EQ(peer.read_all(), "");
  Error why = refused.take().value();
  EXPECT_EQ(why.code(), Code::invalid_argument);
  EXPECT_EQ(why.message(), "the peer speaks neither nokv's protocol nor HTTP");
}

TEST_F(AsioNetTest, ABrokenStreamEndsItsConnectionWithAReasonAndNoOther) {
  start();
  auto client = std::make_shared<Collector>();
  Address address = listen_echo();
  auto other = connect(address, client).value();
  std::string hello = frame_bytes("hello");
  std::string flipped = hello;
  flipped[10] ^= 1;
  std::string too_long("\x01\x00\x80\x00\x00\x00\x00\x00", 8);
  EXPECT_EQ(end_of(address, preamble_bytes() + flipped).code(), Code::data_loss);
  EXPECT_EQ(end_of(address, preamble_bytes() + hello + too_long).message(),
            "frame announces 8388609 bytes, the limit is 8388608");
  EXPECT_EQ(end_of(address, preamble_bytes() + hello.substr(0, 10)).message(),
            "the peer closed after 2 of 5 bytes of a message");
  EXPECT_EQ(end_of(address, "nkv1\x09\x00\x00\x00"s).code(), Code::unimplemented);
  other->send("still here");
  EXPECT_EQ(client->messages.take(), "still here");
}

TEST_F(AsioNetTest, APeerThatSaysNothingOrTooLittleIsDropped) {
  start({.preamble_timeout = 30ms});
  Address address = listen_echo();
  RawSocket silent(address);
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(refused.take()->message(), "the peer said nothing in time");
  RawSocket slow(address);
  slow.write("nkv1\x01");
  EXPECT_EQ(ends.take()->message(), "the peer sent no preamble within 30 ms");
}

TEST_F(AsioNetTest, AnIdleConnectionIsClosed) {
  start({.idle_timeout = 40ms});
  auto client = std::make_shared<Collector>();
  auto connection = connect(listen_echo(), client).value();
  EXPECT_TRUE(client->ends.take().has_value());
}

TEST_F(AsioNetTest, APeerThatReadsSlowlyIsReadFromNoMore) {
  start({.unsent_pause_bytes = 1 << 20});
  auto most_unsent = std::make_shared<std::atomic<size_t>>(0);  // told after the last byte too
  class Amplifier final : public ConnectionHandler {
   public:
    Amplifier(std::shared_ptr<Connection> connection, std::shared_ptr<std::atomic<size_t>> most)
        : connection_(std::move(connection)), most_(std::move(most)) {}
    void on_message(std::string_view message) override {
      connection_->send(std::string(message));
      *most_ = std::max(most_->load(), connection_->unsent_bytes());
    }
    void on_closed(const Error&) override {}

   private:
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<std::atomic<size_t>> most_;
  };
  Address address = listen({.accept = [most_unsent](std::shared_ptr<Connection> connection) {
    return std::make_shared<Amplifier>(std::move(connection), most_unsent);
  }});
  RawSocket peer(address, 64 << 10);
  constexpr size_t kMessages = 600;
  std::string message(64 << 10, 'm');
  std::jthread writer([&] {
    peer.write(preamble_bytes());
    for (size_t i = 0; i < kMessages; ++i) peer.write(frame_bytes(message));
  });
  // Nothing is read until the server has stopped reading too: then its peer cannot write either.
  while (*most_unsent <= 1 << 20) std::this_thread::yield();
  std::string all = peer.read(8 + kMessages * (8 + message.size()));
  EXPECT_EQ(all.size(), 8 + kMessages * (8 + message.size()));
  EXPECT_LE(*most_unsent, (1 << 20) + (512 << 10));
}

TEST_F(AsioNetTest, APeerThatNeverReadsLosesItsConnection) {
  start({.linger_timeout = 50ms, .unsent_max_bytes = 4 << 20});
  Mailbox<std::shared_ptr<Connection>> came;
  auto server = std::make_shared<Collector>();
  Address address = listen({.accept = [&](std::shared_ptr<Connection> connection) {
    came.put(std::move(connection));
    return server;
  }});
  RawSocket peer(address);
  peer.write(preamble_bytes());
  auto connection = came.take().value();
  for (int i = 0; i < 200 && server->ends.size() == 0; ++i)
    connection->send(std::string(1 << 20, 'x'));
  EXPECT_EQ(server->ends.take()->code(), Code::resource_exhausted);
}

TEST_F(AsioNetTest, MessagesInArrivalShareABudget) {
  start({.input_max_bytes = 3 << 20});
  Address address = listen_echo();
  std::string part = preamble_bytes() + frame_bytes(std::string(4 << 20, 'x')).substr(0, 1 << 20);
  std::vector<std::unique_ptr<RawSocket>> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<RawSocket>(address));
    peers.back()->write(part);
  }
  EXPECT_EQ(ends.take()->code(), Code::resource_exhausted);
  auto client = std::make_shared<Collector>();
  auto connection = connect(address, client).value();
  connection->send("small ones go on");
  EXPECT_EQ(client->messages.take(), "small ones go on");
}

TEST_F(AsioNetTest, ConnectionsAboveTheLimitAreClosedAtOnce) {
  start({.connections_max = 2});
  Address address = listen_echo();
  RawSocket first(address);
  first.write(preamble_bytes());
  EXPECT_EQ(first.read(8), preamble_bytes());
  RawSocket second(address);
  second.write(preamble_bytes());
  EXPECT_EQ(second.read(8), preamble_bytes());
  RawSocket third(address);
  EXPECT_EQ(third.read_all(), "");
  EXPECT_EQ(refused.take()->message(), "there are 2 connections, which is the limit");
}

TEST_F(AsioNetTest, AUnixSocketServesItsOwnerAndIsTakenOverWhenNobodyListens) {
  start();
  char directory[] = "/tmp/nokv_net_XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  Address address{.path = str(std::string(directory), "/socket")};
  auto accept = [this](std::shared_ptr<Connection> connection) {
    EXPECT_NE(connection->peer().find(str("uid ", ::getuid())), std::string::npos);
    return std::make_shared<Echo>(std::move(connection), &ends);
  };
  // What a killed server leaves behind.
  int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  address.path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  ::close(dead);

  listener = net->listen(address, {.accept = accept}).value();
  struct stat status{};
  ASSERT_EQ(::stat(address.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_EQ(net->listen(address, {.accept = accept}).error().code(), Code::already_exists);
  auto client = std::make_shared<Collector>();
  auto connection = connect(address, client).value();
  connection->send("hello");
  EXPECT_EQ(client->messages.take(), "hello");
  listener.reset();
  EXPECT_NE(::stat(address.path.c_str(), &status), 0);
  ::rmdir(directory);
}

TEST_F(AsioNetTest, ATakenPortAndAnAddressOfAnotherMachineAreErrors) {
  start();
  Address address = listen_echo();
  EXPECT_EQ(net->listen(address, {}).error().code(), Code::already_exists);
  EXPECT_EQ(net->listen(Address{.host = "192.0.2.1"}, {}).error().code(), Code::invalid_argument);
}

TEST_F(AsioNetTest, ConnectingWhereNobodyListensIsUnavailable) {
  start();
  Address address = listen_echo();
  listener.reset();
  auto refused_connection = connect(address, std::make_shared<Collector>());
  EXPECT_EQ(refused_connection.error().code(), Code::unavailable);
  EXPECT_NE(refused_connection.error().message().find(address.to_string()), std::string::npos);
}

TEST_F(AsioNetTest, ANullHandlerRefuses) {
  start();
  Address address = listen({.accept = [](auto) { return nullptr; }});
  auto client = std::make_shared<Collector>();
  auto connection = connect(address, client).value();
  EXPECT_EQ(client->ends.take()->code(), Code::unavailable);
}

TEST_F(AsioNetTest, HandlersHearWhenTheNetworkGoesAway) {
  start();
  auto client = std::make_shared<Collector>();
  auto connection = connect(listen_echo(), client).value();
  listener.reset();
  net.reset();
  EXPECT_EQ(client->ends.take()->code(), Code::unavailable);
  connection->send("into the void");
  connection->close("twice is fine");
}

size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_F(AsioNetTest, AnIdleConnectionCostsLittleMemory) {
  start();
  Address address = listen_echo();
  constexpr size_t kConnections = 1000;  // two ends each, in this process
  std::string big = frame_bytes(std::string(100'000, 'b'));
  auto talk = [&](RawSocket& peer) {
    peer.write(preamble_bytes() + big);
    ASSERT_EQ(peer.read(8 + big.size()).size(), 8 + big.size());
  };
  RawSocket warm(address);
  talk(warm);
  size_t before = resident_bytes();
  std::vector<std::unique_ptr<RawSocket>> peers;
  for (size_t i = 0; i < kConnections; ++i) {
    peers.push_back(std::make_unique<RawSocket>(address));
    talk(*peers.back());
  }
  EXPECT_EQ(net->connections(), kConnections + 1);
  size_t each = (resident_bytes() - before) / kConnections;
  RecordProperty("bytes_per_idle_connection", static_cast<int>(each));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(each, 4096u);
#endif
}

}  // namespace
}  // namespace nokv::net
