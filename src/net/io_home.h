// What the connections of one I/O thread share, and what they ask of a socket. Inside net only.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/asio_net.h"

namespace nokv::net {

// Something with a socket on an I/O thread. All calls come on that thread.
class SocketUser {
 public:
  virtual ~SocketUser() = default;

  // After wait_readable() and wait_writable(): once per wait.
  virtual void on_readable() {}
  virtual void on_writable() {}

  // Time has moved on by one tick: look at timeouts.
  virtual void on_tick() {}

  // The network goes away: close now, tell whoever waits why, leave the home.
  virtual void shut_down(const Error& why) = 0;
};

// A connected socket that never blocks. Its destructor closes it.
class StreamSocket {
 public:
  virtual ~StreamSocket() = default;

  // From any thread. Returns the bytes taken, or -errno (-EAGAIN: none at this moment).
  virtual int64_t write(std::span<const std::string_view> parts) = 0;
  // From any thread: runs `task` on the I/O thread.
  virtual void post(std::move_only_function<void()> task) = 0;
  virtual bool in_io_thread() const = 0;

  // On the I/O thread only. read() returns the bytes read, 0 at the end, or -errno.
  virtual int64_t read(std::span<char> into) = 0;
  virtual void wait_readable(std::shared_ptr<SocketUser> user) = 0;
  virtual void wait_writable(std::shared_ptr<SocketUser> user) = 0;
  virtual void shutdown_write() = 0;
};

// Counted over all I/O threads.
struct NetTotals {
  std::atomic<size_t> connections = 0;
  std::atomic<size_t> input_bytes = 0;  // held for messages that arrived in part
};

// Home: its I/O thread, but for `tick`, which all may read.
struct IoHome {
  // Read into by every connection of the thread in turn, so that idle ones need no buffer.
  static constexpr size_t kScratchBytes = 256 << 10;

  const AsioNetOptions& options;
  NetTotals& totals;
  Duration tick_length;
  std::atomic<uint32_t> tick = 0;
  std::vector<char> scratch = std::vector<char>(kScratchBytes);
  std::unordered_map<SocketUser*, std::shared_ptr<SocketUser>> users = {};
  std::function<void()> on_empty = nullptr;  // set when the network goes away

  void add(const std::shared_ptr<SocketUser>& user) { users.emplace(user.get(), user); }
  void remove(SocketUser* user) {
    users.erase(user);
    if (users.empty() && on_empty) on_empty();
  }

  // Whether more than `timeout` has passed since tick `since`; never when it is zero.
  bool passed(Duration timeout, uint32_t since) const {
    if (timeout == Duration::zero()) return false;
    return (tick.load(std::memory_order_relaxed) - since) * tick_length > timeout;
  }
};

}  // namespace nokv::net
