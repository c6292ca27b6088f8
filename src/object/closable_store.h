// A store whose calls all come to an end when it is closed, whatever the store behind it does.
//
// Completions of a store come from its own threads, up to a deadline later; who made the call may
// be gone by then. An owner of such callers closes the store before it lets go of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "object/object_store.h"

namespace nokv::object {

// Thread-safe.
class ClosableStore final : public ObjectStore, public VersionedReads {
 public:
  // `store` outlives this object, but may complete calls after it.
  explicit ClosableStore(ObjectStore& store);
  ~ClosableStore() override;

  // Calls under way complete with `cancelled`, here and now, and so do all later ones; what the
  // store tells of them later is dropped. Returns when no completion is running any more. Not to
  // be called from a completion.
  void close();

  void put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
           Clock::Instant deadline, Done<> done) override;
  void get(std::string key, std::optional<Range> range, Clock::Instant deadline,
           Done<std::string> done) override;
  void head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) override;
  void remove(std::vector<std::string> keys, Clock::Instant deadline,
              Done<std::vector<RemoveFailure>> done) override;
  void list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
            Done<ListPage> done) override;
  Result<std::optional<std::string>> presign(std::string_view method, const std::string& key,
                                             Duration valid) override;
  // Of the store behind it, when that has them.
  VersionedReads* versioned_reads() override;
  std::string shared_directory() const override;
  std::string description() const override;
  Counters counters() const override;

  void get_same(std::string key, ObjectVersion version, Range range, Clock::Instant deadline,
                Done<std::string> done) override;

 private:
  struct State;
  template <class T>
  Done<T> watched(Done<T> done);

  ObjectStore& store_;
  std::shared_ptr<State> state_;
};

}  // namespace nokv::object
