#include "base/sim/sim_env.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nokv {
namespace {

using namespace std::chrono_literals;

// A server that answers each message once it is durable in its log, and a client that sends
// numbers and sends one again when its connection ends: enough of the real ones to try the doors.
class LogServer final : public ConnectionHandler, public std::enable_shared_from_this<LogServer> {
 public:
  LogServer(Env env, Net& net) : env_(env), net_(net), executor_(env.executors.serial("log")) {
    file_ = env_.files.open("/log", OpenMode::create).value();
    end_ = file_->size().value();
    check(env_.files.sync_dir("/").has_value(), "the log has its name");
  }

  void start() {
    Acceptor acceptor;
    acceptor.accept = [weak = weak_from_this()](std::shared_ptr<Connection> connection) {
      auto self = weak.lock();
      if (self) self->connection_ = std::move(connection);
      return self;
    };
    listener_ = net_.listen({"server", 1, ""}, acceptor).value();
  }

  void on_message(std::string_view message) override {
    executor_->post([this, text = std::string(message)] {
      if (!file_->write_at(end_, text + "\n") || !file_->sync()) return;
      end_ += text.size() + 1;
      connection_->send(text);
    });
  }
  void on_closed(const Error&) override {}

 private:
  Env env_;
  Net& net_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<File> file_;
  uint64_t end_ = 0;
  std::unique_ptr<Listener> listener_;
  std::shared_ptr<Connection> connection_;
};

struct Client final : ConnectionHandler {
  void on_message(std::string_view message) override {
    acknowledged = std::stoi(std::string(message));
  }
  void on_closed(const Error&) override { connection = nullptr; }

  std::shared_ptr<Connection> connection;
  int acknowledged = 0;
};

struct Outcome {
  int acknowledged = 0;
  std::string log;
  uint64_t history = 0;
};

// Client and server for a minute, with a crash of the server every few seconds.
Outcome run_with_crashes(uint64_t seed) {
  SimScheduler scheduler(seed);
  SimNet net(scheduler);
  SimHost server_host(scheduler, net, "server");
  SimHost client_host(scheduler, net, "client");
  auto start = [&] {
    auto server = std::make_shared<LogServer>(server_host.env(), server_host.net());
    server->start();
    return server;
  };
  auto server = start();
  auto client = std::make_shared<Client>();
  auto timers = client_host.env().executors.serial("client");
  std::function<void()> tick = [&] {
    if (client->connection == nullptr) {
      client_host.net().connect({"server", 1, ""}, 1s, client, [&](auto made) {
        if (made) client->connection = *made;
      });
    } else {
      client->connection->send(std::to_string(client->acknowledged + 1));
    }
    timers->after(20ms, tick);
  };
  timers->post(tick);
  for (int crash = 0; crash < 10; ++crash) {
    scheduler.run_for(scheduler.random().between(1s, 6s));
    server_host.crash(scheduler.random().one_in(2) ? SimCrash::power : SimCrash::process);
    server.reset();
    scheduler.run_for(scheduler.random().between(0s, 1s));
    server_host.restart();
    server = start();
  }
  scheduler.run_for(5s);
  std::string log = read_file(server_host.files(), "/log", 1 << 20).value();
  return {client->acknowledged, log, scheduler.history()};
}

TEST(SimHost, WhatWasAcknowledgedIsThereAfterEveryCrash) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    Outcome outcome = run_with_crashes(seed);
    ASSERT_GT(outcome.acknowledged, 100);
    for (int i = 1; i <= outcome.acknowledged; ++i) {
      std::string line = std::to_string(i) + "\n";
      ASSERT_TRUE(outcome.log.starts_with(line) ||
                  outcome.log.find("\n" + line) != std::string::npos)
          << i;
    }
  }
}

TEST(SimHost, SameSeedSameHistory) {
  Outcome first = run_with_crashes(7);
  Outcome second = run_with_crashes(7);
  EXPECT_EQ(first.history, second.history);
  EXPECT_EQ(first.log, second.log);
  EXPECT_NE(first.history, run_with_crashes(8).history);
}

class SimHostTest : public testing::Test {
 protected:
  SimScheduler scheduler{1};
  SimNet net{scheduler};
  SimHost host{scheduler, net, "h"};
};

TEST_F(SimHostTest, ACrashedHostsTasksAndFilesDoNothing) {
  auto executor = host.env().executors.serial("a");
  auto file = host.env().files.open("/a", OpenMode::create).value();
  executor->post([] { FAIL(); });
  executor->after(1s, [] { FAIL(); });
  host.crash(SimCrash::process);
  EXPECT_FALSE(host.up());
  EXPECT_FALSE(file->write_at(0, "x"));
  EXPECT_FALSE(host.env().files.open("/b", OpenMode::create));
  executor->post([] { FAIL(); });
  scheduler.run_for(2s);
  host.restart();
  EXPECT_FALSE(file->write_at(0, "x"));
  EXPECT_TRUE(host.env().files.open("/b", OpenMode::create));
}

TEST_F(SimHostTest, ACutOfPowerLosesWhatADeathOfTheProcessKeeps) {
  auto write = [&] {
    auto file = host.env().files.open("/a", OpenMode::create).value();
    ASSERT_TRUE(file->write_at(0, "unsynced"));
  };
  auto there = [&] {
    auto read = read_file(host.files(), "/a", 100);
    return read && *read == "unsynced";
  };
  int lost = 0;
  for (int i = 0; i < 20; ++i) {
    write();
    host.crash(SimCrash::process);
    host.restart();
    ASSERT_TRUE(there());
    host.crash(SimCrash::power);
    host.restart();
    if (!there()) ++lost;
    (void)host.files().remove("/a");
  }
  EXPECT_GT(lost, 0);
}

TEST_F(SimHostTest, HostsHaveDisksAndRandomNumbersOfTheirOwn) {
  SimHost other(scheduler, net, "other");
  ASSERT_TRUE(host.files().open("/a", OpenMode::create));
  EXPECT_FALSE(other.files().exists("/a").value());
  EXPECT_NE(host.env().random.next(), other.env().random.next());
  EXPECT_EQ(&host.env().clock, &other.env().clock);
}

}  // namespace
}  // namespace nokv
