// The server: one namespace behind one port, RPC and HTTP.
#pragma once

#include <memory>
#include <string>

#include "base/env/env.h"
#include "base/env/net.h"
#include "base/log_event.h"
#include "base/metrics.h"
#include "net/rpc_server.h"
#include "object/object_store.h"
#include "server/endpoint.h"
#include "server/pages.h"
#include "server/shard_host.h"

namespace nokv::server {

struct ServerOptions {
  Build build;
  // Serve an address that others than this machine can reach, without TLS and authentication.
  bool insecure = false;
};

// Thread-safe.
class Server {
 public:
  // All outlive the server.
  Server(const Env& env, Net& net, ShardHost& host, object::ObjectStore& store, EventSink& events,
         Metrics& metrics, ServerOptions options);
  ~Server();

  // Serves at one more address; returns it with the port that was chosen.
  // Errors: permission_denied for an address that is neither loopback nor a unix socket, unless
  // `insecure`; those of Net::listen().
  Result<Address> listen(const Address& address);

  // Accepts nothing more, finishes what was admitted, then returns. Blocks, `limit` at most.
  void stop(Duration limit);

  Pages& pages() { return pages_; }

 private:
  ShardHost& host_;
  EventSink& events_;
  ServerOptions options_;
  Endpoint endpoint_;
  Pages pages_;
  net::RpcServer rpc_;
  std::unique_ptr<Executor> alarm_;
  Metrics& metrics_;
};

// Whether only this machine can reach it.
bool is_loopback(const Address& address);

}  // namespace nokv::server
