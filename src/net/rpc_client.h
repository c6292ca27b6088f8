// Calls to one server over a Net.
//
// Format: docs/formats/envelope.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/env/clock.h"
#include "base/env/executor.h"
#include "base/env/net.h"
#include "base/env/random.h"
#include "base/result.h"

namespace nokv::net {

struct RpcChannelOptions {
  // Calls that wait for an answer at once; further ones wait their turn in the channel. Not above
  // the server's bound for one connection.
  size_t in_flight_max = 2048;
  // Calls in the channel altogether, and the bytes of those that wait their turn; what goes beyond
  // is `overloaded`.
  size_t calls_max = 65'536;
  size_t waiting_max_bytes = 256 << 20;

  Duration connect_timeout = std::chrono::seconds(5);
  Duration backoff_min = std::chrono::milliseconds(10);
  Duration backoff_max = std::chrono::milliseconds(250);
  // A call passed its deadline and nothing at all came for this long: the connection is given up.
  Duration silence_max = std::chrono::seconds(10);
};

// A connection that is made when it is needed, and made again after it was lost, with pauses that
// grow while that fails. Calls are pipelined; answers come in any order. Thread-safe.
class RpcChannel {
 public:
  using Done = std::move_only_function<void(Result<std::string>)>;
  // A message from the server that answers nothing: what it belongs to, and its body, valid during
  // the call.
  using OnPush = std::function<void(uint64_t id, std::string_view body)>;

  // All outlive the channel; `timers` runs its timeouts. `on_push` is called on an I/O thread.
  RpcChannel(Net& net, const Clock& clock, Random& random, Executor& timers, Address address,
             RpcChannelOptions options = {}, OnPush on_push = nullptr);

  // Closes the connection; calls that wait fail with `cancelled` before it returns.
  ~RpcChannel();

  // Sends a request and calls `done` once with the answer's body or what went wrong, on an I/O
  // thread, on `timers`, or before call() returns; it must not block. Errors are the service's own,
  // or: cancelled (nothing came within `timeout`), unavailable (no connection, or it was lost),
  // overloaded (the channel is full), resource_exhausted (a body above the limit). The outcome is
  // maybe_done when the request had left and its answer had not come.
  void call(uint32_t method, std::string_view body, Duration timeout, Done done);

  // The same, blocking the thread until it is done; not for I/O threads, `timers` or the simulator.
  Result<std::string> call_blocking(uint32_t method, std::string_view body, Duration timeout);

  // Calls that wait for an answer or their turn.
  size_t outstanding() const;

  // How many connections were lost so far: what is sent after it grew may reach another process.
  uint64_t connection() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace nokv::net
