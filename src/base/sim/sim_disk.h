// What a simulated disk holds, and what of it survives a power cut.
//
// Reads see the content as written. Beside it stands what is on the device for sure: a file's bytes
// since its last sync, a directory's names since its last sync_dir. What came later is a list of
// changes, of which a power cut keeps some and drops others, each by itself: the order in which
// they were made promises nothing.
// Source: SQLite's crash tests (src/test6.c), for the writes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/env/random.h"
#include "base/result.h"

namespace nokv::sim {

// The unit a device writes whole or not at all.
constexpr size_t kSectorBytes = 4096;

// A file or a directory.
struct Node {
  explicit Node(bool directory) : is_directory(directory) {}

  struct Change {
    uint64_t offset = 0;
    std::string bytes;
    bool is_truncate = false;  // to `offset`
  };

  bool is_directory;
  bool has_name = true;  // false when it was removed and lives on in an open file

  // Of a file.
  std::string bytes;
  std::string durable_bytes;
  std::vector<Change> unsynced;

  // Of a directory.
  std::map<std::string, std::shared_ptr<Node>> names;
  std::map<std::string, std::shared_ptr<Node>> durable_names;
};

using NodePtr = std::shared_ptr<Node>;

// The tree. Paths are absolute or below "/"; "." and empty parts are skipped, ".." is refused.
// Home: the simulation's thread.
class Disk {
 public:
  Disk() : root_(std::make_shared<Node>(true)) {}

  // Errors: not_found, not_directory, invalid_argument.
  Result<NodePtr> find(std::string_view path) const;

  // The directory that a name is in, and the name.
  struct Place {
    NodePtr dir;
    std::string name;
  };
  // Errors as find(), of the directory.
  Result<Place> place(std::string_view path) const;

  // Changes of names. The caller has seen to it that they make sense.
  void link(const Place& at, const NodePtr& node);
  void unlink(const Place& at);
  void rename(const Place& from, const Place& to);

  // Changes of bytes. `bytes_used` follows.
  void write(Node& file, uint64_t offset, std::string_view bytes);
  void truncate(Node& file, uint64_t size);

  // What was done so far is on the device.
  static void sync(Node& file);
  void sync_dir(const NodePtr& dir);
  void sync_all();

  // The device refused what was not synced: reads see it until the power is cut, but no later sync
  // brings it there.
  static void forget_unsynced(Node& file) { file.unsynced.clear(); }

  // Only what is on the device is left, and of the unsynced changes some. With `tear`, a write of
  // several sectors may leave some of them.
  void power_cut(Random& random, bool tear);

  uint64_t bytes_used() const { return bytes_used_; }

 private:
  // A name that was made (from_dir null), removed (to_dir null) or moved, not yet synced.
  struct NameChange {
    NodePtr from_dir;
    std::string from;
    NodePtr to_dir;
    std::string to;
    NodePtr node;
  };

  void add_change(NameChange change);
  void make_durable(const NameChange& change);
  void keep_some_names(Random& random);
  void name_is_gone(Node& node);

  NodePtr root_;
  std::vector<NameChange> unsynced_names_;
  uint64_t bytes_used_ = 0;
};

}  // namespace nokv::sim
