#include "server/endpoint.h"

#include <memory>

namespace nokv::server {

bool is_local_peer(std::string_view peer) {
  return peer.starts_with("unix:") || peer.starts_with("127.") || peer.starts_with("[::1]") ||
         peer.starts_with("nokv://127.") || peer.starts_with("nokv://[::1]");
}

Endpoint::Endpoint(const Clock& clock, shard::Service& service, Metrics& metrics,
                   EndpointOptions options)
    : clock_(clock),
      service_(service),
      options_(options),
      calls_(metrics.counter("nokv_server_calls_total", "Calls received over RPC")),
      errors_(metrics.counter("nokv_server_errors_total",
                              "Calls answered with an error of any kind")) {}

void Endpoint::handle(net::RpcCall call) {
  calls_.add();
  shard::Caller caller;
  caller.principal = "local";
  caller.shares_disk = is_local_peer(call.peer);
  caller.deadline = call.deadline;
  if (call.deadline == Clock::Instant::max()) {
    caller.deadline = clock_.now() + options_.default_deadline;
  }
  service_.call(static_cast<codec::Method>(call.method), call.body, caller,
                [this, reply = std::move(call.reply)](Result<std::string> answer) mutable {
                  Duration retry_after{0};
                  if (!answer) {
                    errors_.add();
                    if (answer.error().code() == Code::overloaded) {
                      retry_after = std::chrono::milliseconds(20);
                    }
                  }
                  reply.send(std::move(answer), retry_after);
                });
}

}  // namespace nokv::server
