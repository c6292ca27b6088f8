// Objects as files below a directory: the key is the path.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/env/clock.h"
#include "base/env/executor.h"
#include "base/env/files.h"
#include "base/env/random.h"
#include "object/object_store.h"

namespace nokv::object {

struct LocalOptions {
  std::string root;         // made when missing
  int parallel_max = 16;    // calls that use the disk at once; the pool may allow fewer
  size_t queue_max = 4096;  // calls that wait beyond that; more fail with `overloaded`
};

// A body is written to a file in ROOT/.tmp, synced, renamed to its name, and the directory synced;
// puts into one directory at the same time share that sync. Any number of LocalStores, in any
// number of processes, may use one root. Keys may not begin with ".tmp", and a key cannot lie below
// another one ("a" and "a/b": invalid_argument). Thread-safe; disk work runs on the pool passed in,
// and `done` is called there. A deadline is looked at before each step on the disk, but a disk that
// hangs is waited for.
class LocalStore final : public ObjectStore {
 public:
  // Removes what dead processes left in ROOT/.tmp. Blocks. Everything outlives the store; calls
  // that have not begun when the store dies complete with `cancelled`.
  // Errors: those of Files.
  static Result<std::unique_ptr<LocalStore>> open(Files& files, Executor& pool, const Clock& clock,
                                                  Random& random, LocalOptions options);
  ~LocalStore() override;

  void put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
           Clock::Instant deadline, Done<> done) override;
  void get(std::string key, std::optional<Range> range, Clock::Instant deadline,
           Done<std::string> done) override;
  void head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) override;
  void remove(std::vector<std::string> keys, Clock::Instant deadline,
              Done<std::vector<RemoveFailure>> done) override;
  void list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
            Done<ListPage> done) override;
  std::string shared_directory() const override;
  std::string description() const override;
  Counters counters() const override;

 private:
  class Core;
  explicit LocalStore(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;
};

}  // namespace nokv::object
