// Paths in the namespace, as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nokv::cli {

struct PathArgument {
  std::string path;         // bytes; begins with "/", no "//", no "/" at the end but for the root
  bool slash = false;       // was written with a "/" at the end: a directory is meant
  uint64_t generation = 0;  // of a citation; else 0
};

// "/a/b", with escapes (name_text.h), or a citation "nokv-native:///a/b@generation:7".
// Errors: invalid_argument (does not begin with "/", "." or "..", too long), with a hint.
Result<PathArgument> parse_path(std::string_view text);

// "nokv-native:///a/b@generation:7".
std::string citation(std::string_view path, uint64_t generation);

// "/a" + "b" = "/a/b"; "/" + "b" = "/b".
std::string join(std::string_view directory, std::string_view name);
// "b" of "/a/b"; "" of "/".
std::string_view base_name(std::string_view path);
// "/a" of "/a/b"; "/" of "/a" and of "/".
std::string_view parent_path(std::string_view path);

}  // namespace nokv::cli
