// The file `identity` of a data directory: what lies there. docs/formats/directory.md
#pragma once

#include <string>
#include <string_view>

#include "base/env/random.h"
#include "base/result.h"

namespace nokv::server {

// 32 hex digits, for a new namespace.
std::string make_namespace_id(Random& random);

std::string encode_identity(std::string_view namespace_id);

// The namespace's id. Errors: failed_precondition for another format; data_loss when the bytes are
// not what encode_identity() made.
Result<std::string> decode_identity(std::string_view bytes);

}  // namespace nokv::server
