// HTTP/1.1 for sockets whose first bytes were not nokv's. Inside net only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/env/net.h"
#include "net/asio_net.h"

namespace nokv::net {

// Reads requests and answers them on a few threads of its own. Thread-safe.
class HttpPool {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // `options` outlives the pool.
  explicit HttpPool(const AsioNetOptions& options);
  // Closes all its sockets and waits for handlers that are running.
  ~HttpPool();

  // Takes over `socket`, of address family `family`, from which `first` has been read. `handler` is
  // called on the pool's threads, with HEAD told as GET; its body is not sent then. `done` is
  // called or destroyed when the socket is closed.
  void serve(int socket, int family, const std::string& first, Handler handler,
             std::shared_ptr<void> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nokv::net
