#include "object/s3/sender.h"

#include <algorithm>
#include <utility>

namespace nokv::object {
namespace {

Error with_suffix(const Error& error, std::string_view suffix) {
  return Error(error.code(), str(error.message(), suffix), error.outcome()).with_hint(error.hint());
}

}  // namespace

std::string Sender::description() const {
  return str("s3 bucket ", options_.bucket, " at ", place_.endpoint());
}

ObjectStore::Counters Sender::counters() {
  return state_.with([](State& state) { return state.counters; });
}

void Sender::send(S3Call call) {
  auto shared = std::make_shared<Call>();
  shared->call = std::move(call);
  admit(shared);
}

void Sender::close() {
  auto waiting = state_.with([](State& state) {
    state.closed = true;
    auto queue = std::exchange(state.queue, {});
    std::erase_if(queue, [](const CallPtr& call) { return !std::exchange(call->waiting, false); });
    return queue;
  });
  for (const CallPtr& call : waiting) {
    finish(call, Error(Code::cancelled, "the store was closed"));
  }
}

// That the time is over says less than what the store answered before.
Error Sender::too_late(const Call& call, std::string_view otherwise) {
  return call.heard ? *call.heard : Error(Code::cancelled, std::string(otherwise));
}

void Sender::admit(const CallPtr& call) {
  Duration left = call->call.deadline - doors_.clock.now();
  if (left <= Duration{0}) {
    return finish(call, too_late(*call, "the deadline has passed"));
  }
  Admission admission = decide(call, false);
  if (admission == Admission::wait) {
    // The timer is made outside the lock; meanwhile a turn may have come free.
    TimerId expiry =
        doors_.timers.after(left, [self = shared_from_this(), weak = std::weak_ptr<Call>(call)] {
          if (auto late = weak.lock()) self->expire(late);
        });
    call->expiry = expiry;
    admission = decide(call, true);
    if (admission != Admission::wait) doors_.timers.cancel(expiry);
  }
  switch (admission) {
    case Admission::wait:
      return;
    case Admission::run:
      return begin(call);
    case Admission::full:
      return finish(call, Error(Code::overloaded, "too many requests wait"));
    case Admission::closed:
      return finish(call, Error(Code::cancelled, "the store was closed"));
  }
}

Sender::Admission Sender::decide(const CallPtr& call, bool enqueue) {
  return state_.with([&](State& state) {
    if (state.closed) return Admission::closed;
    if (state.running < options_.parallel_max) {
      ++state.running;
      return Admission::run;
    }
    if (state.queue.size() >= options_.queue_max) return Admission::full;
    if (enqueue) {
      call->waiting = true;
      state.queue.push_back(call);
    }
    return Admission::wait;
  });
}

void Sender::expire(const CallPtr& call) {
  bool mine = state_.with([&](State&) { return std::exchange(call->waiting, false); });
  if (mine) finish(call, too_late(*call, "still waiting for its turn at the deadline"));
}

void Sender::leave() {
  auto next = state_.with([](State& state) -> CallPtr {
    while (!state.queue.empty()) {
      CallPtr first = std::move(state.queue.front());
      state.queue.pop_front();
      if (std::exchange(first->waiting, false)) return first;
    }
    --state.running;
    return nullptr;
  });
  if (!next) return;
  doors_.timers.cancel(next->expiry);
  begin(next);
}

void Sender::begin(const CallPtr& call) {
  credentials_->get(call->call.deadline,
                    [self = shared_from_this(), call](Result<CredentialsPtr> credentials) {
                      if (credentials) {
                        call->credentials = *std::move(credentials);
                        return self->transmit(call);
                      }
                      self->finish(call, std::move(credentials).error());
                      self->leave();
                    });
}

net::HttpClientRequest Sender::request_of(const Call& call) {
  const S3Call& asked = call.call;
  SignableRequest signable{asked.method, place_.host(), place_.path(asked.key), asked.query,
                           asked.signed_headers};
  SigningContext context{*call.credentials, options_.region, doors_.clock.wall()};
  net::HttpClientRequest request;
  request.method = asked.method;
  request.url = place_.url(signable.path, canonical_query(asked.query));
  request.headers = sign_headers(context, signable, kUnsignedPayload);
  request.headers.insert(request.headers.end(), asked.plain_headers.begin(),
                         asked.plain_headers.end());
  request.body = asked.body;
  request.deadline = std::min(asked.deadline, doors_.clock.now() + options_.try_timeout);
  request.response_max = asked.response_max;
  return request;
}

void Sender::transmit(const CallPtr& call) {
  ++call->tries;
  state_.with([&](State& state) {
    ++(state.counters.*(call->call.counter));
    if (call->tries > 1) ++state.counters.retries;
  });
  doors_.http.send(request_of(*call),
                   [self = shared_from_this(), call](Result<net::HttpClientResponse> result) {
                     self->answered(call, std::move(result));
                   });
}

Verdict Sender::judge(const Call& call, Result<net::HttpClientResponse>& result) {
  if (result) return judge_answer(*result, doors_.clock.wall());
  Error error = std::move(result).error();
  bool only_this_try = error.code() == Code::cancelled && doors_.clock.now() < call.call.deadline;
  if (only_this_try) error = Error(Code::unavailable, error.message(), error.outcome());
  return judge_failure(std::move(error));
}

void Sender::answered(const CallPtr& call, Result<net::HttpClientResponse> result) {
  std::optional<Verdict> bad;
  if (!result || result->status >= 300) {
    bad = judge(*call, result);
  } else if (call->call.verify) {
    if (auto wrong = call->call.verify(*result)) bad = Verdict{*std::move(wrong), true, false};
  }
  if (!bad) {
    call->call.done(std::move(result));
    return leave();
  }
  // Who was answered "no" knows that nothing was done; after "trouble" or silence nobody does.
  bool answered_no = result && result->status >= 300 && result->status < 500;
  bool nothing_sent = !result && bad->error.outcome() == Outcome::not_done;
  bool doubtful = call->doubtful || (!answered_no && !nothing_sent);
  call->doubtful = doubtful;
  if (bad->error.code() != Code::cancelled) call->heard = bad->error;
  if (!try_again(call, *bad)) {
    Error why = bad->error.code() == Code::cancelled ? too_late(*call, bad->error.message())
                                                     : std::move(bad->error);
    Error error = call->tries > 1 ? with_suffix(why, str(", after ", call->tries, " tries")) : why;
    finish(call, doubtful ? std::move(error).maybe_done() : std::move(error));
  }
  leave();
}

bool Sender::try_again(const CallPtr& call, const Verdict& verdict) {
  bool closed = state_.with([](State& state) { return state.closed; });
  if (!verdict.retry || closed || call->tries >= options_.tries_max) return false;
  Duration most = options_.pause_max;
  if (call->tries < 30)
    most = std::min(most, options_.pause_min * (int64_t{1} << (call->tries - 1)));
  auto bound = static_cast<uint64_t>(std::max<int64_t>(1, most.count()));
  Duration pause{static_cast<int64_t>(doors_.random.below(bound))};
  if (doors_.clock.now() + pause >= call->call.deadline) return false;
  if (verdict.fresh_credentials) credentials_->refresh(call->credentials);
  doors_.timers.after(pause, [self = shared_from_this(), call] { self->admit(call); });
  return true;
}

void Sender::finish(const CallPtr& call, Error error) {
  state_.with([](State& state) { ++state.counters.failures; });
  if (call->doubtful) error = std::move(error).maybe_done();
  call->call.done(
      std::unexpected(std::move(error).within(str(description(), ": ", call->call.what))));
}

}  // namespace nokv::object
