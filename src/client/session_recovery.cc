// What a session does when something got lost, and how it learns what is durable.
#include <algorithm>
#include <utility>

#include "client/session_state.h"

namespace nokv::client {

void Session::State::failed(const RequestPtr& request, Error error, bool same_connection,
                            Completions& completions) {
  if (error.code() == Code::unavailable && same_connection) connection_lost_ = true;
  if (error.code() == Code::session_expired) return expired(request, std::move(error), completions);
  if (error.outcome() == Outcome::maybe_done) request->may_be_done = true;
  if (request->resend) return resend_failed(request, std::move(error));

  // A newer attachment overtook this attempt, so the server has not looked at it.
  bool overtaken =
      error.code() == Code::stale && request->session == id_ && request->attach < attach_;
  if (is_transient(error) || error.code() == Code::cancelled || overtaken) {
    Duration pause = options_.backoff.before_next(request->attempts, parts_.random);
    if (parts_.clock.now() + pause < request->deadline) return again_after(pause, request);
  }
  // A refusal is the answer to the first attempt that arrived; that nobody answered is not.
  bool answered =
      !is_transient(error) && error.code() != Code::cancelled && error.code() != Code::stale;
  if (request->may_be_done && !answered) error = std::move(error).maybe_done();
  finish(request, std::unexpected(std::move(error)), completions);
}

// Of this session it is sent again in its turn, and nothing that came after it before; of an older
// one, when the pause is over.
void Session::State::again_after(Duration pause, const RequestPtr& request) {
  bool in_turn = !request->resend && request->session == id_;
  if (in_turn) {
    retries_[request->sequence] = request;
    resume_at_ = std::max(resume_at_, parts_.clock.now() + pause);
  }
  parts_.timers.after(pause, [self = shared_from_this(), request, in_turn] {
    {
      std::lock_guard lock(self->mutex_);
      if (self->stopped_) return;
      if (request->resend) {
        self->resend_on_its_way_ = false;
      } else if (!in_turn) {
        self->old_retries_.push_back(request);
      }
    }
    self->pump();
  });
}

// An early request could not be sent again: after a pause, or it was refused, for somebody else was
// faster. The next sync() tells.
void Session::State::resend_failed(const RequestPtr& request, Error error) {
  if (request->session != id_) return;
  if (is_transient(error) || error.code() == Code::cancelled) {
    return again_after(options_.backoff.max / 4, request);
  }
  resend_on_its_way_ = false;
  auto found = early_.find(request->sequence);
  if (found == early_.end()) return;
  early_bytes_ -= found->second.tail.size();
  early_.erase(found);
  if (!early_error_) early_error_ = std::move(error).within("a change that was answered early");
}

// The server has forgotten the session. What it has never seen goes into a new one; what it may
// have done is for the caller to find out.
void Session::State::expired(const RequestPtr& request, Error error, Completions& completions) {
  if (request->session == id_) end_session(error);
  if (request->close) return finish(request, codec::CommitReply{}, completions);
  if (request->resend) return;
  if (!request->may_be_done && !request->moved) {
    std::erase(old_, request);
    request->moved = true;
    request->attempts = 0;
    queued_.push_front(request);
    return;
  }
  finish(request, std::unexpected(std::move(error).maybe_done()), completions);
}

void Session::State::end_session(const Error& why) {
  for (auto& [sequence, request] : outstanding_) {
    request->in_limbo = false;
    old_.push_back(request);
  }
  outstanding_.clear();
  for (auto& [sequence, request] : retries_) old_retries_.push_back(request);
  retries_.clear();
  limbo_ = 0;
  if (!early_.empty() && !early_error_) {
    early_error_ = Error(why).within("changes that were answered early").maybe_done();
  }
  for (const auto& [sequence, early] : early_) early_bytes_ -= early.tail.size();
  early_.clear();
  resends_.clear();
  resend_on_its_way_ = false;
  for (auto& waiter : waiters_) waiter.sequence = 0;
  begin_session();
}

// While earlier requests are being sent again nothing else is, so nothing else would notice its
// deadline.
void Session::State::expire_queued(Completions& completions) {
  Clock::Instant now = parts_.clock.now();
  std::erase_if(queued_, [&](const RequestPtr& request) {
    if (now < request->deadline) return false;
    finish(request,
           fail(Code::unavailable, parts_.transport.peer(),
                " does not answer: earlier changes are being sent again"),
           completions);
    return true;
  });
}

// Versions are told for one connection: a server that was restarted may give them to others.
void Session::State::apply_synced(uint64_t synced, uint64_t connection) {
  synced_ = std::max(synced_, synced);
  while (!early_.empty()) {
    auto oldest = early_.begin();
    if (oldest->second.connection != connection || oldest->second.version > synced) return;
    early_bytes_ -= oldest->second.tail.size();
    early_.erase(oldest);
    opened_ = true;
  }
}

void Session::State::schedule_sync() {
  if (std::exchange(sync_pending_, true)) return;
  parts_.timers.after(options_.sync_delay, [self = shared_from_this()] { self->ask_synced(); });
}

void Session::State::ask_synced() {
  std::string body;
  uint64_t connection = 0;
  {
    std::lock_guard lock(mutex_);
    sync_pending_ = false;
    if (stopped_ || early_.empty()) return;
    if (resend_on_its_way_ || !resends_.empty() || connection_lost_) return schedule_sync();
    sync_pending_ = true;
    connection = connection_;
    body = codec::encoded(codec::SyncRequest{.version = early_.rbegin()->second.version});
    ++counters_.requests;
  }
  parts_.transport.call(codec::Method::sync, std::move(body), options_.attempt_max,
                        [self = shared_from_this(), connection](Result<std::string> reply) {
                          self->told_synced(connection, std::move(reply));
                        });
}

void Session::State::told_synced(uint64_t connection, Result<std::string> body) {
  Completions completions;
  {
    std::lock_guard lock(mutex_);
    sync_pending_ = false;
    if (stopped_) return;
    bool same = connection == connection_ && parts_.transport.connection() == connection;
    codec::SyncReply reply;
    if (body && codec::decode(*body, reply) && same) {
      apply_synced(reply.synced, connection);
    } else if (!body && body.error().code() == Code::unavailable && same) {
      connection_lost_ = true;
    }
    if (!early_.empty()) schedule_sync();
    settle_waiters(completions);
  }
  for (auto& completion : completions) completion();
  pump();
}

// ---- waiting

void Session::State::sync(Clock::Instant deadline, Done<uint64_t> done) {
  wait_for(false, deadline, std::move(done));
}

Result<uint64_t> Session::State::sync_result() {
  if (!early_error_) return synced_;
  Error error = std::move(*early_error_);
  early_error_.reset();
  return std::unexpected(std::move(error));
}

bool Session::State::settled(const Waiter& waiter) const {
  if (waiter.all) {
    return early_.empty() && outstanding_.empty() && queued_.empty() && old_.empty();
  }
  return early_.empty() || early_.begin()->first > waiter.sequence;
}

void Session::State::wait_for(bool all, Clock::Instant deadline, Done<uint64_t> done) {
  Result<uint64_t> result = 0;
  {
    std::lock_guard lock(mutex_);
    Waiter waiter{
        .id = ++last_waiter_, .all = all, .sequence = early_.empty() ? 0 : early_.rbegin()->first};
    if (!stopped_ && !settled(waiter)) {
      Duration left = std::max(deadline - parts_.clock.now(), Duration::zero());
      waiter.timer = parts_.timers.after(
          left, [self = shared_from_this(), id = waiter.id] { self->wait_timed_out(id); });
      waiter.done = std::move(done);
      waiters_.push_back(std::move(waiter));
      return;
    }
    if (stopped_) {
      result = fail(Code::failed_precondition, "the client is closed");
    } else {
      result = sync_result();
    }
  }
  done(std::move(result));
}

void Session::State::settle_waiters(Completions& completions) {
  std::erase_if(waiters_, [&](Waiter& waiter) {
    if (!settled(waiter)) return false;
    parts_.timers.cancel(waiter.timer);
    completions.emplace_back([done = std::move(waiter.done), result = sync_result()]() mutable {
      done(std::move(result));
    });
    return true;
  });
}

void Session::State::wait_timed_out(uint64_t id) {
  Done<uint64_t> done;
  size_t kept = 0;
  {
    std::lock_guard lock(mutex_);
    auto found = std::ranges::find(waiters_, id, &Waiter::id);
    if (found == waiters_.end()) return;
    done = std::move(found->done);
    waiters_.erase(found);
    kept = early_.size();
  }
  done(fail_maybe_done(Code::cancelled, "the deadline passed while ", kept,
                       " changes were answered but not known to be durable"));
}

// ---- closing

void Session::State::close(Clock::Instant deadline, Done<> done) {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wait_for(
      true, deadline,
      [self = shared_from_this(), deadline, done = std::move(done)](Result<uint64_t> r) mutable {
        if (!r) return done(std::unexpected(std::move(r).error()));
        self->submit_close(deadline, std::move(done));
      });
}

void Session::State::submit_close(Clock::Instant deadline, Done<> done) {
  auto request = std::make_shared<Request>();
  request->close = true;
  request->deadline = deadline;
  request->done = [done = std::move(done)](Result<codec::CommitReply> reply) mutable {
    if (!reply) return done(std::unexpected(std::move(reply).error()));
    done({});
  };
  bool opened = false;
  {
    std::lock_guard lock(mutex_);
    opened = opened_ && !stopped_ && !std::exchange(close_sent_, true);
    if (opened) queued_.push_back(request);
  }
  if (!opened) return request->done(codec::CommitReply{});
  pump();
}

}  // namespace nokv::client
