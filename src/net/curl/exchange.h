// One request and its answer, on one libcurl handle. Private to net/curl.
#pragma once

#include <memory>
#include <string>

#include "base/env/clock.h"
#include "net/curl/curl_client.h"
#include "net/curl/libcurl.h"
#include "net/http_client.h"

namespace nokv::net {

// Home: the client's thread.
class Exchange {
 public:
  using Done = std::move_only_function<void(Result<HttpClientResponse>)>;

  Exchange(HttpClientRequest request, Done done);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Clock::Instant deadline() const { return request_.deadline; }

  // Sets up `easy`, which stays the caller's, for this exchange. Errors: invalid_argument.
  Result<> prepare(const Libcurl& curl, CURL* easy, const CurlOptions& options, Clock::Instant now);

  // The exchange is over, with libcurl's code. `easy` is still set up.
  Result<HttpClientResponse> outcome(CURL* easy, int curl_code, Clock::Instant now);

  // Calls `done`; once.
  void complete(Result<HttpClientResponse> result) { done_(std::move(result)); }

  // An error of this exchange, naming method and host.
  std::unexpected<Error> failed(Code code, std::string_view why, bool sent) const;

 private:
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_upload(char* to, size_t size, size_t count, void* self);
  static int on_seek(void* self, int64_t offset, int origin);
  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);
  Result<> prepare_body(CURL* easy);
  Result<> prepare_headers(CURL* easy);

  HttpClientRequest request_;
  Done done_;
  HttpClientResponse response_;
  std::string host_;
  const Libcurl* curl_ = nullptr;  // since prepare()
  curl_slist* header_list_ = nullptr;
  size_t header_bytes_ = 0;
  size_t uploaded_ = 0;
  const char* refused_ = nullptr;  // why a callback ended the exchange
};

}  // namespace nokv::net
