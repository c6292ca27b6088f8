// The files of a LocalStore: paths, directories that are known to be durable, temporary files,
// listing in key order.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/env/files.h"
#include "base/env/random.h"
#include "base/guarded.h"
#include "object/object_store.h"

namespace nokv::object {

// Thread-safe; every call blocks but for path_of(). Errors: those of Files.
class LocalTree {
 public:
  LocalTree(Files& files, Random& random, std::string root);

  // Makes the root and a directory for temporary files of this store, and removes those of stores
  // that are gone.
  Result<> open();

  const std::string& root() const { return root_; }
  std::string path_of(std::string_view key) const { return str(root_, "/", key); }

  // Makes the directory of `key` durable, once; gives its path.
  Result<std::string> make_parent(const std::string& key);
  // Somebody removed a directory behind our back.
  void forget_directories();

  // Writes `body` to a new temporary file and syncs it; gives its path.
  Result<std::string> write_temporary(std::string_view body);

  // Appends objects with `prefix` that sort after `after` to `page`, up to `limit`.
  Result<> list(const std::string& prefix, const std::string& after, size_t limit, ListPage& page);

  // Calls `synced` once names made in `dir` before this call are durable; from this thread, or from
  // another one that is syncing that directory now.
  void sync_dir(const std::string& dir, std::move_only_function<void(Result<>)> synced);

 private:
  using Synced = std::move_only_function<void(Result<>)>;
  struct Query;

  Result<> sync_upwards();
  Result<> remove_leftovers();
  Result<> make_temporary_directory();
  Result<> walk(const std::string& inside, const Query& query, ListPage& page);
  Result<> visit(const std::string& key, const FileInfo& info, const Query& query, ListPage& page);

  Files& files_;
  Random& random_;
  const std::string root_;
  std::string temporary_;  // set by open(), then unchanged
  std::unique_ptr<FileLock> lock_;
  std::atomic<uint64_t> next_temporary_ = 0;
  Guarded<std::unordered_set<std::string>> known_;
  // Directories being synced, each with those that wait for its next sync.
  Guarded<std::unordered_map<std::string, std::vector<Synced>>> syncing_;
};

}  // namespace nokv::object
