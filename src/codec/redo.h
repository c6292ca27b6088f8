// What the log holds: the only description of a change. docs/formats/redo.md
//
// The bytes of a log group are one RedoGroup. Recovery, standby, events and garbage read it;
// nobody computes it again from the request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec/message.h"
#include "codec/record.h"

namespace nokv::codec {

// One key of a versioned table gets another value, or none.
struct Change {
  std::string key;
  std::optional<std::string> value;  // the record without its birth; absent: removed
  uint64_t old_birth = 0;            // of the value it replaces; 0: there was none
  bool old_blobs = false;            // that value mentions blobs
  bool new_blobs = false;            // `value` mentions blobs
  uint64_t old_clone = 0;            // dentries: the clone that value holds (meta/region.h)
  uint64_t new_clone = 0;            // and the one that `value` holds
  bool noted = false;  // a change in a large directory: gets a row in the changed table
  bool quota = false;  // `value` is a directory with a quota: gets a row in the quota table
  static void fields(auto& self, auto& f) {
    f(1, self.key);
    f(2, self.value);
    f(3, self.old_birth);
    f(4, self.old_blobs);
    f(5, self.new_blobs);
    f(6, self.old_clone);
    f(7, self.new_clone);
    f(8, self.noted);
    f(9, self.quota);
  }
};

// One key of a table that holds only the present.
struct Set {
  std::string key;
  std::optional<std::string> value;  // absent: removed
  static void fields(auto& self, auto& f) {
    f(1, self.key);
    f(2, self.value);
  }
};

// A blob that a publish brings in: its record begins with no reference, the body's adds one.
struct NewBlob {
  uint64_t blob = 0;
  uint64_t upload = 0;  // 0: inline or external
  uint64_t size = 0;
  std::vector<uint32_t> block_crcs;
  std::string bytes;  // inline
  std::optional<External> external;
  bool is_inline() const { return upload == 0 && !external; }
  static void fields(auto& self, auto& f) {
    f(1, self.blob);
    f(2, self.upload);
    f(3, self.size);
    f(4, self.block_crcs);
    f(5, self.bytes);
    f(6, self.external);
  }
};

enum class EventKind : uint8_t {
  none = 0,
  created = 1,
  published = 2,
  attributes = 3,
  xattr = 4,
  renamed = 5,
  linked = 6,
  removed = 7,
  cloned = 8,
  rolled_back = 9,
  snapshot_created = 10,
  snapshot_removed = 11,
  moment = 12,
};

struct Event {
  EventKind kind = EventKind::none;
  bool covers_subtree = false;
  std::string path;
  std::string old_path;
  NodeId id;
  Kind node_kind = Kind::none;
  uint64_t generation = 0;
  uint64_t old_generation = 0;
  uint64_t size = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.kind);
    f(2, self.covers_subtree);
    f(3, self.path);
    f(4, self.old_path);
    f(5, self.id);
    f(6, self.node_kind);
    f(7, self.generation);
    f(8, self.old_generation);
    f(9, self.size);
  }
};

// A pin made by this record, at the version before it; that of a clone at an older version at that
// one.
struct NewPin {
  uint64_t id = 0;
  PinRecord pin;
  static void fields(auto& self, auto& f) {
    f(1, self.id);
    f(2, self.pin);
  }
};

struct RenewedPin {
  uint64_t id = 0;
  int64_t expires_ns = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.id);
    f(2, self.expires_ns);
  }
};

// The count of a blob's mentions was found to be off by this much.
struct MendedReferences {
  uint64_t blob = 0;
  bool is_inline = false;
  int64_t difference = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.blob);
    f(2, self.is_inline);
    f(3, self.difference);
  }
};

// What holds a clone (CloneLife) was found to be off by this much.
struct MendedClone {
  uint64_t clone = 0;
  int64_t live = 0;
  int64_t past = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.clone);
    f(2, self.live);
    f(3, self.past);
  }
};

// What one step of background work does beside changes and sets.
struct Upkeep {
  std::vector<uint64_t> going_pins;  // marked, so that nobody reads or pins there any more
  std::string refile_from;           // after this key (rows up to it were moved before)
  std::vector<RenewedPin> renewed_pins;
  std::string refiled;       // filed records of pin `refile_pin` up to this key were moved
  uint64_t refile_pin = 0;   // 0: none
  bool refile_done = false;  // and that pin is gone
  std::vector<uint64_t> purged_blobs;  // dead blobs whose objects are deleted
  // What fsck mends. Counts of blobs that are live; and past records by their keys, which are
  // filed under the pin that needs them, or freed.
  std::vector<MendedReferences> references;
  std::vector<std::string> past;
  std::vector<MendedClone> clones;  // also what fsck mends
  static void fields(auto& self, auto& f) {
    f(1, self.going_pins);
    f(2, self.refiled);
    f(3, self.refile_pin);
    f(4, self.refile_done);
    f(5, self.purged_blobs);
    f(6, self.renewed_pins);
    f(7, self.refile_from);
    f(8, self.references);
    f(9, self.past);
    f(10, self.clones);
  }
};

struct RedoRecord {
  int64_t time_ns = 0;  // the log clock
  std::vector<Change> changes;
  std::vector<Set> sets;
  std::vector<NewBlob> blobs;
  std::vector<NewPin> pins;
  std::optional<Upkeep> upkeep;
  std::vector<Event> events;
  uint64_t next_id = 0;  // after this record
  // Whose request it was, and the first answer; session is empty for background work.
  std::string session;
  uint64_t sequence = 0;
  uint64_t acked_below = 0;
  std::string result;
  std::string principal;
  std::optional<RetentionPolicy> policy;  // set by this record
  uint64_t session_next_id = 0;           // RequestRecord::next_id

  static void fields(auto& self, auto& f) {
    f(1, self.time_ns);
    f(2, self.changes);
    f(3, self.sets);
    f(4, self.blobs);
    f(5, self.pins);
    f(6, self.upkeep);
    f(7, self.events);
    f(8, self.next_id);
    f(9, self.session);
    f(10, self.sequence);
    f(11, self.acked_below);
    f(12, self.result);
    f(13, self.principal);
    f(14, self.policy);
    f(15, self.session_next_id);
  }
};

// Records of versions [first, first + records.size()), made durable together, and the directory
// records that all of them changed, written once: their birth is the last version.
struct RedoGroup {
  uint64_t first = 0;
  std::vector<RedoRecord> records;
  std::vector<Change> directories;
  static void fields(auto& self, auto& f) {
    f(1, self.first);
    f(2, self.records);
    f(3, self.directories);
  }
};

}  // namespace nokv::codec
