// The system's error numbers as Errors.
#pragma once

#include <string_view>

#include "base/result.h"

namespace nokv {

// "WHAT: the system's words" under the code that Files promises for `error_number` (an errno).
Error system_error(int error_number, std::string_view what);

}  // namespace nokv
