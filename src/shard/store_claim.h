// Whose the object store's prefix is: one object there names the namespace whose bodies lie in it.
//
// Two namespaces below one prefix would overwrite each other's blobs, whose names are numbers. The
// object is put only where there is none, and read back, so that also of two that come at the same
// time only one stays.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/env/clock.h"
#include "object/object_store.h"

namespace nokv::shard {

// The object that says it. docs/formats/store-mark.md
constexpr std::string_view kStoreMark = "nokv-namespace";

// Thread-safe; nothing blocks.
class StoreClaim {
 public:
  // `store` outlives the claim. `id` is the namespace's; empty claims nothing, and asks nothing.
  StoreClaim(object::ObjectStore& store, std::string_view id);

  // Whether the prefix is this namespace's, as found before.
  bool ours() const { return ours_; }

  // Looks whose it is; with `take` a prefix that is nobody's becomes ours. Errors:
  // failed_precondition when it is another namespace's, else those of the store.
  void look(bool take, Clock::Instant deadline, object::Done<> done);

 private:
  struct Look;
  void read(std::unique_ptr<Look> look);
  void put(std::unique_ptr<Look> look);
  Result<> judge(const std::string& found);

  object::ObjectStore& store_;
  const std::string text_;
  std::atomic<bool> ours_;
};

}  // namespace nokv::shard
