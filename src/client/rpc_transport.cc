#include "client/rpc_transport.h"

#include <utility>

#include "net/rpc_client.h"

namespace nokv::client {

namespace {

class RpcTransport final : public Transport {
 public:
  RpcTransport(const Env& env, Net& net, Address address)
      : address_(std::move(address)),
        timers_(env.executors.serial("nokv-rpc")),
        channel_(net, env.clock, env.random, *timers_, address_) {}

  void call(codec::Method method, std::string body, Duration timeout, Done done) override {
    channel_.call(static_cast<uint32_t>(method), body, timeout, std::move(done));
  }

  uint64_t connection() const override { return channel_.connection(); }

  bool same_machine() const override {
    return address_.is_unix() || address_.host == "localhost" || address_.host == "::1" ||
           address_.host.starts_with("127.");
  }

  std::string peer() const override { return address_.to_string(); }

 private:
  Address address_;
  std::unique_ptr<Executor> timers_;
  net::RpcChannel channel_;
};

}  // namespace

std::unique_ptr<Transport> make_rpc_transport(const Env& env, Net& net, const Address& address) {
  return std::make_unique<RpcTransport>(env, net, address);
}

}  // namespace nokv::client
