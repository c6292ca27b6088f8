// HttpClient over libcurl.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/env/clock.h"
#include "base/env/executor.h"
#include "net/http_client.h"

namespace nokv::net {

struct CurlOptions {
  std::string ca_file{};         // PEM; empty takes the system's
  int connections_max = 64;      // open at once, per host and in all; more requests wait
  size_t requests_max = 16'384;  // sent and not completed; more fail with `overloaded`
  Duration connect_timeout = std::chrono::seconds(3);
  // An exchange in which fewer bytes than this per second moved for this long has stalled.
  uint32_t stall_bytes_per_s = 1024;
  Duration stall_time = std::chrono::seconds(10);
};

// HTTP/1.1, one thread of its own for all requests, from the first one on. Bodies are sent from
// where they lie; proxies are taken from the environment (https_proxy, no_proxy), but never for
// loopback and link-local hosts. Errors besides those of HttpClient: overloaded, invalid_argument
// (the URL), failed_precondition (libcurl is not installed).
class CurlClient final : public HttpClient {
 public:
  // Both outlive the client.
  CurlClient(const Clock& clock, Executors& executors, CurlOptions options = {});
  // Requests under way complete with `cancelled`, in the caller's thread, before this returns. Not
  // to be called from a completion.
  ~CurlClient() override;

  void send(HttpClientRequest request,
            std::move_only_function<void(Result<HttpClientResponse>)> done) override;

 private:
  class Loop;
  Executors& executors_;
  std::shared_ptr<Loop> loop_;
  std::once_flag started_;
  std::unique_ptr<Executor> thread_;
};

}  // namespace nokv::net
