// The keys that a machine's metadata service hands out. Private to object/s3.
#pragma once

#include <string_view>

#include "base/result.h"
#include "object/s3/credentials.h"

namespace nokv::object {

// The answer for a role: a flat JSON object without escapes. Errors: permission_denied when it
// holds no key.
Result<Credentials> read_instance_keys(std::string_view json);

// "No S3 credentials", why, and what to do about it.
std::unexpected<Error> no_credentials(std::string_view why);

}  // namespace nokv::object
