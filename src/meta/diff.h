// What differs between two trees: versions of one, a clone and its source, two clones.
//
// Directories correspond when they are one node, or come from one through clones; so do files. Cost
// is in proportion to what changed: subtrees in which nothing did are not entered, of a directory
// of a clone only its own dentries are read, and of a large directory only what the changed table
// has of the time between.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/rpc.h"
#include "meta/tree.h"

namespace nokv::meta {

// One of the two. `view` outlives the comparison.
struct Side {
  const View* view = nullptr;
  uint64_t version = kNow;
  NodeId top;        // what is compared
  std::string path;  // what that is called in the answers
};

// Home: one thread at a time. Errors of all calls: data_loss, unavailable, and what is said.
class Diff {
 public:
  // Two directories. Errors: failed_precondition when they have nothing in common.
  static Result<Diff> begin(Side a, Side b);

  // The newest state that both came from, called as b is. Errors: as begin().
  static Result<Side> base(const Side& a, const Side& b);

  // Goes on for at most `work` names, and until `out` has `limit` differences; false at the end.
  // Order: depth first, by name in b; what was renamed comes where it was in a.
  Result<bool> step(size_t work, size_t limit, std::vector<codec::Difference>& out);

  Diff(Diff&&) = default;
  Diff& operator=(Diff&&) = default;

 private:
  // Where a node stands in its line of sources: the node itself first.
  struct Ancestor {
    NodeId id;
    uint64_t version = 0;
    std::optional<Source> come;  // by which it leads to the next one
  };
  struct Relation {
    std::vector<Ancestor> a;  // down to the common one, without it
    std::vector<Ancestor> b;
    NodeId common;
    uint64_t version_a = 0;  // at which a sees it
    uint64_t version_b = 0;
  };
  enum class Walk : uint8_t {
    names,    // those that may differ
    both,     // all of both
    created,  // all of b
    removed,  // all of a
  };
  struct Frame {
    Walk walk = Walk::names;
    NodeId a;
    NodeId b;
    std::string path_a;
    std::string path_b;
    std::vector<std::string> names;
    size_t next = 0;
    std::optional<Tree::Lister> list_a;
    std::optional<Tree::Lister> list_b;
    bool has_a = false;
    bool has_b = false;
    bool started = false;
  };

  Diff(Side a, Side b);

  Result<> relate_tops();
  Result<std::vector<Ancestor>> line(const Side& side, const NodeId& id) const;
  Result<std::optional<Relation>> relate(const NodeId& a, const NodeId& b) const;
  // Pushes a frame for two directories that correspond, unless nothing changed.
  Result<> enter(const NodeId& a, const NodeId& b, std::string path_a, std::string path_b);
  Result<bool> changed_names(const Relation& relation, std::vector<std::string>& names) const;
  Result<bool> own_names(const View& view, const Ancestor& at,
                         std::vector<std::string>& names) const;
  Result<bool> noted_names(const NodeId& directory, uint64_t from, uint64_t to,
                           std::vector<std::string>& names) const;
  Result<bool> next_pair(Frame& frame);
  Result<> compare();
  void tell(codec::Difference difference, std::string path, std::string old_path);
  Result<> compare_tops();
  Result<> compare_directory(const codec::Dentry& in_a, const codec::Dentry& in_b,
                             const std::string& path_a, const std::string& path_b);
  Result<> compare_node(const codec::Dentry& in_a, const codec::Dentry& in_b, std::string path_a,
                        std::string path_b);
  Result<> gone(const codec::Dentry& in_a, std::string path, const FileName& at);
  Result<> came(const codec::Dentry& in_b, const std::string& path, const FileName& at);
  struct Placed {
    std::string path;
    codec::Dentry dentry;
    FileName at;
  };
  Result<std::optional<Placed>> mutual(const Side& here, const std::vector<Ancestor>& line_here,
                                       const Side& there, const std::vector<Ancestor>& line_there,
                                       const codec::Dentry& dentry, const FileName& at) const;
  Result<std::optional<Placed>> partner(const Side& here, const std::vector<Ancestor>& line_here,
                                        const Side& there, const std::vector<Ancestor>& line_there,
                                        const codec::Dentry& dentry, const FileName& at) const;
  Result<std::optional<Placed>> find(const Side& side, const std::vector<Ancestor>& line,
                                     const NodeId& id, codec::Kind kind,
                                     const std::vector<FileName>& first) const;
  static Result<std::optional<std::string>> path_in(const Side& side, const NodeId& directory);
  Result<bool> same(const codec::Dentry& in_a, const codec::Dentry& in_b,
                    const FileName& at_a) const;
  static NodeId cloned(const NodeId& common, const std::vector<Ancestor>& line);
  static NodeId ancestor_of(const NodeId& id, const std::vector<Ancestor>& line);

  Side a_;
  Side b_;
  Relation top_;
  std::vector<Frame> frames_;
  std::vector<codec::Difference> found_;  // not handed out yet

  // The pair that is compared next.
  std::string name_;
  std::optional<codec::Dentry> pair_a_;
  std::optional<codec::Dentry> pair_b_;
};

// What differs between two nodes that are no directories; nothing when they are alike.
std::optional<codec::Difference> content_difference(const codec::Inode& a, const codec::Inode& b);

}  // namespace nokv::meta
