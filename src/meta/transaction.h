// One transaction being planned: what the verbs (meta/plan) read and change.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/redo.h"
#include "codec/rpc.h"
#include "meta/pending.h"
#include "meta/pins.h"
#include "meta/tree.h"

namespace nokv::meta {

// A chain of clones of more generations than this is flattened (meta/flatten.h).
constexpr size_t kChainMax = 8;

// Ids that were given to nothing, ascending.
struct IdSource {
  uint64_t next = 2;  // 1 is the root's
  uint64_t end = UINT64_MAX;
  bool exceeded = false;  // a plan wanted more than there are
};

// What is the same for all transactions of a shard. Everything outlives the transaction.
struct PlanContext {
  Pending& pending;
  const View& view;      // of the newest applied state, with `pending` laid over it
  const View& applied;   // the same without `pending`: for reading older versions
  const PinTable& pins;  // of the applied state
  IdSource& ids;
  codec::RetentionPolicy& policy;
  size_t chain_max = kChainMax;
};

// What changes in a directory of more entries is noted name by name, so that comparing versions
// need not list it; until it has less than half of that.
constexpr uint64_t kLargeDirectory = 256;

// The directory in which a name is to be made or changed, and that name.
struct Place {
  NodeId directory;
  DirectoryState* state = nullptr;
  std::string directory_path;
  std::string name;
  std::string path() const { return join_path(directory_path, name); }
};

// What a name stands for now.
struct Found {
  std::optional<codec::Dentry> entry;
  uint64_t own_birth = 0;  // of the directory's own dentry, whiteouts included; 0: none
  bool own_blobs = false;  // and it mentions blobs
  uint64_t own_clone = 0;  // and it holds this clone
  bool inherits = false;   // the directory's source has the name too
  explicit operator bool() const { return entry.has_value(); }
  bool is_directory() const { return entry && entry->kind == codec::Kind::directory; }
};

// Of the directories that are made on the way to a name.
struct Owner {
  uint32_t uid = 0;
  uint32_t gid = 0;
};

// Home: the shard's sequencer, between Pending::begin() and keep() or undo(). Errors of all calls:
// data_loss, unavailable, and what is said.
class Transaction {
 public:
  Transaction(const PlanContext& context, uint64_t version, int64_t now_ns, codec::RedoRecord& out)
      : context_(context),
        version_(version),
        now_ns_(now_ns),
        out_(out),
        tree_(context.view, kNow),
        first_new_id_(context.ids.next) {
    tree_.set_attached([this](const NodeId& id) { return is_attached(id); });
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  uint64_t version() const { return version_; }
  int64_t now_ns() const { return now_ns_; }
  const Tree& tree() const { return tree_; }
  const View& view() const { return context_.view; }
  codec::RedoRecord& record() { return out_; }
  const codec::RetentionPolicy& policy() const { return context_.policy; }
  uint64_t new_id() { return new_ids(1); }
  // The first of `count` that follow each other.
  uint64_t new_ids(uint64_t count) { return std::exchange(context_.ids.next, next_id() + count); }
  // What new_id() gives next.
  uint64_t next_id() const { return context_.ids.next; }
  // Whether this transaction made the node: there is no earlier state of it.
  bool made_here(const NodeId& id) const;

  // --- where

  // The parent of what `target` names. With `parents`, what is missing on the way is made, with
  // the owner given. Errors: not_found, not_directory, stale (an id that left the tree),
  // invalid_argument (the root has no name), and the limits of names.
  Result<Place> place(const codec::Target& target, bool parents = false, Owner owner = {});

  // As place() of an existing entry, symlinks at its end followed with `follow`; gives what it
  // stands for. The root gives a place without a name. Errors: also not_found.
  struct Spot {
    Place place;
    Found found;
    NodeId id() const { return found.entry->child; }
    bool is_root() const { return place.name.empty(); }
    std::string path() const { return is_root() ? "/" : place.path(); }
  };
  Result<Spot> existing(const codec::Target& target, bool follow);

  Result<Found> lookup(const NodeId& directory, std::string_view name);

  // The directory's newest state. Errors: stale.
  Result<DirectoryState*> directory(const NodeId& id);
  // Whether its chain of parents leads to the root.
  Result<bool> is_attached(const NodeId& id);
  // Its path from the root. Errors: stale, when its chain of parents is broken.
  Result<std::string> directory_path(const NodeId& id);

  // --- what

  // Makes `name` stand for `dentry`; `old` is what lookup() found.
  void put_dentry(const Place& place, const Found& old, const codec::Dentry& dentry);
  void remove_dentry(const Place& place, const Found& old);

  // A new directory named by `place`, its dentry included.
  NodeId add_directory(const Place& place, const Found& old, const codec::Attributes& attributes,
                       std::vector<codec::Xattr> xattrs = {});
  // Ends a directory's record; what lies below it is swept later.
  Result<> end_directory(const NodeId& id);
  // Removes a node's record. One that has a source gets a whiteout: its id must not come back.
  Result<> bury(const NodeId& id);

  // Counts the entry `child` of `place` that came (+1) or went (-1), with what lies in and below
  // it.
  void count(const Place& place, int sign, const NodeId& child, codec::Kind kind, uint64_t bytes,
             const codec::Totals* below = nullptr);
  // Something at or below `directory` changed; `bytes` came or went.
  void changed(const NodeId& directory, DirectoryState& state, int64_t bytes);

  // A record of a versioned table that is neither dentry nor directory.
  Result<> put(const std::string& key, std::optional<std::string> value);
  // A record of a table that holds only the present.
  void set(const std::string& key, std::optional<std::string> value);

  // --- files

  // The inode of a file, wherever it is, and how to write it back. `links` is 1 for one name.
  struct File {
    codec::Inode inode;
    uint32_t links = 1;
    bool in_dentry = true;
  };
  Result<File> file(const codec::Dentry& entry);
  // Writes the inode back, under all its names: sizes, times, newest versions.
  Result<> put_file(const Spot& spot, const File& file, uint64_t old_size);
  // Says to all directories that name a file with a node record that it changed.
  Result<> file_changed(const NodeId& file, int64_t bytes);
  // Gives a file with one name a node record and a row for that name, so that it can have more.
  Result<> make_linkable(const Spot& spot, File& file);
  // Writes the node record of a file with `links` names; without any it goes.
  Result<> put_inode(const NodeId& id, const codec::Inode& inode, uint32_t links);
  // Where a file with one name is now.
  Result<> put_moved(const NodeId& id, const Place& to, const Place& from);
  // The same of a file that gets chunk records, which tell no directory.
  Result<> keep_place(const Spot& spot);

  // Checks what a publish brings, claims or adds its blobs and describes it as a body of this
  // version. Whether an external object is there and may be read is nothing that a plan can know.
  // Errors: invalid_argument, resource_exhausted (limits), failed_precondition (an upload that is
  // not open, a blob of another upload or already published).
  Result<codec::Body> take_body(const codec::NewBody& body);
  // Makes it a body of this version and this request's principal.
  void stamp(codec::Body& body) const;
  // Errors: invalid_argument when this transaction already published the node.
  Result<> publishes(const NodeId& file);
  // A new inline blob with these bytes; gives its id.
  uint64_t add_inline(std::string bytes);
  Result<std::string> inline_bytes(uint64_t blob);

  // --- what else

  // Keeps the tree below `scope` as it was before this transaction; gives the pin's id. The
  // sequencer has begun a new group for it. For a file also where it was.
  uint64_t pin(codec::PinKind kind, const NodeId& scope, std::string path, int64_t expires_ns,
               const Place* file_at = nullptr);
  // Keeps the tree below `scope` as it was at an older version, which some pin keeps now.
  uint64_t pin_at(uint64_t version, int64_t time_ns, const NodeId& scope, std::string path);
  // An undo pin, if `wanted`, undo is on and the node is older than this transaction; gives its
  // version, or 0.
  uint64_t undo_pin(bool wanted, const NodeId& scope, const std::string& path,
                    const Place* file_at = nullptr);

  // A pin, and so a clone of the present, shows what was before the transaction: nothing may have
  // changed by then. Errors: invalid_argument.
  Result<> check_unchanged() const;
  void note_change() { changed_ = true; }

  void event(codec::Event event) { out_.events.push_back(std::move(event)); }

  // The same of a file, once for each of its names.
  Result<> file_event(const Spot& spot, const File& file, codec::Event event);

  // Paths may lead elsewhere from here on: forget what was resolved.
  void forget_paths() { memo_path_.clear(); }

  // Brings the totals of all directories up to date, for who asks for them.
  Result<> settle() { return context_.pending.propagate(tree_); }

  const PlanContext& context() const { return context_; }

 private:
  Result<Located> resolve(const NodeId& start, std::vector<std::string> names, bool follow);
  Result<NodeId> make_parents(const NodeId& start, const std::vector<std::string>& names,
                              Owner owner);
  Result<> claim_blobs(const codec::NewBody& body);
  Result<> add_external(const codec::NewBody& body, codec::Body& out);
  Result<> own_names(const NodeId& file);
  void change(codec::Change change);
  static bool notes_changes(const Place& place);

  PlanContext context_;
  uint64_t version_;
  int64_t now_ns_;
  codec::RedoRecord& out_;
  Tree tree_;
  uint64_t first_new_id_;
  std::string memo_path_;  // the last parent path from the root that was resolved,
  Place memo_;             // and where it led
  std::set<NodeId> published_;
  uint32_t external_blobs_ = 0;
  bool changed_ = false;  // by an operation before this one
};

bool mentions_blobs(const codec::Body& body);

}  // namespace nokv::meta
