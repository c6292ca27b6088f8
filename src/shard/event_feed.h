// What the sequencer tells those who watch: each group, once it can be read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/env/executor.h"
#include "base/guarded.h"
#include "codec/redo.h"

namespace nokv::shard {

// How watches fare, for figures.
struct WatchCounters {
  std::atomic<uint64_t> watchers{0};  // polls that wait now
  std::atomic<uint64_t> polls{0};
  std::atomic<uint64_t> events_sent{0};
  std::atomic<uint64_t> log_reads{0};  // pages that were read from the log: somebody is behind
  std::atomic<uint64_t> lag{0};        // versions that the last such page was behind
  std::atomic<uint64_t> too_old{0};
};

// Thread-safe; nothing blocks. Bounded: what is not taken in time is dropped, and whoever misses it
// finds it in the log.
class EventFeed {
 public:
  static constexpr size_t kBytesMax = 8 << 20;  // as the groups lie in the log

  // Whether anybody listens: asked by the sequencer before each push, after the group can be read.
  bool wanted() const { return wanted_.load(); }
  void want(bool on) { wanted_.store(on); }

  WatchCounters& counters() { return counters_; }
  const WatchCounters& counters() const { return counters_; }

  // The next group, whose bytes in the log are `bytes`.
  void push(codec::RedoGroup group, size_t bytes);

  // Runs `wake` on `home` when there is something to take. One listener at a time.
  void listen(Executor& home, std::function<void()> wake);
  // After it returns `home` gets no further task.
  void close();

  // All that was pushed since, in order; maybe not without gaps.
  std::vector<codec::RedoGroup> take();

 private:
  struct Queue {
    std::vector<codec::RedoGroup> groups;
    size_t bytes = 0;
    Executor* home = nullptr;
    std::function<void()> wake;
    bool woken = false;
  };

  std::atomic<bool> wanted_ = false;
  WatchCounters counters_;
  Guarded<Queue> queue_;
};

}  // namespace nokv::shard
