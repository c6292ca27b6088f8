// The object store as one simulated process sees it: slow, failing, lying, and gone with it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/env/clock.h"
#include "base/sim/sim_random.h"
#include "object/memory_store.h"

namespace nokv::client {

// One request in so many; 0: never.
struct StoreFaults {
  uint64_t fail_one_in = 0;         // 503, nothing was done
  uint64_t lose_answer_one_in = 0;  // done, and the answer is lost
  uint64_t truncate_one_in = 0;     // a put keeps a part and says 200
  uint64_t swap_one_in = 0;         // a get brings another object's bytes
};

// What every process sees of one store. Home: the simulation's thread.
struct StoreWorld {
  StoreWorld(Executor& executor, const Clock& clock, SimRandom& the_random)
      : store(executor, clock), random(the_random) {}

  object::MemoryStore store;
  SimRandom& random;
  StoreFaults faults;
  std::set<std::string> truncated;  // keys whose last put was cut short
  uint64_t injected = 0;            // faults so far
};

// What calls back after it was destroyed calls nobody: the process is gone.
class FaultyStore final : public object::ObjectStore {
 public:
  // `world` outlives it.
  explicit FaultyStore(StoreWorld& world) : world_(world) {}

  void put(std::string key, std::shared_ptr<const std::string> body, object::PutOptions options,
           Clock::Instant deadline, object::Done<> done) override;
  void get(std::string key, std::optional<object::Range> range, Clock::Instant deadline,
           object::Done<std::string> done) override;
  void head(std::string key, Clock::Instant deadline,
            object::Done<object::ObjectInfo> done) override;
  void remove(std::vector<std::string> keys, Clock::Instant deadline,
              object::Done<std::vector<object::RemoveFailure>> done) override;
  void list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
            object::Done<object::ListPage> done) override;
  std::string description() const override { return "simulated"; }
  Counters counters() const override { return world_.store.counters(); }

 private:
  template <class T>
  object::Done<T> while_alive(object::Done<T> done);
  bool draw(object::Operation operation);

  StoreWorld& world_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nokv::client
