#include "server/server.h"

#include <condition_variable>
#include <mutex>

namespace nokv::server {

bool is_loopback(const Address& address) {
  return address.is_unix() || address.host == "localhost" || address.host == "::1" ||
         address.host.starts_with("127.");
}

Server::Server(const Env& env, Net& net, ShardHost& host, object::ObjectStore& store,
               EventSink& events, Metrics& metrics, ServerOptions options)
    : host_(host),
      events_(events),
      options_(std::move(options)),
      endpoint_(env.clock, host.service(), metrics),
      pages_(host, store, metrics, options_.build),
      rpc_(net, env.clock, endpoint_),
      alarm_(env.executors.serial("nokv-alarm")),
      metrics_(metrics) {}

Server::~Server() = default;

Result<Address> Server::listen(const Address& address) {
  if (!is_loopback(address)) {
    if (!options_.insecure) {
      return std::unexpected(
          Error(Code::permission_denied,
                str(address.to_string(),
                    ": others than this machine could reach it, and there is "
                    "neither TLS nor authentication"))
              .with_hint("bind 127.0.0.1 or a unix socket, or say --insecure-i-know"));
    }
    metrics_.gauge("nokv_server_insecure", "1: reachable from outside without TLS and tokens")
        .set(1);
    struct Alarm {
      static void ring(EventSink& events, Executor& executor, std::string where) {
        events.warn("insecure_listener", {{"address", where}});
        executor.after(std::chrono::minutes(1),
                       [&events, &executor, where] { ring(events, executor, where); });
      }
    };
    Alarm::ring(events_, *alarm_, address.to_string());
  }
  return rpc_.listen(address,
                     [this](const HttpRequest& request) { return pages_.answer(request); });
}

void Server::stop(Duration limit) {
  pages_.stopping();
  host_.service().end_watches();
  struct Stopped {
    std::mutex mutex;
    std::condition_variable changed;
    bool yes = false;
  };
  auto stopped = std::make_shared<Stopped>();
  rpc_.stop([stopped] {
    std::lock_guard lock(stopped->mutex);
    stopped->yes = true;
    stopped->changed.notify_all();
  });
  std::unique_lock lock(stopped->mutex);
  stopped->changed.wait_for(lock, limit, [&] { return stopped->yes; });
}

}  // namespace nokv::server
