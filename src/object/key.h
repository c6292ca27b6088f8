// Which names an object may have.
#pragma once

#include <string_view>

#include "base/result.h"

namespace nokv::object {

constexpr size_t kKeyBytesMax = 1024;     // what S3 takes
constexpr size_t kSegmentBytesMax = 255;  // what a file name takes

// Segments divided by single slashes, none of them empty, "." or ".."; no byte below 0x20, no 0x7f.
// So a key names the same object as a path below a directory and as a path in a URL.
// Errors: invalid_argument.
Result<> check_key(std::string_view key);

}  // namespace nokv::object
