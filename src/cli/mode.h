// Permission bits, as chmod(1) takes them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace nokv::cli {

// What "0644", "u+x", "go-w,a+X" make of `old`. Errors: invalid_argument.
Result<uint32_t> changed_mode(std::string_view text, uint32_t old, bool directory);

// Whether the text says everything, so that the old mode need not be known.
bool is_octal_mode(std::string_view text);

}  // namespace nokv::cli
