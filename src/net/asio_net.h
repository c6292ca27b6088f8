// Net over real sockets: TCP and unix, framed messages, and HTTP/1.1 on the same port.
//
// Format on the wire: docs/formats/frame.md. Boost.Asio and Beast are inside.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/env/net.h"

namespace nokv::net {

// Limits: every input and every queue has one. A Duration of zero switches its timeout off.
struct AsioNetOptions {
  size_t connections_max = 10'000;  // open at once, both directions; more are closed at once

  Duration preamble_timeout = std::chrono::seconds(10);  // until the peer's first bytes are whole
  Duration idle_timeout = std::chrono::minutes(10);      // nothing read and nothing written
  Duration linger_timeout = std::chrono::seconds(2);  // a closed peer takes no more of what is left

  // With more unsent bytes than this no more is read from the connection until they fell to half.
  size_t unsent_pause_bytes = 16 << 20;
  // A peer that lets more pile up loses its connection.
  size_t unsent_max_bytes = 128 << 20;
  // Messages that arrived in part, over all connections. The connection that goes beyond is closed.
  size_t input_max_bytes = 256 << 20;

  int http_threads = 2;  // they run Acceptor::http; nothing else waits for them
  size_t http_header_max_bytes = 16 << 10;
  size_t http_body_max_bytes = 1 << 20;
  Duration http_timeout = std::chrono::seconds(10);       // for a whole request, and for its answer
  Duration http_idle_timeout = std::chrono::seconds(60);  // between two requests

  // Hears of connections that were closed before they had a handler: garbage, too many, no first
  // bytes in time. Called on an I/O thread; must not block.
  std::function<void(std::string_view peer, const Error& why)> on_refused = {};
};

// Each I/O thread has its own event loop; a connection stays on one. An idle connection holds no
// buffers. A message sent from another thread while nothing is queued is written by that thread at
// once; what a handler sends while it is called is written together when the batch ends.
//
// listen() makes unix sockets that only their owner may use, and takes over the path of one that
// nobody listens on any more.
class AsioNet final : public Net {
 public:
  explicit AsioNet(int io_threads, AsioNetOptions options = {});

  // Closes all connections; their handlers hear so. Listeners are destroyed before. Blocks until
  // all callbacks have returned, so must not be called from one.
  ~AsioNet() override;

  // Resolving a host name blocks. The listener's destructor waits for callbacks of its Acceptor
  // that are running, so must not be called from one; later none is called.
  Result<std::unique_ptr<Listener>> listen(const Address& address, Acceptor acceptor) override;

  void connect(
      const Address& address, Duration timeout, std::shared_ptr<ConnectionHandler> handler,
      std::move_only_function<void(Result<std::shared_ptr<Connection>>)> connected) override;

  // Open connections of either direction, HTTP included.
  size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nokv::net
