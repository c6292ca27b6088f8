// Walks a tree from the top and counts what its directories say of themselves.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "meta/check/pass.h"

namespace nokv::meta::fsck {

// What a walk came by, for the passes after it.
struct Walked {
  uint64_t directories = 0;  // with a record of their own, each at most once
  uint64_t chunks = 0;       // chunk records that bodies mention
};

// Depth first, so that the sums of each directory are counted from its leaves, not taken from its
// children; a directory is entered only by the entry that it names itself, so each is entered once
// and the walk ends, whatever the records say.
//
// In a clone only what is its own is walked: a directory's sums are those of its source, which is
// walked at the clone's pin, and what its own entries add to them or take away.
//
// Memory: one open scan and the sums of each directory on the way down, at most kDepthMax of them.
class TreePass final : public Pass {
 public:
  struct Top {
    NodeId id;
    std::string path;
    uint64_t at = kNow;
    uint64_t known = kNow;   // a walk at this version is made too: what is the same is not entered
    bool inherited = false;  // also what clones inherit, and no sums are taken from their sources
    // Of a detached directory: it has no record, and is being swept.
    bool detached = false;
    std::string of;  // "" or "snapshot x: ", for the details
  };
  // Called for each file of a live tree that has a body, when set.
  using SeeFile =
      std::function<void(const std::string& path, const codec::Body& body, const NodeId& id)>;

  TreePass(std::string_view name, const Subject& subject, Report& report, Top top, Walked& walked,
           SeeFile see_file = {});

  std::string_view name() const override { return name_; }
  Result<bool> step(size_t records) override;

 private:
  struct Sums {
    uint64_t entries = 0;
    codec::Totals totals;
  };
  // Entries of a directory: its own rows, so that a damaged one does not hide the others, or with
  // what it inherits.
  struct Entries {
    std::optional<View::Scan> own;
    std::optional<Tree::Lister> seen_through;
    size_t prefix_size = 0;
    std::string name;
    codec::Dentry dentry;
  };
  struct Level {
    NodeId id;
    std::string name;
    bool counted = true;  // the sums can be compared: nothing was unreadable
    codec::Directory record;
    Entries entries;
    Sums sums;
    std::optional<Source> source;  // whose entries are counted in the sums
  };

  Result<> begin();
  Result<bool> next(Level& level);
  Result<> enter(const NodeId& id, std::string name, codec::Directory record);
  Result<> see(Level& level, const std::string& name, const codec::Dentry& dentry);
  Result<> see_directory(Level& level, const std::string& name, const codec::Dentry& dentry);
  Result<> see_file(Level& level, const std::string& name, const codec::Dentry& dentry);
  Result<std::optional<codec::Inode>> linked_file(const Level& level, const std::string& name,
                                                  const codec::Dentry& dentry);
  Result<> see_body(const std::string& path, const NodeId& id, const codec::Body& body);
  Result<> see_chunks(const std::string& path, const NodeId& id, const codec::Body& body);
  Result<> begin_sums(Level& level);
  Result<> see_clone(const Level& level, const std::string& name, const codec::Dentry& dentry);
  Result<> see_own(Level& level, const std::string& name, bool whiteout);
  Result<bool> walked_elsewhere(const NodeId& id);
  void leave();
  void compare(const Level& level, const std::string& path);
  void problem(std::string_view code, std::string path, const NodeId& id, std::string detail,
               Repair repair = {}, bool is_error = true);
  std::string path(std::string_view name) const;
  uint64_t version() const { return top_.at == kNow ? subject_.version() : top_.at; }

  std::string_view name_;
  const Subject& subject_;
  Report& report_;
  Top top_;
  Walked& walked_;
  SeeFile see_file_;
  Tree tree_;
  bool begun_ = false;
  bool first_name_ = true;  // of the file that is being looked at: it counts once
  std::deque<Level> levels_;
};

}  // namespace nokv::meta::fsck
