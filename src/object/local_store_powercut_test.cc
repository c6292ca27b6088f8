// A LocalStore on a disk that loses power at each step in turn.

#include <map>

#include <gtest/gtest.h>

#include "base/posix/posix_clock.h"
#include "base/sim/sim_files.h"
#include "base/sim/sim_random.h"
#include "object/local_store.h"
#include "object/waiter.h"

namespace nokv::object {
namespace {

// Runs tasks where they are posted.
class InlineExecutor final : public Executor {
 public:
  void post(Task task) override { task(); }
  TimerId after(Duration, Task) override { return 0; }
  void cancel(TimerId) override {}
};

class Run {
 public:
  explicit Run(uint64_t seed) : random(seed) {}

  Result<> open() {
    store.reset();
    auto opened = LocalStore::open(files, pool, clock, random, {.root = "/objects"});
    if (!opened) return std::unexpected(std::move(opened).error());
    store = *std::move(opened);
    return {};
  }
  Clock::Instant soon() { return clock.now() + std::chrono::seconds(60); }
  Result<> put(const std::string& key, bool if_absent) {
    Waiter<> waiter;
    store->put(key, std::make_shared<const std::string>(body(key)),
               {.if_absent = if_absent, .crc32c = {}}, soon(), waiter.done());
    return waiter.wait();
  }
  Result<std::string> get(const std::string& key) {
    Waiter<std::string> waiter;
    store->get(key, std::nullopt, soon(), waiter.done());
    return waiter.wait();
  }
  Result<ListPage> list() {
    Waiter<ListPage> waiter;
    store->list("", "", 100, soon(), waiter.done());
    return waiter.wait();
  }
  static std::string body(const std::string& key) { return std::string(20'000, key.back()); }

  PosixClock clock;
  SimRandom random;
  SimFiles files;
  InlineExecutor pool;
  std::unique_ptr<LocalStore> store;
};

// True when the work was done before the power went.
bool cut_at(uint64_t change, uint64_t seed) {
  Run run(seed);
  std::vector<std::string> acknowledged;
  const std::vector<std::string> keys = {"a", "d/b", "d/e/c", "d/e/f"};
  run.files.halt_after(change);
  if (run.open()) {
    for (const std::string& key : keys) {
      if (run.put(key, key == "d/b")) acknowledged.push_back(key);
    }
  }
  bool finished = !run.files.halted();
  run.store.reset();
  run.files.power_cut(run.random);
  EXPECT_TRUE(run.open());
  for (const std::string& key : acknowledged) {
    auto bytes = run.get(key);
    EXPECT_TRUE(bytes && *bytes == Run::body(key)) << key << " was acknowledged";
  }
  auto listed = run.list();
  EXPECT_TRUE(listed);
  if (!listed) return true;
  for (const ObjectInfo& object : listed->objects) {
    auto bytes = run.get(object.key);
    EXPECT_TRUE(bytes && *bytes == Run::body(object.key))
        << object.key << " is there, but not whole";
  }
  // Of the dead store nothing is left, and ours is a directory and its lock.
  EXPECT_EQ(run.files.list("/objects/.tmp").value().size(), 2U);
  return finished;
}

TEST(LocalStorePowerCut, AcknowledgedObjectsStayAndOthersAreWholeOrAbsent) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    bool finished = false;
    for (uint64_t change = 0; !finished; ++change) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", power lost after change " << change);
      finished = cut_at(change, seed);
      ASSERT_LT(change, 500U);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace nokv::object
