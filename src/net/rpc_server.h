// Answers calls that come over a Net.
//
// Format: docs/formats/envelope.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/env/clock.h"
#include "base/env/net.h"
#include "base/result.h"

namespace nokv::net {

namespace internal {
struct ServedConnection;
}  // namespace internal

// The way back to one caller. Answer once, from any thread, at any time; nothing blocks. Destroyed
// unanswered it tells the caller `unavailable`, maybe done. When the connection has closed the
// answer is dropped.
class Reply {
 public:
  Reply(std::shared_ptr<internal::ServedConnection> connection, uint64_t call, size_t size_bytes);
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&& other) noexcept;
  ~Reply();

  // The body, or why there is none. `retry_after` goes with an error; zero says nothing. A body
  // that does not fit a message becomes resource_exhausted.
  void send(Result<std::string> answer, Duration retry_after = Duration::zero());

  // Without copying the body: append it to begin()'s string, hand that to finish().
  std::string begin() const;
  void finish(std::string message);

 private:
  std::shared_ptr<internal::ServedConnection> connection_;  // null once answered
  uint64_t call_;
  size_t size_bytes_;
};

struct RpcCall {
  uint32_t method;
  std::string_view body;    // valid during handle()
  Clock::Instant deadline;  // Instant::max() when the caller set none
  uint64_t connection_id;   // never used again within a process
  const std::string& peer;  // for logs; valid during handle()
  Reply reply;
};

// Home of the calls on one connection: its I/O thread; different connections' calls come at the
// same time. Must not block.
class RpcService {
 public:
  virtual ~RpcService() = default;

  virtual void handle(RpcCall call) = 0;

  // No further call of this connection is waiting: hand on what was collected.
  virtual void idle(uint64_t /*connection_id*/) {}

  // The connection has closed; no call of it follows. Replies that are still held are dropped.
  virtual void closed(uint64_t /*connection_id*/, const Error& /*why*/) {}
};

struct RpcServerOptions {
  // Per connection; what goes beyond is answered `overloaded`.
  size_t outstanding_max = 2048;
  size_t outstanding_max_bytes = 64 << 20;
  Duration overloaded_retry_after = std::chrono::milliseconds(10);
};

// Thread-safe; nothing blocks but what Net says.
class RpcServer {
 public:
  // All outlive the server; and `service` its connections' end, which the destructor brings about.
  RpcServer(Net& net, const Clock& clock, RpcService& service, RpcServerOptions options = {});

  // Closes all connections. Calls may run until it returns, none later; so it must not be called
  // from one. Replies may be answered later; they are dropped.
  ~RpcServer();

  // Serves calls, and HTTP when `http` is given (see Acceptor), at one more address; returns it
  // with the port that was chosen. Errors: as Net::listen().
  Result<Address> listen(const Address& address,
                         std::function<HttpResponse(const HttpRequest&)> http = nullptr);

  // Stops accepting; new calls are answered `unavailable`, not done; when the last admitted one has
  // been answered all connections are closed and `stopped` is called, on the thread that answered
  // it or on this one. Call once.
  void stop(std::move_only_function<void()> stopped);

  size_t connections() const;
  size_t outstanding() const;

 private:
  friend struct internal::ServedConnection;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace nokv::net
