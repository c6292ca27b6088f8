#include "client/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/env/net.h"
#include "client/session_state.h"

namespace nokv::client {

namespace {

void run(std::vector<std::move_only_function<void()>>& completions) {
  for (auto& completion : completions) completion();
}

// The other fields of a CommitRequest and the envelope take less than this.
constexpr size_t kHeadMax = 256;

// The fields of a CommitRequest that are the same in every attempt: encoded once, they follow the
// others.
struct SameInEveryAttempt {
  codec::Durability durability{};
  std::vector<codec::OperationBox> operations;
  bool dry_run = false;
  static void fields(auto& self, auto& f) {
    f(7, self.durability);
    f(8, self.operations);
    f(9, self.dry_run);
  }
};

Error closed() { return Error(Code::failed_precondition, "the client is closed"); }

}  // namespace

Session::Session(CallerParts parts, SessionOptions options)
    : state_(std::make_shared<State>(parts, options)) {}
Session::~Session() { stop(); }
void Session::commit(SessionRequest request, Clock::Instant deadline,
                     Done<codec::CommitReply> done) {
  state_->commit(std::move(request), deadline, std::move(done));
}
void Session::sync(Clock::Instant deadline, Done<uint64_t> done) {
  state_->sync(deadline, std::move(done));
}
void Session::close(Clock::Instant deadline, Done<> done) {
  state_->close(deadline, std::move(done));
}
void Session::stop() { state_->stop(); }
uint64_t Session::early_version() const { return state_->early_version(); }
Caller::Counters Session::counters() const { return state_->counters(); }

Session::State::State(CallerParts parts, SessionOptions options)
    : parts_(parts), options_(options) {
  begin_session();
  connection_ = parts_.transport.connection();
}

// A new number, under which nothing was sent. Called by the constructor or with the mutex held.
void Session::State::begin_session() {
  for (size_t at = 0; at < id_.size(); at += sizeof(uint64_t)) {
    uint64_t random = parts_.random.next();
    std::memcpy(id_.data() + at, &random, sizeof random);
  }
  id_[0] |= 1;  // all zero means no session
  opened_ = false;
  used_ = false;
  next_sequence_ = 1;
  attach_ = 1;
}

uint64_t Session::State::early_version() {
  std::lock_guard lock(mutex_);
  return early_version_;
}

Caller::Counters Session::State::counters() {
  std::lock_guard lock(mutex_);
  return counters_;
}

void Session::State::commit(SessionRequest request, Clock::Instant deadline,
                            Done<codec::CommitReply> done) {
  auto added = std::make_shared<Request>();
  bool early = request.durability == codec::Durability::early;
  added->durability = request.durability;
  SameInEveryAttempt same{request.durability, std::move(request.operations), request.dry_run};
  added->tail = codec::encoded(same);
  added->deadline = deadline;
  added->done = std::move(done);
  if (added->tail.size() + kHeadMax > kMessageMax) {
    return added->done(fail(Code::invalid_argument, "the transaction has ", added->tail.size(),
                            " bytes; a message has at most ", kMessageMax));
  }
  {
    std::unique_lock lock(mutex_);
    if (stopped_ || closing_ || queued_.size() >= options_.queue_max) {
      Error error = stopped_ || closing_ ? closed()
                                         : Error(Code::overloaded,
                                                 str(options_.queue_max, " requests wait already"));
      lock.unlock();
      return added->done(std::unexpected(std::move(error)));
    }
    if (early && early_bytes_ + added->tail.size() > options_.early_bytes_max) {
      added->durability = codec::Durability::durable;
      same.durability = codec::Durability::durable;
      added->tail = codec::encoded(same);
    } else if (early) {
      early_bytes_ += added->tail.size();
    }
    queued_.push_back(std::move(added));
  }
  pump();
}

// The oldest number that the server has to remember the result of.
uint64_t Session::State::floor() const {
  uint64_t oldest = next_sequence_;
  if (!outstanding_.empty()) oldest = std::min(oldest, outstanding_.begin()->first);
  if (!early_.empty()) oldest = std::min(oldest, early_.begin()->first);
  return oldest;
}

// Sends what may be sent, unless another thread is at it; that one then also sees what is new.
void Session::State::pump() {
  for (;;) {
    Completions completions;
    RequestPtr request;
    std::string body;
    uint64_t connection = 0;
    {
      std::lock_guard lock(mutex_);
      if (sending_) return;
      if (!stopped_) request = take_next(completions);
      if (request) {
        sending_ = true;
        body = frame(*request);
        connection = connection_;
      }
    }
    run(completions);
    if (!request) return;
    send(request, std::move(body), connection);
    std::lock_guard lock(mutex_);
    sending_ = false;
  }
}

void Session::State::send(const RequestPtr& request, std::string body, uint64_t connection) {
  Duration left = request->deadline - parts_.clock.now();
  left = std::clamp<Duration>(left, std::chrono::milliseconds(1), options_.attempt_max);
  parts_.transport.call(
      codec::Method::commit, std::move(body), left,
      [self = shared_from_this(), request, connection](Result<std::string> reply) {
        self->answered(request, connection, std::move(reply));
      });
}

// When the connection is another one, what was answered early may be gone with the server: it is
// sent again, oldest first, one at a time. What was sent on the old one and not answered waits for
// being told so, and then goes again too.
void Session::State::notice_connection() {
  uint64_t now = parts_.transport.connection();
  if (now == connection_ && !connection_lost_) return;
  connection_ = now;
  connection_lost_ = false;
  ++attach_;
  early_version_ = 0;  // a server that was restarted may never come to it
  resends_.clear();
  for (const auto& [sequence, early] : early_) resends_.push_back(sequence);
  for (const auto& [sequence, request] : outstanding_) {
    if (request->in_limbo || retries_.contains(sequence)) continue;
    request->in_limbo = true;
    ++limbo_;
  }
}

void Session::State::leave_limbo(Request& request) {
  if (std::exchange(request.in_limbo, false)) --limbo_;
}

Session::State::RequestPtr Session::State::take_next(Completions& completions) {
  notice_connection();
  if (!old_retries_.empty()) {
    RequestPtr next = std::move(old_retries_.front());
    old_retries_.pop_front();
    return next;
  }
  while (!resends_.empty() && !early_.contains(resends_.front())) resends_.pop_front();
  bool again = !resends_.empty() || !retries_.empty();
  if (resend_on_its_way_ || limbo_ > 0 || (again && parts_.clock.now() < resume_at_)) {
    expire_queued(completions);
    return nullptr;
  }
  if (!resends_.empty() && (retries_.empty() || resends_.front() < retries_.begin()->first)) {
    return take_resend();
  }
  if (RequestPtr next = take_retry(completions)) return next;
  return take_queued(completions);
}

Session::State::RequestPtr Session::State::take_resend() {
  resend_on_its_way_ = true;
  auto again = std::make_shared<Request>();
  again->session = id_;
  again->sequence = resends_.front();
  const Early& early = early_.at(again->sequence);
  again->tail = early.tail;
  again->first_id = early.first_id;
  again->durability = codec::Durability::early;
  again->resend = true;
  again->deadline = parts_.clock.now() + options_.attempt_max;
  return again;
}

Session::State::RequestPtr Session::State::take_retry(Completions& completions) {
  while (!retries_.empty()) {
    RequestPtr next = std::move(retries_.begin()->second);
    retries_.erase(retries_.begin());
    if (parts_.clock.now() < next->deadline) return next;
    Outcome outcome = next->may_be_done ? Outcome::maybe_done : Outcome::not_done;
    finish(next,
           std::unexpected(Error(Code::cancelled,
                                 "the deadline passed before the request was sent again", outcome)),
           completions);
  }
  return nullptr;
}

Session::State::RequestPtr Session::State::take_queued(Completions& completions) {
  while (!queued_.empty() && next_sequence_ < floor() + codec::kSessionWindow) {
    RequestPtr next = std::move(queued_.front());
    queued_.pop_front();
    if (next->deadline <= parts_.clock.now()) {
      finish(next, fail(Code::cancelled, "the deadline passed before the request was sent"),
             completions);
      continue;
    }
    next->session = id_;
    next->sequence = next_sequence_++;
    outstanding_.emplace(next->sequence, next);
    used_ = true;
    return next;
  }
  return nullptr;
}

std::string Session::State::frame(Request& request) {
  ++counters_.requests;
  if (++request.attempts > 1) ++counters_.retries;
  bool current = request.session == id_;
  request.attach = current ? attach_ : request.attach + 1;
  codec::CommitRequest head{.session = request.session,
                            .sequence = request.sequence,
                            .acked_below = current ? floor() : 0,
                            .attach = request.attach,
                            .open_session = current && !opened_,
                            .first_id = request.first_id};
  head.close_session = request.close;
  std::string body;
  body.reserve(request.tail.size() + 48);
  codec::encode(head, body);
  body += request.tail;
  return body;
}

void Session::State::answered(const RequestPtr& request, uint64_t connection,
                              Result<std::string> body) {
  Completions completions;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    leave_limbo(*request);
    bool same = connection == connection_ && parts_.transport.connection() == connection;
    codec::CommitReply reply;
    if (!body) {
      failed(request, std::move(body).error(), same, completions);
    } else if (!codec::decode(*body, reply)) {
      failed(request,
             Error(Code::data_loss, "the reply to a commit cannot be decoded", Outcome::maybe_done),
             same, completions);
    } else {
      succeeded(request, std::move(reply), connection, same, completions);
    }
    settle_waiters(completions);
  }
  run(completions);
  pump();
}

void Session::State::succeeded(const RequestPtr& request, codec::CommitReply reply,
                               uint64_t connection, bool same_connection,
                               Completions& completions) {
  if (request->session != id_) return finish(request, std::move(reply), completions);
  if (request->durability == codec::Durability::durable) {
    opened_ = true;
    synced_ = std::max(synced_, reply.version);
  } else {
    Early& early = early_[request->sequence];
    if (!request->resend) early.tail = std::move(request->tail);
    request->kept = true;
    early.version = reply.version;
    early.connection = connection;
    if (reply.first_id != 0) early.first_id = reply.first_id;
    if (same_connection) early_version_ = std::max(early_version_, reply.version);
    if (!same_connection) connection_lost_ = true;
    schedule_sync();
  }
  if (same_connection) apply_synced(reply.synced, connection);
  if (request->resend) {
    resend_on_its_way_ = false;
    if (same_connection && !resends_.empty() && resends_.front() == request->sequence) {
      resends_.pop_front();
    }
  } else {
    finish(request, std::move(reply), completions);
  }
}

void Session::State::finish(const RequestPtr& request, Result<codec::CommitReply> result,
                            Completions& completions) {
  if (request->session == id_) {
    outstanding_.erase(request->sequence);
  } else {
    std::erase(old_, request);
  }
  if (!request->done) return;
  if (request->durability == codec::Durability::early && !request->kept) {
    early_bytes_ -= request->tail.size();
  }
  completions.emplace_back(
      [request, result = std::move(result)]() mutable { request->done(std::move(result)); });
}

void Session::State::stop() {
  Completions completions;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    auto end = [&](const RequestPtr& request) {
      Error error(Code::cancelled, "the client was closed",
                  request->attempts > 0 ? Outcome::maybe_done : Outcome::not_done);
      completions.emplace_back([request, error = std::move(error)]() mutable {
        if (request->done) request->done(std::unexpected(std::move(error)));
      });
    };
    for (const auto& [sequence, request] : outstanding_) end(request);
    for (const auto& request : old_) end(request);
    for (const auto& request : queued_) end(request);
    outstanding_.clear();
    old_.clear();
    queued_.clear();
    retries_.clear();
    old_retries_.clear();
    for (auto& waiter : waiters_) {
      parts_.timers.cancel(waiter.timer);
      completions.emplace_back([done = std::move(waiter.done)]() mutable {
        done(fail_maybe_done(Code::cancelled, "the client was closed"));
      });
    }
    waiters_.clear();
  }
  run(completions);
}

}  // namespace nokv::client
