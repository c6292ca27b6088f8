// Buckets of others, whose objects are bodies here: read, looked at and listed, and nothing else.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "codec/rpc.h"
#include "object/object_store.h"

namespace nokv::shard {

struct ExternalOptions {
  // Opens the bucket "s3://BUCKET". Null: none can be reached.
  std::function<Result<std::shared_ptr<object::ObjectStore>>(const std::string& store)> open;
  // What may be read: "s3://BUCKET" or "s3://BUCKET/PREFIX", where PREFIX ends with a component of
  // a key. With `any` everything may that the credentials reach.
  bool any = false;
  std::vector<std::string> allowed;
  // Where the namespace's own objects lie, when that is in a bucket: garbage collection deletes
  // them, so they are nobody's to import.
  std::string own_store;
  std::string own_prefix;  // empty, or with a slash at its end
};

struct ExternalCounters {
  std::atomic<uint64_t> reads{0};
  std::atomic<uint64_t> failures{0};  // of them, changed objects included
};

// Thread-safe; opening a bucket may read files, nothing else blocks. `done` is called once, from
// any thread, and before the destructor returns.
// Errors of all calls: permission_denied (not what may be read, or not to these credentials),
// failed_precondition (an object of the namespace itself), overloaded (kOpenMax buckets are in
// use), those of opening and of the store; messages name bucket and key.
class ExternalStores {
 public:
  static constexpr size_t kOpenMax = 32;  // those used longest ago are closed

  explicit ExternalStores(ExternalOptions options);
  ~ExternalStores();
  ExternalStores(const ExternalStores&) = delete;
  ExternalStores& operator=(const ExternalStores&) = delete;

  // Whether the object may be a body here; it is not looked at. Errors: invalid_argument,
  // permission_denied.
  Result<> check(const codec::External& object) const;

  // `length` bytes from the object's offset on. Errors: also not_found, and aborted when it is
  // another object by now.
  void read(const codec::External& object, uint64_t length, Clock::Instant deadline,
            object::Done<std::string> done);
  // Whether it is there, the same.
  void look(const codec::External& object, Clock::Instant deadline, object::Done<> done);
  // Leaves out what is the namespace's own. Errors: also invalid_argument, failed_precondition (the
  // prefix is that of a namespace's bodies).
  void list(const codec::ListObjectsRequest& request, Clock::Instant deadline,
            object::Done<codec::ListObjectsReply> done);

  const ExternalCounters& counters() const { return *counters_; }

 private:
  struct Opened;
  struct State;
  class Use;
  struct Listing;
  Result<> allowed(std::string_view store, std::string_view key) const;
  bool is_own(std::string_view store, std::string_view key) const;
  std::string beyond_own(const std::string& key) const;
  Result<Use> use(const std::string& store);
  void list_page(std::unique_ptr<Listing> it);

  const ExternalOptions options_;
  std::shared_ptr<Guarded<State>> state_;  // also with calls under way
  std::shared_ptr<ExternalCounters> counters_ = std::make_shared<ExternalCounters>();
};

}  // namespace nokv::shard
