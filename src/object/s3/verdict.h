// What an answer of a store means: an Error, and whether asking again may help. Private to
// object/s3.
#pragma once

#include <string_view>

#include "base/env/clock.h"
#include "net/http_client.h"
#include "object/s3/answers.h"

namespace nokv::object {

struct Verdict {
  Error error;
  bool retry = false;              // the same request may succeed later
  bool fresh_credentials = false;  // and needs new credentials
};

// Of an answer of 300 or above. `wall` is our clock, told when the store finds it wrong.
Verdict judge_answer(const net::HttpClientResponse& response, WallTime wall);

// Of an exchange that gave no answer.
Verdict judge_failure(Error error);

// Of one key in the answer to a multi-delete.
Error error_of_key(const S3Error& error);

}  // namespace nokv::object
