// A three-way merge worked out: what of "theirs" has to be done to "ours", and where both changed
// the same in different ways.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "client/merge/changes.h"
#include "client/merge_types.h"
#include "codec/operation.h"

namespace nokv::client::merging {

// Questions whose answers are not in the differences; both paths are whole ones.
struct Lookups {
  // Whether two nodes that are no directories have the same kind, bytes or target.
  std::function<Result<bool>(const std::string& theirs, const std::string& ours)> alike;
  // Whether they have the same mode, owner and extended attributes.
  std::function<Result<bool>(const std::string& theirs, const std::string& ours)> same_attributes;
};

// What becomes operations only with what theirs has there. Whole paths.
struct TakeDirectory {  // make it, with the attributes of theirs
  std::string from;
  std::string to;
};
struct TakeAttributes {
  std::string from;
  std::string there;  // where ours has the node before all steps
  std::string to;     // and when it comes to this one
};
struct TakeTree {  // a copy of theirs, a directory or not
  std::string from;
  std::string to;
};
using Step = std::variant<codec::Operation, TakeDirectory, TakeAttributes, TakeTree>;

struct Plan {
  std::vector<MergeConflict> conflicts;
  std::vector<Step> steps;  // in order: first checks, then changes
  MergeCounts counts;
};

struct PlanInput {
  const Changes& theirs;
  const Changes& ours;
  uint64_t ours_version = 0;  // that `ours` ends with
  std::string theirs_at;      // at which theirs is read; empty: now
  std::string scratch;        // a name that nothing in ours has
  MergeChoice choice = MergeChoice::report;
  std::string aside;  // MergeChoice::aside: the directory, a whole path
};

// Errors: failed_precondition (directories were moved into each other and theirs is chosen), those
// of the lookups.
Result<Plan> plan(const PlanInput& input, const Lookups& lookups);

}  // namespace nokv::client::merging
