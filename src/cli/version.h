// Which nokv this is.
#pragma once

#include <string>
#include <string_view>

namespace nokv::cli {

// "0.1.0".
std::string_view version_number();
// The full hash of the commit it was built from; "unknown" outside a repository. The build writes
// it.
std::string_view commit_hash();
// "nokv 0.1.0 (f637a94)".
std::string version_line();

}  // namespace nokv::cli
