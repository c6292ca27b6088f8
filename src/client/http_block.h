// What an object store's answer to a presigned request means.
#pragma once

#include <string>

#include "base/result.h"
#include "net/http_client.h"

namespace nokv::client {

// The body of a good response. Errors: not_found, permission_denied (also an URL that has expired),
// unavailable (5xx, 408, 429), failed_precondition (other refusals); with the store's own code.
Result<std::string> block_of(Result<net::HttpClientResponse> response);

}  // namespace nokv::client
