// Objects in memory, with faults to order: for tests and the simulator.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/env/clock.h"
#include "base/env/executor.h"
#include "base/guarded.h"
#include "object/object_store.h"

namespace nokv::object {

enum class Operation : uint8_t {
  put,
  get,
  head,
  remove,
  list,
};

// Every call takes effect at once and completes through `executor`, so in a simulation the order
// is that of its events. Holds everything in memory without a limit of its own. Thread-safe.
class MemoryStore final : public ObjectStore, public VersionedReads {
 public:
  // Both outlive the store; calls that have not completed when it dies still complete.
  MemoryStore(Executor& executor, const Clock& clock);

  void put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
           Clock::Instant deadline, Done<> done) override;
  void get(std::string key, std::optional<Range> range, Clock::Instant deadline,
           Done<std::string> done) override;
  void head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) override;
  void remove(std::vector<std::string> keys, Clock::Instant deadline,
              Done<std::vector<RemoveFailure>> done) override;
  void list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
            Done<ListPage> done) override;
  VersionedReads* versioned_reads() override { return this; }
  std::string description() const override { return "memory"; }
  Counters counters() const override;

  void get_same(std::string key, ObjectVersion version, Range range, Clock::Instant deadline,
                Done<std::string> done) override;

  // --- faults

  // The next `times` calls (of `only`, when given) fail with `error` and do nothing.
  void fail_next(int times, Error error, std::optional<Operation> only = std::nullopt);
  // The next `times` calls (of `only`, when given) take effect, but are told `error`.
  void fail_after_next(int times, Error error, std::optional<Operation> only = std::nullopt);
  // From now on every call completes after `delay`, or at its deadline with `cancelled`.
  void set_delay(Duration delay);
  // The next put keeps only `kept` bytes and is answered as done.
  void truncate_next_put(size_t kept);
  // Damages what is stored; false when it is not there or too short.
  bool truncate_object(const std::string& key, size_t kept);
  bool flip_bit(const std::string& key, size_t offset);
  bool lose(const std::string& key);

  // --- for the test to look at

  size_t object_count() const;
  bool has(const std::string& key) const;

 private:
  struct Object {
    std::shared_ptr<const std::string> body;
    int64_t modified_ns = 0;
  };
  struct Fault {
    int times = 0;
    std::optional<Error> error;
    std::optional<Operation> only;
    bool after = false;
  };
  struct State {
    std::map<std::string, Object> objects;
    Fault fault;
    Duration delay{0};
    std::optional<size_t> truncate_next;
    Counters counters;
  };

  template <class T>
  void run(Operation operation, const std::string& key, Clock::Instant deadline, Done<T> done,
           auto&& act);
  static std::optional<Fault> take_fault(State& state, Operation operation);
  template <class T>
  void complete(Duration delay, Clock::Instant deadline, Done<T> done, Result<T> result);

  Executor& executor_;
  const Clock& clock_;
  mutable Guarded<State> state_;
};

}  // namespace nokv::object
