// A model of the namespace that is obvious rather than fast: a tree of nodes in memory, and a whole
// copy of it for every version that is kept.
//
// It knows nothing of records, births, pins' filing or clones of records: what the real one must
// look like from outside, and no more. Not modelled: times that no answer told (learned when they
// are first seen), and link counts while names of a removed tree wait to be swept (an upper bound).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/operation.h"
#include "codec/rpc.h"

namespace nokv::shard::model {

using Ino = uint64_t;
using Bytes = std::shared_ptr<const std::string>;

// Learned from the first answer that tells it, and the same ever after.
template <class T>
struct Learned {
  mutable std::optional<T> value;
  // Whether `seen` is what it is.
  bool is(const T& seen) const {
    if (!value) value = seen;
    return *value == seen;
  }
};

struct Node {
  codec::Kind kind = codec::Kind::none;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t rdev = 0;
  std::shared_ptr<Learned<int64_t>> mtime, ctime, btime;  // shared by copies of one fact
  std::shared_ptr<Learned<codec::NodeId>> id;
  std::shared_ptr<const int> line;  // shared by a node and what clones make of it
  std::map<std::string, std::string> xattrs;
  std::string target;
  Bytes bytes;
  uint64_t generation = 0;
  std::string content_type;
  uint32_t names = 1;   // files: how many
  uint32_t ghosts = 0;  // and how many more lie in removed trees that were not swept yet
  // Directories.
  std::map<std::string, Ino> children;
  Ino parent = 0;
  uint64_t newest = 0;  // the version of the newest change at or below it
  codec::Quota quota;

  uint64_t size() const { return bytes ? bytes->size() : 0; }
};

constexpr Ino kRoot = 1;

// A version of the tree. Copies share nodes.
class Tree {
 public:
  const Node& at(Ino ino) const { return *nodes_.at(ino); }
  bool has(Ino ino) const { return nodes_.contains(ino); }
  Node& edit(Ino ino);
  Ino add(Node node);
  void erase(Ino ino) { nodes_.erase(ino); }
  const std::map<Ino, std::shared_ptr<const Node>>& nodes() const { return nodes_; }

  static Code check(const std::string& path);  // whether it may be one
  // Where a path leads, from `start`. Symlinks on the way are followed, the last one with `follow`;
  // those that lead out of `scope` lead nowhere.
  struct Spot {
    Ino parent = 0;  // 0: the start itself
    std::string name;
    Ino ino = 0;
  };
  Code resolve(const std::string& path, bool follow, Spot& out, Ino start = kRoot,
               const std::string& scope = "/") const;
  std::string path_of(Ino directory) const;
  codec::Totals totals(Ino directory) const;
  bool is_below(Ino directory, Ino above) const;  // or the same

 private:
  std::map<Ino, std::shared_ptr<const Node>> nodes_;
  Ino last_ = kRoot;
};

// What keeps a version readable.
struct Pin {
  codec::PinKind kind = codec::PinKind::snapshot;
  std::string name;  // of a snapshot
  uint64_t version = 0;
  std::string path;  // of the scope, when it was made
  Ino scope = 0;
  bool of_file = false;
  int64_t ttl_ns = 0;                            // 0: kept until removed
  std::shared_ptr<Learned<int64_t>> expires_ns;  // absolute
  std::shared_ptr<const Tree> tree;

  bool shows(const std::string& wanted) const;
  // Where the path `wanted` led then.
  Code resolve(const std::string& wanted, bool follow, Tree::Spot& out) const;
};

struct Upload {
  uint64_t first_blob = 0;
  uint32_t count = 0;
  bool open = true;
  std::map<uint64_t, Bytes> written;  // by blob
  std::map<uint64_t, bool> published;
};

// An object in somebody else's bucket.
struct Foreign {
  codec::External object;
  Bytes bytes;
};

struct World {
  Tree tree;
  std::vector<Pin> pins;
  std::map<uint64_t, Upload> uploads;
  std::vector<Foreign> foreign;  // what may be imported
  codec::RetentionPolicy policy;
  bool quotas = false;  // are drawn: with them totals are brought up to date more often
  // Ids of directories that left the tree: nothing may be written there ever again.
  std::vector<std::shared_ptr<Learned<codec::NodeId>>> gone;

  const Pin* snapshot(const std::string& name) const;
  // The kept version that --at v`version` means for `path`, if any.
  const Pin* pin_at(uint64_t version, const std::string& path) const;
};

// Where a symlink in `directory` with this target leads, as a path.
std::string absolute(const std::string& directory, const std::string& target);
bool covers(const std::string& scope, const std::string& path);
World new_world(const codec::RetentionPolicy& policy);

// What the answer told of the transaction.
struct Told {
  uint64_t version = 0;
  std::optional<int64_t> now_ns;
  const std::vector<codec::OperationResult>* results = nullptr;  // null: not told
};

// Does all operations or none; gives what the whole must be answered with. `done` says in one line
// what an answer told wrongly, and stays empty when all was right.
Code apply(World& world, const std::vector<codec::OperationBox>& operations, const Told& told,
           std::string& wrong);

}  // namespace nokv::shard::model
