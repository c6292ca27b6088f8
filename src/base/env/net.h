// The network, as the program may see it: connections that carry whole messages.
//
// A message arrives whole, in order and at most once, or the connection ends. Framing, checksums
// and sockets are the real implementation's business (net/asio_net.h); the simulated one
// (base/sim/sim_net.h) loses, repeats and delays connections and messages from a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/env/clock.h"
#include "base/result.h"

namespace nokv {

// "nokv://HOST:PORT" or "unix:PATH".
struct Address {
  std::string host = {};  // empty for unix
  uint16_t port = 0;      // 0 asks listen() for a free one
  std::string path = {};  // of a unix socket; else empty

  bool is_unix() const { return !path.empty(); }
  std::string to_string() const;
  bool operator==(const Address&) const = default;

  // Also takes "HOST:PORT" and "[V6]:PORT". Errors: invalid_argument.
  static Result<Address> parse(std::string_view text);
};

// The largest message either side accepts; a longer one ends the connection.
constexpr size_t kMessageMax = 8 << 20;

// One side of a connection. Thread-safe; nothing blocks.
class Connection {
 public:
  virtual ~Connection() = default;

  // Queues one message of at most kMessageMax bytes. After the connection closed it is dropped.
  virtual void send(std::string message) = 0;

  // Closes; what was sent before is still delivered if the peer reads it.
  virtual void close(std::string_view reason) = 0;

  // Bytes queued and not yet taken by the system: a sender that sees many should wait.
  virtual size_t unsent_bytes() const = 0;

  // For logs: the peer's address.
  virtual const std::string& peer() const = 0;
};

// Receives what happens on one connection. Called on the connection's I/O thread, one at a time;
// must not block.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;

  // `message` is valid during the call.
  virtual void on_message(std::string_view message) = 0;

  // No further message is ready to be read at this moment: a good time to hand on what was
  // collected.
  virtual void on_idle() {}

  // Called once, last.
  virtual void on_closed(const Error& why) = 0;
};

// What a plain HTTP/1.1 request on the listening port gets.
struct HttpRequest {
  std::string method;
  std::string target;  // path and query
  std::string body;
};
struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

// How a listener serves those who connect.
struct Acceptor {
  // Returns the handler of a new connection; null refuses it. Called on an I/O thread.
  std::function<std::shared_ptr<ConnectionHandler>(std::shared_ptr<Connection>)> accept = {};
  // Answers HTTP requests on the same port, on an I/O thread (or a pool; it must be thread-safe);
  // when empty they are refused.
  std::function<HttpResponse(const HttpRequest&)> http = {};
};

// Accepts while it lives; its destructor stops accepting and leaves open connections alone.
class Listener {
 public:
  virtual ~Listener() = default;

  // Where it listens, with the port that was chosen.
  virtual const Address& address() const = 0;
};

// Thread-safe; nothing blocks but listen().
class Net {
 public:
  virtual ~Net() = default;

  // Errors: already_exists when the address is taken, permission_denied, invalid_argument.
  virtual Result<std::unique_ptr<Listener>> listen(const Address& address, Acceptor acceptor) = 0;

  // Calls `connected` on an I/O thread with the connection, or why there is none within `timeout`
  // (unavailable). Messages go to `handler`, which hears on_closed() only if it was connected.
  virtual void connect(
      const Address& address, Duration timeout, std::shared_ptr<ConnectionHandler> handler,
      std::move_only_function<void(Result<std::shared_ptr<Connection>>)> connected) = 0;
};

}  // namespace nokv
