// A client's way to a simulated namespace.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/transport.h"
#include "shard/testing/sim_namespace.h"

namespace nokv::client {

// Answers within the call, by running the simulation.
class SimTransport final : public Transport {
 public:
  // Takes the bodies of commits, and answers them.
  using Commit = std::function<Result<std::string>(const std::string& body)>;

  SimTransport(shard::SimNamespace& ns, Commit commit) : ns_(ns), commit_(std::move(commit)) {}

  static Result<std::string> ask(shard::SimNamespace& ns, codec::Method method,
                                 const std::string& body) {
    std::optional<Result<std::string>> answer;
    shard::Caller caller{"test", ns.scheduler().clock().now() + std::chrono::hours(1)};
    ns.service().call(method, body, caller,
                      [&](Result<std::string> result) { answer = std::move(result); });
    ns.scheduler().run_until([&] { return answer.has_value(); }, std::chrono::hours(1));
    return answer ? *std::move(answer) : fail(Code::cancelled, "no answer within an hour");
  }

  void call(codec::Method method, std::string body, Duration, Done done) override {
    done(method == codec::Method::commit ? commit_(body) : ask(ns_, method, body));
  }
  std::string peer() const override { return "simulation"; }

 private:
  shard::SimNamespace& ns_;
  Commit commit_;
};

}  // namespace nokv::client
