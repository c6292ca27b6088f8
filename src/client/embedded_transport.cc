#include "client/embedded_transport.h"

#include <utility>

namespace nokv::client {

namespace {

class EmbeddedTransport final : public Transport {
 public:
  EmbeddedTransport(const Clock& clock, shard::Service& service, std::string name)
      : clock_(clock), service_(service), name_(std::move(name)) {}

  void call(codec::Method method, std::string body, Duration timeout, Done done) override {
    shard::Caller caller{"embedded", clock_.now() + timeout, true};
    service_.call(method, body, caller, std::move(done));
  }

  bool same_machine() const override { return true; }
  std::string peer() const override { return name_; }

 private:
  const Clock& clock_;
  shard::Service& service_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Transport> make_embedded_transport(const Clock& clock, shard::Service& service,
                                                   std::string name) {
  return std::make_unique<EmbeddedTransport>(clock, service, std::move(name));
}

}  // namespace nokv::client
