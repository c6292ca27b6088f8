// What fsck found, and what may be done about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/rpc.h"

namespace nokv::meta::fsck {

using codec::NodeId;

// What --repair does about a problem. Each is planned against the newest state (repair.h), which
// may have gone on since: sums are mended by what they are off, the rest is looked at again.

// A directory's own sums are off by this much.
struct MendSums {
  NodeId id;
  int64_t entries = 0;
  int64_t files = 0;
  int64_t directories = 0;
  int64_t bytes = 0;
  uint64_t newest = 0;  // at least this; 0: as it is
  uint32_t hops = 0;    // these two too
  uint32_t foreign_hops = 0;
};
// The directory lies where this entry says.
struct MendPlace {
  NodeId id;
  NodeId parent;
  std::string name;
};
// Whether the file has this name: its link row, and the number of its rows.
struct MendLink {
  NodeId file;
  NodeId parent;
  std::string name;
};
// The moved record of a file that is not there.
struct DropMoved {
  NodeId file;
};
// The count of a blob's mentions is off by this much.
struct MendReferences {
  uint64_t blob = 0;
  bool is_inline = false;
  int64_t difference = 0;
};
// A past record hangs on no pin, or on several: it is filed as if it had died now.
struct FilePast {
  std::string past_key;
};
// A row of a table that holds only the present and says what is not so.
struct DropRow {
  std::string key;
};
// A dead blob that garbage collection does not know of.
struct ListDead {
  uint64_t blob = 0;
};
// Chunk records that no body mentions: they are swept.
struct ListChunks {
  NodeId file;
  uint64_t body_number = 0;
};
// What holds a clone is off by this much.
struct MendClone {
  uint64_t clone = 0;
  int64_t live = 0;
  int64_t past = 0;
};
// The whiteout of a node in a clone that no sweep would find.
struct ListWhiteout {
  NodeId id;
};
// A row that nobody else writes is put right.
struct PutRow {
  std::string key;
  std::string value;
};
// A directory with a quota that the list of them lacks.
struct ListQuota {
  NodeId id;
};
// An entry that a directory of a clone inherits becomes its own.
struct OwnEntry {
  NodeId parent;
  std::string name;
};
// A clone's pin that no clone names.
struct ReleasePin {
  uint64_t pin = 0;
};
// A snapshot's pin without a name.
struct NameSnapshot {
  uint64_t pin = 0;
};
// Ids up to this one are in use.
struct SkipIds {
  uint64_t used = 0;
};
// An object of the store that no record can name any more.
struct RemoveObject {
  std::string object;
  uint64_t blob = 0;
  uint32_t block = 0;
};

using Repair =
    std::variant<std::monostate, MendSums, MendPlace, MendLink, DropMoved, MendReferences, FilePast,
                 DropRow, ListDead, ListChunks, MendClone, ListWhiteout, ListQuota, PutRow,
                 OwnEntry, ReleasePin, NameSnapshot, SkipIds, RemoveObject>;

struct Problem {
  std::string_view code;  // a literal: docs/fsck.md lists them
  bool is_error = true;   // else a warning: space or time is lost, no data
  std::string path;
  std::string id;
  std::string detail;
  Repair repair;
  uint64_t blob = 0;  // whose path is to be found
};

// The problems so far: all are counted, the first kProblemsMax are kept.
class Report {
 public:
  static constexpr size_t kProblemsMax = 10'000;

  void add(Problem problem);
  void looked_at(uint64_t records = 1) { checked_ += records; }

  uint64_t checked() const { return checked_; }
  uint64_t count() const { return count_; }
  std::vector<Problem>& problems() { return problems_; }

 private:
  std::vector<Problem> problems_;
  uint64_t count_ = 0;
  uint64_t checked_ = 0;
};

// Ids are given one after another, so one that is far beyond all is damage and not a gap to skip.
Repair mend_next_id(uint64_t used);

// What the repair does, for people; empty when there is none.
std::string repair_text(const Repair& repair);

// "0a0b…", at most 64 bytes of it, for keys of records that cannot be read.
std::string hex(std::string_view bytes);

}  // namespace nokv::meta::fsck
