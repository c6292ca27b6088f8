// The namespace as a tree at one version: nodes and entries, seen through clones.
//
// The rules of regions: a node whose id ends in hop (c, g) comes from a source, which is the same
// node with that hop replaced by (parent of c, g - 1), or dropped when g is 0, at the version c
// was taken at. What a node has no record of its own for, its source says, with every node id in
// it seen through c.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/key.h"
#include "codec/record.h"
#include "meta/region.h"
#include "meta/view.h"

namespace nokv::meta {

// Where a node was cloned from.
struct Source {
  NodeId id;
  uint64_t version = 0;  // to read it at
  uint64_t clone = 0;
  uint64_t parent = 0;  // the parent clone; 0: none
  uint64_t birth = 0;   // of the clone
  NodeId top;           // the directory that was cloned

  NodeId through(const NodeId& node) const { return seen_through(clone, parent, node); }
};

// One of the names of a file.
struct FileName {
  NodeId parent;
  std::string name;
};

struct NamedEntry {
  std::string name;
  codec::Dentry dentry;
};

// What a path leads to. For the root, `parent` is none and `name` empty.
struct Located {
  NodeId parent;
  std::string name;
  codec::Dentry dentry;  // of the root too: its child and kind
  const NodeId& id() const { return dentry.child; }
};

// Splits "/a/b" into names. Errors: invalid_argument (not absolute unless `relative`, "." or "..",
// NUL), resource_exhausted (a limit, named).
Result<std::vector<std::string>> split_path(std::string_view path, bool relative = false);
// Where a symlink in `directory` with this target leads, as names from the root; "." and ".." are
// resolved by name. Errors: those of check_name.
Result<std::vector<std::string>> symlink_path(std::string_view directory, std::string_view target);
// "/a/b" of its names.
std::string path_text(const std::vector<std::string>& names);
// Checks one name. Errors: as split_path.
Result<> check_name(std::string_view name);
// "/a" and "b" make "/a/b"; "/" and "b" make "/b".
std::string join_path(std::string_view directory, std::string_view name);

// Reads `view`, which outlives it, at version `at`. Cheap to make; one thread.
// Errors of all calls: data_loss, unavailable, and what is said.
class Tree {
 public:
  // `scope`: the directory below which the tree is kept at that version (a pin's); none: all of it
  // is.
  Tree(const View& view, uint64_t at, NodeId scope = {})
      : view_(view), at_(at), scope_(std::move(scope)) {}

  const View& view() const { return view_; }
  uint64_t at() const { return at_; }

  // Who knows whether a directory is in the tree, when its record may be pending still.
  using Attached = std::function<Result<bool>(const NodeId&)>;
  void set_attached(Attached attached) { attached_ = std::move(attached); }

  // Where paths begin. `at` of the tree does not matter: a pin's scope is where its paths begin.
  Result<NodeId> root() const;

  // The node's record, or that of its source; nullopt when there is none (or a whiteout).
  Result<std::optional<codec::NodeRecord>> node(const NodeId& id) const;

  // The entry `name` of `directory`; nullopt when there is none.
  Result<std::optional<codec::Dentry>> dentry(const NodeId& directory, std::string_view name) const;

  // What the directory's source shows under `name`, whatever its own records say.
  Result<std::optional<codec::Dentry>> inherited(const NodeId& directory,
                                                 std::string_view name) const;

  // False when what is known of the node is what its source says.
  Result<bool> has_own_node(const NodeId& id) const;

  // All names of a file that has a node record, in the order of their keys. In a clone that has no
  // records of its own of the file: those that it shows below the scope.
  Result<std::vector<FileName>> names(const NodeId& file) const;

  // Where a file with one name was moved to, or was given chunk records.
  Result<std::optional<codec::MovedRecord>> moved(const NodeId& file) const;

  // Whether a directory that came from a clone's source was removed in the clone, or one above it.
  Result<bool> is_removed(const NodeId& directory) const;

  // Whether the parents of `id` lead to `top`.
  Result<bool> is_below(const NodeId& id, const NodeId& top) const;

  // A versioned record of a file with the key `key` (made for `file`), or its source's. It names no
  // nodes.
  template <class MakeKey>
  Result<std::optional<Raw>> file_record(const NodeId& file, MakeKey&& make_key) const;

  // Entries of `directory` with names after `after`, in byte order.
  class Lister {
   public:
    // True when there is one.
    Result<bool> next();
    const NamedEntry& entry() const { return entry_; }

   private:
    friend class Tree;
    Result<bool> next_own();
    std::optional<View::Scan> own_;
    size_t prefix_size_ = 0;
    bool has_own_ = false;
    bool started_ = false;
    NamedEntry own_entry_;
    std::unique_ptr<Lister> inherited_;
    Source source_;
    bool has_inherited_ = false;
    NamedEntry entry_;
  };
  Result<Lister> list(const NodeId& directory, std::string_view after = {}) const;

  // The inode of an entry that is no directory: in the dentry, or in its node record.
  // `links` is set to the number of names, as names() tells it.
  Result<codec::Inode> inode(const codec::Dentry& dentry, uint32_t* links = nullptr) const;

  // The directory in which symlinks may lead, and its path: the root, or a pin's scope.
  // `start_path` tells the path of where a walk starts, when this tree cannot: its directory
  // records may be pending still.
  struct Scope {
    NodeId id;
    std::string path;
    std::function<Result<std::string>()> start_path;
  };
  // Follows `names` from `start`, symlinks on the way included (40 at most), the last one only
  // with `follow`; what leads out of `scope` (null: the root) leads nowhere.
  // Errors: not_found, not_directory, failed_precondition (too many symlinks).
  Result<Located> resolve(const NodeId& start, std::vector<std::string> names, bool follow,
                          const Scope* scope = nullptr) const;

  // The path of a directory from the root; nullopt when it is not below the root.
  Result<std::optional<std::string>> path_of(const NodeId& directory) const;
  // The same from `top`, whose path is `top_path`.
  Result<std::optional<std::string>> path_of(const NodeId& directory, const NodeId& top,
                                             std::string_view top_path) const;
  // The same, if each directory on the way has the next one under its name. One that was removed
  // may say for long where it was.
  Result<std::optional<std::string>> shown_path(const NodeId& directory, const NodeId& top,
                                                std::string_view top_path) const;

  // Where a node comes from; nullopt when it is in no clone (or that clone is gone).
  Result<std::optional<Source>> source(const NodeId& id) const;

 private:
  Result<std::vector<std::string>> symlink_names(std::string_view directory,
                                                 const codec::Dentry& dentry,
                                                 const Scope& scope) const;
  Result<std::string> start_path(const NodeId& start, const Scope& scope) const;
  Result<bool> is_shown(const NodeId& directory) const;

  const View& view_;
  uint64_t at_;
  NodeId scope_;
  Attached attached_;
};

template <class MakeKey>
Result<std::optional<Raw>> Tree::file_record(const NodeId& file, MakeKey&& make_key) const {
  NOKV_ASSIGN(auto raw, view_.get(make_key(file), at_));
  if (raw || file.hops.empty()) return raw;
  NOKV_ASSIGN(auto come, source(file));
  if (!come) return std::nullopt;
  return Tree(view_, come->version).file_record(come->id, make_key);
}

}  // namespace nokv::meta
