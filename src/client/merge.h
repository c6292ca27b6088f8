// Three-way merge of a clone and where it came from.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "client/merge_types.h"

namespace nokv::client {

struct MergeOptions {
  std::string from;  // the directory whose changes are taken: "theirs"
  std::string at;    // as it was then; empty: now
  std::string to;    // the one that gets them: "ours"; empty: where `from` was cloned from
  MergeChoice choice = MergeChoice::report;
  std::string aside;     // MergeChoice::aside: a directory that does not exist
  bool renew = false;    // then makes `from` a new clone of `to`; not with `at`
  bool dry_run = false;  // decides and answers, changes nothing
  CallOptions call = {};
};

struct MergeReport {
  std::string from;
  std::string to;
  bool merged = false;                   // false: there are conflicts, and nothing was written
  std::vector<MergeConflict> conflicts;  // also those that were decided by the choice
  MergeCounts counts;
  uint64_t base_version = 0;  // of the common state
  uint64_t from_version = 0;
  uint64_t to_version = 0;
  uint64_t version = 0;       // of the record; 0: nothing was written
  uint64_t undo_version = 0;  // at which `to` is kept for the undo window
  // With MergeOptions::renew, when merged:
  bool renewed = false;
  std::string not_renewed;          // why `from` stays as it is; the merge stands
  uint64_t renew_undo_version = 0;  // at which `from` is kept for the undo window
};

// What the two directories changed since their common state is brought together in one transaction:
// what only `from` changed is done to `to`; what both changed alike stays. Bodies are shared, not
// copied. Blocks. Either directory may change meanwhile: then it is worked out again, several
// times. With `renew` a second transaction puts a clone of `to` in the place of `from`, so that
// both have this state in common the next time. Takes time and memory in proportion to what changed
// on both sides.
// Errors: failed_precondition (nothing in common; conflicts of moved directories
// that the choice does not decide), invalid_argument (one directory, or one inside another; `renew`
// with `at`), resource_exhausted (more than one transaction holds), aborted (it changes faster than
// it can be merged), already_exists (`aside`), those of the namespace.
Result<MergeReport> merge(Client& client, const MergeOptions& options);

}  // namespace nokv::client
