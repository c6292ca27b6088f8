// Which nokv this is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace nokv::cli {

// "0.1.0".
std::string_view version_number();
// The full hash of the commit it was built from; "unknown" outside a repository. The build writes
// it.
std::string_view commit_hash();
// "nokv 0.1.0 (f637a94)".
std::string version_line();

// The formats that this build writes, with their numbers: docs/formats.
inline constexpr std::array<std::pair<std::string_view, uint32_t>, 5> kFormats = {{
    {"rpc", 1},
    {"frame", 1},
    {"records", 1},
    {"redo", 1},
    {"log", 1},
}};

}  // namespace nokv::cli
