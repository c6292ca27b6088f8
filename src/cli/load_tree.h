// Makes a directory of the lines of a dump.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "cli/context.h"
#include "cli/progress.h"

namespace nokv::cli {

struct LoadTree {
  std::string to;       // empty: where it was dumped
  bool resume = false;  // what is there already, and the same, is passed over
};

struct LoadedTree {
  std::string from;  // the path that was dumped
  std::string to;
  uint64_t nodes = 0;        // lines of them
  uint64_t passed_over = 0;  // that were there already
  uint64_t bytes = 0;        // of bodies
  uint64_t version = 0;      // of the last transaction
};

// Reads lines from `in` (up to buffer.size() bytes; 0 at the end) and commits them in transactions
// of some thousand names, each wholly or not, in the dump's order, one of them on its way while the
// next is read. Memory does not grow with the dump. With dry_run() nothing is sent but questions.
//
// Errors: invalid_argument (no dump, or a damaged one: the message names the line), already_exists
// (the target has entries; with `resume`, one that differs), failed_precondition (a dump without
// bodies of another namespace), not_found (its version can no longer be read), those of the
// operations. `some` says whether anything was made.
Result<LoadedTree> load_tree(Context& context, Client& client,
                             const std::function<Result<size_t>(std::span<char>)>& in,
                             const LoadTree& what, Progress& progress, bool& some);

}  // namespace nokv::cli
