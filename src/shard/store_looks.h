// Looks at many objects of a store, some at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env/env.h"
#include "base/guarded.h"
#include "codec/record.h"
#include "object/object_store.h"
#include "shard/external_stores.h"

namespace nokv::shard {

// An executor that may be gone by the time somebody has something for it: answers of a store come
// when they come. Thread-safe.
class Desk {
 public:
  explicit Desk(Executor& executor) : executor_(&executor) {}

  // Runs `task` on the executor, or destroys it when that is gone.
  void post(Executor::Task task);
  // Before the executor is destroyed.
  void close();

 private:
  Guarded<Executor*> executor_;
};

// One block of a blob, as its record says it should be.
struct Look {
  std::string object;
  uint64_t blob = 0;
  uint32_t block = 0;
  uint64_t bytes = 0;
  uint32_t crc = 0;
  std::optional<codec::External> external;  // where its bytes lie instead; then without a checksum
  std::string path;                         // of a file that mentions it, where known
  uint64_t generation = 0;                  // of that file's body
  size_t place = 0;                         // for who asks
};

// What the store holds under the name; the checksum only when it was read. External bytes are held
// as they should be, or not at all.
struct Held {
  uint64_t bytes = 0;
  uint32_t crc = 0;
  std::string data;  // when it is to be kept
};

struct LookOptions {
  bool read = false;  // all of the bytes
  bool keep = false;  // and gives them
  size_t at_once = 8;
  Clock::Instant deadline{};
  Duration timeout = std::chrono::seconds(30);
};

// Where the objects are.
struct LookStores {
  object::ObjectStore& own;
  ExternalStores& externals;
};

// Calls `seen` for each on the desk's executor, in any order, then `done`. The stores and the clock
// outlive the desk's executor.
void look_at(const std::shared_ptr<Desk>& desk, LookStores stores, const Clock& clock,
             std::vector<Look> looks, const LookOptions& options,
             std::function<void(const Look&, const Result<Held>&)> seen,
             std::move_only_function<void()> done);

}  // namespace nokv::shard
