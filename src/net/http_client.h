// Requests to HTTP servers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env/clock.h"
#include "base/result.h"

namespace nokv::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpClientRequest {
  std::string method;
  std::string url;                          // http or https; already percent-encoded, sent as it is
  HttpHeaders headers;                      // Host and Content-Length are added unless given
  std::shared_ptr<const std::string> body;  // null sends none
  Clock::Instant deadline;                  // for the whole exchange
  // A response body larger than this ends the exchange with resource_exhausted.
  size_t response_max = 64 << 20;
};

struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;

  // The first header of that (lower-case) name, or "".
  std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

// Keeps connections open between requests. Thread-safe; nothing blocks. Redirects are not followed.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Calls `done` once, from a thread of the client's own. A status of 400 or above is a response,
  // not an error. Errors: unavailable (no connection, reset, TLS), cancelled (deadline), data_loss
  // (a body shorter than announced), resource_exhausted; the message names the host, never a
  // query string or a header. The outcome is not_done only when nothing was sent.
  virtual void send(HttpClientRequest request,
                    std::move_only_function<void(Result<HttpClientResponse>)> done) = 0;
};

}  // namespace nokv::net
