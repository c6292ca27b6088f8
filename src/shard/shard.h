// One shard's life: its sequencer, the groups on their way to the log, recovery.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env/env.h"
#include "base/guarded.h"
#include "base/log_event.h"
#include "codec/rpc.h"
#include "engine/engine.h"
#include "log/log_store.h"
#include "meta/apply.h"
#include "meta/pending.h"
#include "meta/plan/plan.h"
#include "meta/state.h"
#include "shard/event_feed.h"
#include "shard/log_clock.h"
#include "shard/sessions.h"

namespace nokv::shard {

struct ShardOptions {
  size_t cache_bytes = 256 << 20;  // of hot records, beside the engine's own cache
  size_t queue_max = 16'384;       // requests that wait for the sequencer
  size_t queue_bytes_max = 256 << 20;
  size_t group_records_max = 1024;
  size_t group_bytes_max = 256 << 10;
  size_t chain_max = meta::kChainMax;  // generations of clones that are read one by one
  // Called once, on the sequencer, when the shard has stopped by itself: nothing is changed any
  // more until it is opened anew. Does not block.
  std::function<void(const Error&)> failed;
};

// Figures for /metrics and /stats; each is read on its own.
struct ShardCounters {
  std::atomic<uint64_t> groups{0};
  std::atomic<uint64_t> records{0};
  std::atomic<uint64_t> log_bytes{0};
  std::atomic<uint64_t> body_bytes{0};  // of bodies that were published
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> over_quota{0};  // of those refused
  std::atomic<uint64_t> repeated{0};
  std::atomic<uint64_t> overloaded{0};
  std::atomic<uint64_t> clamped_times{0};
};

// Thread-safe where not said otherwise. Nothing blocks but open() and the destructor.
//
// Invariants: a record is in the log before anybody can read it; records become durable in groups,
// and readers see the ends of groups; versions have no gaps; the planner sees every decision made
// before, applied or not.
class Shard {
 public:
  // Recovers: opens the log, finds the engine's place on its chain, replays what follows, serves.
  // `engine`, `log` and `env` outlive the shard. Blocks.
  // Errors: data_loss when the engine's place is not on the log's chain or the log does not reach
  // back to it; failed_precondition when the log ends before it; the message says what is missing.
  static Result<std::unique_ptr<Shard>> open(const Env& env, engine::Engine& engine,
                                             log::LogStore& log, EventSink& events,
                                             const ShardOptions& options);
  ~Shard();

  // The newest readable state.
  std::shared_ptr<const meta::State> state() const;

  // Plans, makes durable, applies, answers: `done` is called from the sequencer (or at once when
  // the queue is full: overloaded).
  void commit(codec::CommitRequest request, std::string principal, CommitDone done);

  // Creates the namespace if there is none; `created` in the answer says which.
  void init(const codec::RetentionPolicy& policy, std::move_only_function<void(Result<bool>)> done);

  // A step of background work: `plan` runs on the sequencer, fills the record, and may find that
  // nothing is to be done (an empty record, which is not logged). `begins_group` for pins.
  using Step = std::move_only_function<Result<>(meta::Transaction&)>;
  void upkeep(Step step, bool begins_group, std::move_only_function<void(Result<>)> done);

  // As upkeep(), planned once everything that was decided before it is applied.
  void repair(Step step, std::move_only_function<void(Result<>)> done);

  // Ends sessions without traffic for `idle`, some at a time; `done` says how many.
  void expire_sessions(Duration idle, std::move_only_function<void(Result<size_t>)> done);

  // Calls back once `version` is readable (0: all that was decided before this call), with the
  // newest that is. Errors: unavailable, at once, when nothing that was decided comes to it, and
  // when what would have is void; that of failure().
  void wait_for(uint64_t version, std::move_only_function<void(Result<uint64_t>)> done);

  // The time by the log clock: what expiry and grace go by. It passes without commits too, and does
  // not follow a wall clock that jumps.
  int64_t now_ns() { return tell_time(false); }

  // Takes no further commits (unavailable), and calls back when all that was admitted is answered.
  void stop(std::move_only_function<void()> done);

  size_t chain_max() const { return options_.chain_max; }

  // Why the shard stopped by itself (the engine failed), if it did.
  std::optional<Error> failure() const;

  // Gets each group once it can be read, before its requests are answered.
  EventFeed& feed() { return feed_; }
  const EventFeed& feed() const { return feed_; }

  const ShardCounters& counters() const { return counters_; }
  size_t queue_length() const { return queue_length_.load(); }

 private:
  struct Work {
    codec::CommitRequest request;
    std::string principal;
    CommitDone done;
    Step step;  // instead of a request
    bool begins_group = false;
    bool reads_applied = false;
    std::move_only_function<void(Result<>)> step_done;
    size_t bytes = 0;
  };
  struct Answer {
    Result<codec::CommitReply> result;
    CommitDone done;
    std::vector<CommitDone> waiters;
    std::move_only_function<void(Result<>)> step_done;
  };
  struct OpenGroup {
    codec::RedoGroup redo;
    size_t bytes = 0;
    std::vector<Answer> answers;
    bool early = false;  // somebody was answered already and may send the next request
    log::Group encoded;
    log::ChainDigest digest{};
  };
  struct Inbox {
    std::deque<Work> work;
    size_t bytes = 0;
    bool scheduled = false;
    bool stopping = false;
  };
  struct Waiter {
    uint64_t version;
    std::move_only_function<void(Result<uint64_t>)> done;
  };

  Shard(const Env& env, engine::Engine& engine, log::LogStore& log, EventSink& events,
        const ShardOptions& options);

  Result<> recover();
  Result<> replay(uint64_t held);
  void submit(Work work);
  // Everything below runs on the sequencer.
  void drain();
  void take_inbox();
  bool handle(Work& work);  // false: it has to wait until what is in flight is applied
  void handle_commit(Work& work);
  void handle_step(Work& work);
  void plan_commit(Work& work, bool opens);
  Result<codec::CommitReply> plan_with_ids(const codec::CommitRequest& request, uint64_t version,
                                           codec::RedoRecord& record, uint64_t& first_id);
  void append_record(codec::RedoRecord record, Answer answer);
  void answer_later(Answer answer);
  void flush();
  void appended(Result<log::Appended> result);
  void finish_group();
  void publish();
  void give(Answer answer);
  void refuse_pending(const Error& error);
  void void_pending(const Error& error);
  void refuse_waiting(const Error& error);
  void stop_for_ever(Error error);
  meta::PlanContext context(meta::IdSource& ids);
  uint64_t next_version() const;
  bool nothing_pending() const { return !in_flight_ && current_.redo.records.empty(); }
  void check_stopped();
  int64_t tell_time(bool of_a_record);

  Env env_;
  log::LogStore& log_;
  EventSink& events_;
  ShardOptions options_;
  ShardCounters counters_;
  EventFeed feed_;

  Guarded<Inbox> inbox_;
  std::atomic<size_t> queue_length_{0};
  mutable Guarded<std::shared_ptr<const meta::State>> state_;
  mutable Guarded<std::optional<Error>> failure_;
  Guarded<LogClock> clock_;
  std::atomic<bool> clamped_ = false;  // the clock's last reading was held back

  // Home: the sequencer.
  meta::RecordCache cache_;
  meta::Applier applier_;
  meta::Pending pending_;
  SessionTable sessions_;
  log::Epoch epoch_;
  log::Position tail_;
  meta::IdSource ids_;
  codec::RetentionPolicy policy_;
  std::unique_ptr<meta::View> view_;
  std::unique_ptr<meta::View> applied_view_;
  std::deque<Work> waiting_;  // taken from the inbox, in order
  OpenGroup current_;
  std::optional<OpenGroup> in_flight_;
  std::vector<Waiter> waiters_;
  std::move_only_function<void()> stopped_;
  bool failed_ = false;
  bool draining_ = false;

  // Last, so that they stop first.
  std::unique_ptr<Executor> log_thread_;
  std::unique_ptr<Executor> sequencer_;
};

}  // namespace nokv::shard
