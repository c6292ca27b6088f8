// AWS Signature Version 4 for S3: requests signed in headers and in the query.
// Source: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env/clock.h"
#include "net/http_client.h"
#include "object/s3/credentials.h"

namespace nokv::object {

// Names and values as they are, not yet encoded.
using Query = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

struct SignableRequest {
  std::string method;
  std::string host;  // with the port when it is not the scheme's own
  std::string path;  // encoded, begins with a slash
  Query query;
  net::HttpHeaders headers;  // to be signed besides host; names in lower case
};

struct SigningContext {
  const Credentials& credentials;
  std::string_view region;
  WallTime now;
};

// All but letters, digits and -._~ become %XX; a slash stays when `keep_slashes`.
std::string uri_encode(std::string_view text, bool keep_slashes);

// Encoded, sorted by encoded name and value: what is signed, and what is to be sent.
std::string canonical_query(const Query& query);

// The headers to send besides Host: those of the request, x-amz-date, x-amz-content-sha256, the
// session token and authorization. `payload_hash` is hexadecimal, or kUnsignedPayload.
net::HttpHeaders sign_headers(const SigningContext& context, const SignableRequest& request,
                              std::string_view payload_hash);

// The query to send, for a request that is valid for `valid` (1 s to 7 days) from now.
std::string presign_query(const SigningContext& context, const SignableRequest& request,
                          Duration valid);

}  // namespace nokv::object
