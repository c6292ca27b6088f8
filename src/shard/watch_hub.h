// Answers watches: the present from what the sequencer tells, the past from the log.
//
// A watch is a row of polls, each with the cursor of the page before; between them nothing is kept
// here. docs/formats/rpc.md
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/env/env.h"
#include "base/guarded.h"
#include "codec/rpc.h"
#include "log/log_store.h"
#include "shard/event_batch.h"
#include "shard/event_feed.h"
#include "shard/event_log.h"
#include "shard/shard.h"

namespace nokv::shard {

struct WatchOptions {
  size_t watchers_max = 65'536;   // polls that wait at once; what goes beyond is overloaded
  size_t recent_bytes = 8 << 20;  // of events kept in memory for those who ask on at once
  Duration wait_max = std::chrono::minutes(1);
  Duration idle = std::chrono::minutes(1);  // without a poll, then the sequencer is not listened to
};

// Thread-safe; nothing blocks but the destructor.
//
// Invariant: while a poll waits, each version from the one it waits for on passes by it, in order,
// without a gap; what the feed dropped is read from the log.
class WatchHub {
 public:
  using Done = std::move_only_function<void(Result<codec::WatchReply>)>;

  // All outlive the hub.
  WatchHub(const Env& env, Shard& shard, log::LogStore& log, WatchOptions options = {});
  // Polls that wait are dropped without an answer.
  ~WatchHub();

  // Calls `done` once, from any thread, before `deadline` if it can. Errors: invalid_argument (the
  // path, a cursor ahead of the log, what `since` is), not_found (a snapshot), overloaded,
  // unavailable and data_loss (of the log).
  void poll(codec::WatchRequest request, Clock::Instant deadline, Done done);

  // Answers all polls that wait, and later ones at once, so that who watches goes elsewhere.
  void end();

  const WatchCounters& counters() const { return counters_; }
  // Of events kept in memory.
  size_t recent_bytes() const { return recent_bytes_; }

 private:
  // Moves along with its poll from thread to thread.
  struct Poll {
    EventPage page;
    Clock::Instant until;  // answered then, with or without events
    Done done;
  };
  using PollPtr = std::unique_ptr<Poll>;

  // Home of everything below: the hub's executor, where not said otherwise.
  void begin(codec::WatchRequest request, Clock::Instant deadline, Done done);
  void look_up(std::string since, Done done);
  Result<uint64_t> version_of(const std::string& since, uint64_t newest);  // home: the log's
  void serve(PollPtr poll);
  void read_log(PollPtr poll);
  void park(PollPtr poll);
  PollPtr unpark(uint64_t id);
  void answer(PollPtr poll, bool more);
  void refuse(PollPtr poll, Error error);
  codec::WatchReply reply_at(uint64_t version, uint32_t index) const;
  void reply_too_old(Done done, std::string why);

  void drain();
  Result<> close_gap(uint64_t upto);
  void pass(EventBatch batch);
  std::set<uint64_t> candidates(const EventBatch& batch) const;
  void add_candidates(std::string_view path, bool below, std::set<uint64_t>& out) const;
  void keep(EventBatch batch);
  void follow_from(uint64_t version);
  void unfollow();
  void arm();
  void on_timer();
  void on_log(Executor::Task task);

  Env env_;
  Shard& shard_;
  log::LogStore& log_;
  const WatchOptions options_;
  WatchCounters& counters_;  // the feed's, so that figures find them

  uint64_t next_ = 0;              // the version that passes next; 0: nobody listens
  std::deque<EventBatch> recent_;  // up to next_, without a gap
  std::atomic<size_t> recent_bytes_ = 0;
  bool ending_ = false;
  uint64_t last_id_ = 0;
  std::map<uint64_t, PollPtr> parked_;
  std::map<std::string, std::set<uint64_t>, std::less<>> by_path_;
  std::set<std::pair<Clock::Instant, uint64_t>> by_time_;
  Clock::Instant last_poll_{};
  TimerId timer_ = 0;
  Clock::Instant timer_due_ = Clock::Instant::max();

  EventLog past_;  // home: the log executor
  Guarded<Executor*> log_home_;
  // Last, so that they stop first; the one that the other posts to goes last.
  std::unique_ptr<Executor> home_;
  std::unique_ptr<Executor> log_executor_;
};

}  // namespace nokv::shard
