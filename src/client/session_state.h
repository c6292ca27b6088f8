// What a session remembers; only session*.cc includes this.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/session.h"

namespace nokv::client {

// Home: its mutex. Completions are called, and the transport too, without it. One thread at a time
// sends, so frames leave in the order in which their numbers were given; after a connection was
// lost too: what rests on an earlier request never comes before it.
class Session::State : public std::enable_shared_from_this<Session::State> {
 public:
  State(CallerParts parts, SessionOptions options);

  void commit(SessionRequest request, Clock::Instant deadline, Done<codec::CommitReply> done);
  void sync(Clock::Instant deadline, Done<uint64_t> done);
  void close(Clock::Instant deadline, Done<> done);
  void stop();
  uint64_t early_version();
  Caller::Counters counters();

 private:
  struct Request {
    codec::SessionId session{};
    uint64_t sequence = 0;
    std::string tail;  // the encoded fields that are the same in every attempt
    codec::Durability durability = codec::Durability::durable;
    bool close = false;
    bool resend = false;    // an early request, answered before
    uint64_t first_id = 0;  // with this
    Clock::Instant deadline;
    Done<codec::CommitReply> done;
    uint32_t attempts = 0;
    uint64_t attach = 0;       // of the last attempt
    bool may_be_done = false;  // an attempt got lost
    bool moved = false;        // from a session that expired to the next one
    bool kept = false;         // its bytes are in early_
    bool in_limbo = false;     // sent on a connection that was lost, and not told so yet
  };
  using RequestPtr = std::shared_ptr<Request>;

  // Answered early, and not known to be durable.
  struct Early {
    std::string tail;
    uint64_t version = 0;
    uint64_t connection = 0;  // the version was told on this one
    uint64_t first_id = 0;    // of the ids of what it made
  };

  struct Waiter {
    uint64_t id = 0;
    bool all = false;       // for everything; else for early requests
    uint64_t sequence = 0;  // up to this one
    TimerId timer = 0;
    Done<uint64_t> done;
  };

  // Collects what to call once the mutex is free.
  using Completions = std::vector<std::move_only_function<void()>>;

  void pump();
  RequestPtr take_next(Completions& completions);
  RequestPtr take_queued(Completions& completions);
  std::string frame(Request& request);
  void send(const RequestPtr& request, std::string body, uint64_t connection);
  void answered(const RequestPtr& request, uint64_t connection, Result<std::string> body);
  void succeeded(const RequestPtr& request, codec::CommitReply reply, uint64_t connection,
                 bool same_connection, Completions& completions);
  void failed(const RequestPtr& request, Error error, bool same_connection,
              Completions& completions);
  void again_after(Duration pause, const RequestPtr& request);
  RequestPtr take_resend();
  RequestPtr take_retry(Completions& completions);
  void leave_limbo(Request& request);
  void expired(const RequestPtr& request, Error error, Completions& completions);
  void resend_failed(const RequestPtr& request, Error error);
  void finish(const RequestPtr& request, Result<codec::CommitReply> result,
              Completions& completions);
  void notice_connection();
  void apply_synced(uint64_t synced, uint64_t connection);
  void schedule_sync();
  void ask_synced();
  void told_synced(uint64_t connection, Result<std::string> body);
  void wait_for(bool all, Clock::Instant deadline, Done<uint64_t> done);
  void settle_waiters(Completions& completions);
  void wait_timed_out(uint64_t id);
  void begin_session();
  void end_session(const Error& why);
  void expire_queued(Completions& completions);
  void submit_close(Clock::Instant deadline, Done<> done);
  bool settled(const Waiter& waiter) const;
  uint64_t floor() const;
  Result<uint64_t> sync_result();

  const CallerParts parts_;
  const SessionOptions options_;

  std::mutex mutex_;
  bool stopped_ = false;
  bool closing_ = false;
  bool close_sent_ = false;
  bool sending_ = false;

  codec::SessionId id_{};
  bool opened_ = false;  // known to be in the log
  bool used_ = false;    // something was sent under this id
  uint64_t next_sequence_ = 1;
  uint64_t attach_ = 0;
  uint64_t connection_ = 0;
  bool connection_lost_ = false;

  std::map<uint64_t, RequestPtr> outstanding_;  // numbered and not answered
  std::deque<RequestPtr> queued_;               // not numbered yet
  std::map<uint64_t, RequestPtr> retries_;      // of outstanding_: to be sent again, in order
  Clock::Instant resume_at_{};                  // but not before
  size_t limbo_ = 0;                            // of outstanding_: how many are in limbo
  std::deque<RequestPtr> old_retries_;          // of old_: to be sent again now
  std::vector<RequestPtr> old_;                 // numbered in sessions that have expired
  std::map<uint64_t, Early> early_;
  uint64_t early_bytes_ = 0;
  uint64_t early_version_ = 0;
  std::deque<uint64_t> resends_;  // early requests to send again before anything else
  bool resend_on_its_way_ = false;
  std::optional<Error> early_error_;
  uint64_t synced_ = 0;
  bool sync_pending_ = false;

  std::vector<Waiter> waiters_;
  uint64_t last_waiter_ = 0;
  Caller::Counters counters_;
};

}  // namespace nokv::client
