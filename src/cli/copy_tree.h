// Copies a directory inside the server: names are made, bytes are shared.
#pragma once

#include <cstdint>
#include <string>

#include "cli/context.h"
#include "cli/write_rules.h"

namespace nokv::cli {

struct CopyTree {
  std::string from;
  std::string at;  // as it was then; empty: now
  std::string to;
  WriteRules rules;
  bool parents = false;  // make what is missing above `to`
};

struct CopiedTree {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t version = 0;  // of the last transaction
  uint64_t at = 0;       // the version that was read
};

// In transactions of at most 2,000 names, the first one with the topmost directory: a smaller tree
// appears at once. Errors: those of the operations; what was copied before one stays, and
// `partly` says whether there is any.
Result<CopiedTree> copy_tree(Context& context, Client& client, const CopyTree& what, bool& partly);

}  // namespace nokv::cli
