#include "cli/version.h"

#include <nokv_build.inc>

#include "base/result.h"

namespace nokv::cli {

std::string_view version_number() { return NOKV_BUILD_VERSION; }

std::string_view commit_hash() { return NOKV_BUILD_COMMIT; }

std::string version_line() {
  return str("nokv ", version_number(), " (", commit_hash().substr(0, 12), ")");
}

}  // namespace nokv::cli
