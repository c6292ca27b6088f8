// Round trips on loopback, next to their floor: two threads and plain blocking sockets.
//
// Rows: one at a time (p50_us), and 64 outstanding on one connection (items per second).
#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include <benchmark/benchmark.h>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_random.h"
#include "net/asio_net.h"
#include "net/rpc_client.h"
#include "net/rpc_server.h"
#include "net/testing/mailbox.h"
#include "net/testing/raw_socket.h"

namespace nokv::net {
namespace {

using namespace std::chrono_literals;
using Ticks = std::chrono::steady_clock;

constexpr size_t kRequestBytes = 115;
constexpr size_t kReplyBytes = 190;
constexpr int kOutstanding = 64;

// Collects the time between begin() and end().
class Latencies {
 public:
  void begin() { began_ = Ticks::now(); }
  void end() { taken_.push_back(Ticks::now() - began_); }
  void report(benchmark::State& state) {
    std::ranges::sort(taken_);
    auto at = [&](double share) {
      auto index = static_cast<size_t>(share * static_cast<double>(taken_.size() - 1));
      return std::chrono::duration<double, std::micro>(taken_[index]).count();
    };
    if (taken_.empty()) return;
    state.counters["p50_us"] = at(0.5);
    state.counters["p99_us"] = at(0.99);
  }

 private:
  Ticks::time_point began_;
  std::vector<Ticks::duration> taken_;
};

// A listening socket whose one connection gets `kReplyBytes` for each `kRequestBytes`.
class RawServer {
 public:
  RawServer() {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(fd_, 1);
    socklen_t size = sizeof(address);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = {.host = "127.0.0.1", .port = ntohs(address.sin_port)};
    thread_ = std::jthread([this] { serve(); });
  }
  ~RawServer() {
    thread_.join();
    ::close(fd_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  const Address& address() const { return address_; }

 private:
  void serve() const {
    int peer = ::accept(fd_, nullptr, nullptr);
    int on = 1;
    ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::string buffer(256 << 10, '\0');
    std::string replies(256 << 10, 'r');
    size_t have = 0;
    while (true) {
      ssize_t got = ::recv(peer, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      have += static_cast<size_t>(got);
      size_t whole = std::min(have / kRequestBytes, replies.size() / kReplyBytes);
      have -= whole * kRequestBytes;
      if (whole > 0) ::send(peer, replies.data(), whole * kReplyBytes, MSG_NOSIGNAL);
    }
    ::close(peer);
  }

  int fd_ = -1;
  Address address_;
  std::jthread thread_;
};

void raw_one_at_a_time(benchmark::State& state) {
  RawServer server;
  Latencies latencies;
  RawSocket client(server.address());
  std::string request(kRequestBytes, 'q');
  for (auto _ : state) {
    latencies.begin();
    client.write(request);
    client.read(kReplyBytes);
    latencies.end();
  }
  latencies.report(state);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(raw_one_at_a_time)->UseRealTime();

// All 64 in one write and one read: what no protocol can beat.
void raw_64_at_once(benchmark::State& state) {
  RawServer server;
  RawSocket client(server.address());
  std::string requests(kRequestBytes * kOutstanding, 'q');
  for (auto _ : state) {
    client.write(requests);
    client.read(kReplyBytes * kOutstanding);
  }
  state.SetItemsProcessed(state.iterations() * kOutstanding);
}
BENCHMARK(raw_64_at_once)->UseRealTime();

class EchoHandler final : public ConnectionHandler {
 public:
  explicit EchoHandler(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  void on_message(std::string_view) override { connection_->send(std::string(kReplyBytes, 'r')); }
  void on_closed(const Error&) override {}

 private:
  std::shared_ptr<Connection> connection_;
};

// Waits on another thread than the I/O thread, or sends the next message from its callback.
class PingHandler final : public ConnectionHandler {
 public:
  void on_message(std::string_view) override {
    latencies.end();
    if (--left == 0) return done.put(1);
    latencies.begin();
    connection->send(std::string(kRequestBytes, 'q'));
  }
  void on_closed(const Error&) override {}

  std::shared_ptr<Connection> connection;
  int64_t left = 0;
  Latencies latencies;
  Mailbox<int> done;
};

// Messages without RPC on top, the next one sent from the callback of the last.
void net_one_at_a_time(benchmark::State& state) {
  AsioNet net(2);
  auto listener = net.listen(Address{.host = "127.0.0.1"},
                             {.accept =
                                  [](std::shared_ptr<Connection> connection) {
                                    return std::make_shared<EchoHandler>(std::move(connection));
                                  }})
                      .value();
  auto ping = std::make_shared<PingHandler>();
  Mailbox<int> connected;
  net.connect(listener->address(), 5s, ping, [&](auto result) {
    ping->connection = result.value();
    connected.put(1);
  });
  connected.take();
  while (state.KeepRunningBatch(1000)) {
    ping->left = 1000;
    ping->latencies.begin();
    ping->connection->send(std::string(kRequestBytes, 'q'));
    ping->done.take();
  }
  ping->latencies.report(state);
  state.SetItemsProcessed(state.iterations());
  ping->connection.reset();
}
BENCHMARK(net_one_at_a_time)->UseRealTime();

struct EchoService final : RpcService {
  void handle(RpcCall call) override { call.reply.send(std::string(kReplyBytes, 'r')); }
};

struct RpcPair {
  PosixClock clock;
  PosixRandom random;
  PosixExecutors executors;
  std::unique_ptr<Executor> timers = executors.serial("timers");
  AsioNet net{2};
  EchoService service;
  RpcServer server{net, clock, service};
  Address address = server.listen(Address{.host = "127.0.0.1"}).value();
  RpcChannel channel{net, clock, random, *timers, address};
};

// Calls in a row, several at once, each begun by the answer to an earlier one.
class Calls {
 public:
  explicit Calls(RpcChannel& channel) : channel_(channel) {}

  void run(int64_t calls, int at_once) {
    left_ = calls;
    open_ = at_once;
    for (int i = 0; i < at_once; ++i) next();
    done_.take();
  }

  Latencies latencies;

 private:
  void next() {
    if (left_.fetch_sub(1) <= 0) {
      if (--open_ == 0) done_.put(1);
      return;
    }
    channel_.call(1, std::string(kRequestBytes, 'q'), 10s, [this](Result<std::string> answer) {
      benchmark::DoNotOptimize(answer);
      next();
    });
  }

  RpcChannel& channel_;
  std::atomic<int64_t> left_ = 0;
  std::atomic<int> open_ = 0;
  Mailbox<int> done_;
};

void rpc_blocking(benchmark::State& state) {
  RpcPair pair;
  Latencies latencies;
  for (auto _ : state) {
    latencies.begin();
    auto answer = pair.channel.call_blocking(1, std::string(kRequestBytes, 'q'), 10s);
    latencies.end();
    if (!answer) state.SkipWithError("failed");
  }
  latencies.report(state);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(rpc_blocking)->UseRealTime();

void rpc_chained(benchmark::State& state) {
  RpcPair pair;
  Calls calls(pair.channel);
  auto at_once = static_cast<int>(state.range(0));
  while (state.KeepRunningBatch(100'000)) calls.run(100'000, at_once);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(rpc_chained)->Arg(1)->Arg(16)->Arg(64)->Arg(512)->UseRealTime();

// As rpc_blocking, from several threads over one channel.
void rpc_blocking_threads(benchmark::State& state) {
  static std::optional<RpcPair> pair;
  if (state.thread_index() == 0) pair.emplace();
  for (auto _ : state) {
    if (!pair->channel.call_blocking(1, std::string(kRequestBytes, 'q'), 10s)) {
      state.SkipWithError("failed");
    }
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) pair.reset();
}
BENCHMARK(rpc_blocking_threads)->Threads(16)->UseRealTime();

}  // namespace
}  // namespace nokv::net
