// What is said of a merge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec/rpc.h"

namespace nokv::client {

enum class MergeConflictKind : uint8_t {
  content,     // both changed the bytes, or the target of a symlink
  attributes,  // both changed mode, owner or extended attributes
  created,     // both have something new under one name
  removed,     // one removed what the other changed
  renamed,     // both gave it another path, or one did and the other removed it
};

// What to do where both changed the same.
enum class MergeChoice : uint8_t {
  report,  // tell, and write nothing
  ours,    // what the target has stays
  theirs,  // what the clone has replaces it
  aside,   // as `ours`, and what the clone has goes to another directory
};

// A node on one side of a conflict: what is needed to read it there.
struct MergeSide {
  std::string path;  // whole; in the common state: where it was below the directory
  codec::Kind kind = codec::Kind::none;
  codec::BodyFacts facts;  // files
};

struct MergeConflict {
  std::string path;  // of the target, whole
  MergeConflictKind kind = MergeConflictKind::content;
  std::optional<MergeSide> base;  // absent: it was not there
  std::optional<MergeSide> ours;  // absent: it is not there
  std::optional<MergeSide> theirs;
};

// What is done to the target.
struct MergeCounts {
  uint64_t created = 0;
  uint64_t removed = 0;
  uint64_t renamed = 0;
  uint64_t content = 0;
  uint64_t attributes = 0;
  uint64_t all() const { return created + removed + renamed + content + attributes; }
};

}  // namespace nokv::client
