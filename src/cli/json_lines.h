// JSON, read: lines that each hold one flat object.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nokv::cli {

// The fields of one object as text ("12", "true", strings as they are). Errors: invalid_argument
// (no JSON, no object, a field that holds an object or list).
Result<std::map<std::string, std::string>> parse_json_line(std::string_view line);

}  // namespace nokv::cli
