// Immutable bytes under a name. Objects are never overwritten by us: names are not reused.
//
// Implementations: local directory, memory, S3 (object/s3). One conformance suite
// (object/testing/object_store_suite.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env/clock.h"
#include "base/result.h"

namespace nokv::object {

template <class T = void>
using Done = std::move_only_function<void(Result<T>)>;

// Names of a-z, 0-9 and '-', with one line of ASCII each.
using Metadata = std::map<std::string, std::string>;

struct ObjectInfo {
  std::string key;
  uint64_t size = 0;
  std::string etag;         // as the store gives it, without quotes; may be empty
  int64_t modified_ns = 0;  // Unix time
  Metadata metadata = {};   // head() of a store that keeps it
};

// What tells an object from another one that had its name before.
struct ObjectVersion {
  std::string etag;
  uint64_t size = 0;
};

struct Range {
  uint64_t offset = 0;
  uint64_t length = 0;  // 0 gives "" without looking, so says nothing of the object
};

// The most keys of one ListPage.
constexpr size_t kListMax = 1000;

struct PutOptions {
  // Fails with already_exists when the key is taken (If-None-Match: *).
  bool if_absent = false;
  // CRC-32C of the body; sent along where the store can check it.
  std::optional<uint32_t> crc32c;
  // Kept with the object by S3, and only there.
  std::string content_type = {};
  Metadata metadata = {};
};

struct ListPage {
  std::vector<ObjectInfo> objects;  // in key order
  bool more = false;                // ask again after the last key
};

struct RemoveFailure {
  std::string key;
  Error error;
};

// Puts one object in parts: for what is larger than one put takes. What was begun is finished or
// abandoned; a process that dies in between leaves it to the bucket's own rules. Threads, blocking
// and errors as in ObjectStore; a finish() that was tried twice may find the upload gone, which is
// not_found and `maybe_done`.
class PartedPuts {
 public:
  static constexpr uint64_t kPartBytesMin = 5 << 20;  // of each but the last
  static constexpr uint32_t kPartsMax = 10'000;

  virtual ~PartedPuts() = default;

  // Gives what names the upload. Of `options` only content type and metadata count.
  virtual void begin(std::string key, PutOptions options, Clock::Instant deadline,
                     Done<std::string> done) = 0;
  // Part `number`, from 1. Gives its tag.
  virtual void put_part(std::string key, std::string upload, uint32_t number,
                        std::shared_ptr<const std::string> body, Clock::Instant deadline,
                        Done<std::string> done) = 0;
  // The object is there, whole, when done. `tags` of all parts, in order.
  virtual void finish(std::string key, std::string upload, std::vector<std::string> tags,
                      Clock::Instant deadline, Done<> done) = 0;
  virtual void abandon(std::string key, std::string upload, Clock::Instant deadline,
                       Done<> done) = 0;
};

// Reads objects that somebody else may have changed. Threads, blocking and errors as in
// ObjectStore.
class VersionedReads {
 public:
  virtual ~VersionedReads() = default;

  // Exactly `range`, which is not empty, of the object, while it has this ETag and size. Errors:
  // also aborted (it has not).
  virtual void get_same(std::string key, ObjectVersion version, Range range,
                        Clock::Instant deadline, Done<std::string> done) = 0;
};

// Thread-safe; nothing here blocks: `done` is called once, from any thread, possibly before the
// call returns. Each call ends by itself within its deadline.
// Errors: not_found (object, or bucket: the message says which), already_exists,
// permission_denied, unavailable (down, slow, 5xx after retries), resource_exhausted (full),
// data_loss (a short or damaged body), cancelled (deadline). The message names the store, the
// bucket or directory, the key, and the store's own code.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Durable when done: for the local directory also its name.
  virtual void put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
                   Clock::Instant deadline, Done<> done) = 0;

  // The whole object, or exactly `range` of it (data_loss when the object is shorter).
  virtual void get(std::string key, std::optional<Range> range, Clock::Instant deadline,
                   Done<std::string> done) = 0;

  virtual void head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) = 0;

  // A key that is not there counts as removed. Any number of keys; gives those that failed.
  virtual void remove(std::vector<std::string> keys, Clock::Instant deadline,
                      Done<std::vector<RemoveFailure>> done) = 0;

  // Keys with `prefix` that sort after `after`, at most `limit` (up to 1,000).
  virtual void list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
                    Done<ListPage> done) = 0;

  // A URL with which anybody can GET or PUT exactly this key for `valid`; nullopt where there are
  // no URLs (local directory, memory). `method` is "GET" or "PUT".
  virtual Result<std::optional<std::string>> presign(std::string_view /*method*/,
                                                     const std::string& /*key*/,
                                                     Duration /*valid*/) {
    return std::nullopt;
  }

  // Null where one put takes any object.
  virtual PartedPuts* parted_puts() { return nullptr; }

  // Null where objects have no ETags (local directory).
  virtual VersionedReads* versioned_reads() { return nullptr; }

  // The directory whose files are the objects, for a client on the same machine; empty when there
  // is none.
  virtual std::string shared_directory() const { return {}; }

  // "local directory /var/lib/nokv/objects", "s3 bucket nokv at http://…": for people.
  virtual std::string description() const = 0;

  // Requests sent so far, for benchmarks and metrics.
  struct Counters {
    uint64_t puts = 0, gets = 0, heads = 0, removes = 0, lists = 0, retries = 0, failures = 0;
  };
  virtual Counters counters() const = 0;
};

}  // namespace nokv::object
