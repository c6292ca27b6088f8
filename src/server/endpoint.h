// The RPC face of a namespace: limits and identity of the caller, then the service.
#pragma once

#include <functional>
#include <string>

#include "base/env/clock.h"
#include "base/metrics.h"
#include "net/rpc_server.h"
#include "shard/service.h"

namespace nokv::server {

struct EndpointOptions {
  Duration default_deadline = std::chrono::seconds(30);  // of a call that names none
};

// Home of a call: its connection's I/O thread. Reads are answered right there.
class Endpoint final : public net::RpcService {
 public:
  // All outlive the endpoint.
  Endpoint(const Clock& clock, shard::Service& service, Metrics& metrics,
           EndpointOptions options = {});

  void handle(net::RpcCall call) override;

 private:
  const Clock& clock_;
  shard::Service& service_;
  EndpointOptions options_;
  Counter& calls_;
  Counter& errors_;
};

// Whether a peer, as connections name it, is on this machine.
bool is_local_peer(std::string_view peer);

}  // namespace nokv::server
