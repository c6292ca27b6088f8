// What the planner has decided and the engine does not show yet, and the directories it works on.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/redo.h"
#include "meta/tree.h"
#include "meta/view.h"

namespace nokv::meta {

// A directory as the newest decision left it. Its record is written once for each group.
struct DirectoryState {
  codec::Directory record;
  uint64_t own_birth = 0;  // of the record of its own that was last decided; 0: it has none
  bool dirty = false;      // changed since its record was last put into a group
  bool gone = false;       // removed: its record's end is among the changes already
  uint64_t written = 0;    // the last version whose group held its record
  // What its ancestors have not been told yet.
  int64_t files = 0;
  int64_t directories = 0;
  int64_t bytes = 0;
  bool untold = false;
  // What they have been told: what they lose when it is taken from them, or get when it comes.
  codec::Totals told() const {
    codec::Totals out = record.totals;
    out.files -= static_cast<uint64_t>(files);
    out.directories -= static_cast<uint64_t>(directories);
    out.bytes -= static_cast<uint64_t>(bytes);
    return out;
  }
  // Bookkeeping of Pending.
  bool listed = false;   // among those touched
  bool waiting = false;  // among those that have something to tell
  uint64_t saved_by = 0;
};

// Home: the shard's sequencer.
//
// A transaction is begun, changes things through Transaction (meta/transaction.h), and is kept or
// undone as a whole. close_group() then gives the directory records of all transactions since the
// last one. What is applied is forgotten, but for recently used directories.
class Pending final : public Overlay {
 public:
  explicit Pending(size_t directories_max = 4096)
      : directories_max_(directories_max), evict_at_(directories_max) {}

  const Entry* find(std::string_view key, uint64_t at) const override;
  std::vector<std::string> pending_links(std::string_view prefix) const override;

  void begin();
  void keep();
  void undo();

  void put(const std::string& key, std::optional<std::string> value, uint64_t birth);

  // The directory, loaded from `tree` when it is not at hand; remembers how it was for undo().
  // Null: there is no such directory. The pointer is valid until the next call of begin().
  Result<DirectoryState*> directory(const Tree& tree, const NodeId& id);
  // `before`: what it is compared with when a quota asks how much it grew; what lies below it now
  // without more, for what is made whole (a clone) did not grow.
  DirectoryState& add_directory(const NodeId& id, DirectoryState state,
                                const codec::Totals* before = nullptr);
  // Says that `state` of `id` became dirty or untold.
  void touch(const NodeId& id, DirectoryState& state);
  // Says that the directory ended with `version`.
  void end_directory(const NodeId& id, DirectoryState& state, uint64_t version);

  // Tells ancestors what changed below them.
  Result<> propagate(const Tree& tree);

  // Whether a directory that was at hand has a quota, or had one: then every transaction ends with
  // totals that are up to date, so that what others added is never counted as its own. Who changes
  // something has the directories above it at hand, but for the root, which is looked at here:
  // without any, none binds.
  Result<bool> find_quotas(const Tree& tree);

  // A directory with a quota below which this transaction added something.
  struct Grown {
    NodeId id;
    codec::Quota quota;
    codec::Totals before;
    codec::Totals now;
  };
  // Once the totals are up to date.
  std::vector<Grown> grown() const;
  // What lay below a directory at hand when this transaction began, or at its last rebase().
  codec::Totals before(const NodeId& id) const;
  // From here on it grows from what lies below it now. Once the totals are up to date.
  void rebase(const NodeId& id);

  // The records of all directories that changed, with `last` as their birth.
  Result<std::vector<codec::Change>> close_group(const Tree& tree, uint64_t last);

  // Everything decided up to `version` is in the engine now.
  void applied(uint64_t version);

  // Forgets everything: nothing was decided since the last applied state.
  void clear();

  size_t entries() const { return entries_.size(); }

 private:
  // What was decided for a key: last, and at the ends of earlier groups, oldest first. (Clones read
  // their source as it was before their group.)
  struct Decided {
    Entry last;
    std::vector<Entry> before;
  };
  struct Undo {
    std::string key;
    std::optional<Decided> before;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  struct UndoDirectory {
    NodeId id;
    std::optional<DirectoryState> state;  // nullopt: it was not there
    codec::Totals before;                 // from which on it grows
  };
  DirectoryState* at_hand(const NodeId& id);
  Result<> own_dentry(const Tree& tree, const NodeId& id, const DirectoryState& state,
                      uint64_t version, std::vector<codec::Change>& out);
  void evict();

  size_t directories_max_;
  std::unordered_map<std::string, Decided, KeyHash, std::equal_to<>> entries_;
  uint64_t group_first_ = 0;  // of the group that is being filled
  std::set<std::string> links_;
  std::deque<std::pair<uint64_t, std::string>> order_;  // (version, key) in the order decided
  std::unordered_map<NodeId, DirectoryState> directories_;
  std::vector<NodeId> touched_;  // dirty, perhaps twice, perhaps not any more
  std::vector<NodeId> untold_;   // the same of those with something to tell
  bool has_quotas_ = false;
  bool root_seen_ = false;                             // by find_quotas()
  std::deque<std::pair<uint64_t, NodeId>> in_flight_;  // written or ended by a version

  uint64_t transaction_ = 0;
  std::vector<Undo> undo_entries_;
  std::vector<UndoDirectory> undo_directories_;
  size_t order_before_ = 0;
  size_t evict_at_ = 0;
};

}  // namespace nokv::meta
