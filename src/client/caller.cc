#include "client/caller.h"

#include <algorithm>
#include <optional>

namespace nokv::client {

Duration Backoff::before_next(uint32_t attempt, Random& random) const {
  Duration full = first * (1 << std::min<uint32_t>(attempt - 1, 16));
  full = std::min(full, max);
  auto half = static_cast<uint64_t>(full.count() / 2);
  return Duration(static_cast<int64_t>(half + random.below(half + 1)));
}

namespace {

bool changes_something(codec::Method method) {
  using enum codec::Method;
  return method == init || method == gc || method == checkpoint || method == fsck ||
         method == put_block;
}

}  // namespace

struct Caller::State {
  CallerParts parts;
  Duration patience;
  Backoff backoff;
  std::atomic<bool> stopped = false;
  std::atomic<uint64_t> requests = 0;
  std::atomic<uint64_t> retries = 0;
};

// One call on its way. Destroyed before it was answered (a timer that will not run), it ends.
struct Caller::Attempt {
  codec::Method method{};
  std::string body;
  Clock::Instant deadline;
  Done<std::string> done;
  uint32_t attempts = 0;               // since the peer was last reached
  std::optional<Clock::Instant> lost;  // when the peer was first found gone
  std::optional<Error> heard;          // why the last attempt is made again
  uint64_t lost_connection = 0;        // and which connection was the last by then

  ~Attempt() {
    if (done) done(fail(Code::cancelled, "the client was closed"));
  }
  void finish(Result<std::string> result) {
    // That the time was over says less than what went wrong before.
    if (!result && result.error().code() == Code::cancelled && heard) {
      bool maybe = result.error().outcome() == Outcome::maybe_done;
      result = std::unexpected(maybe ? std::move(*heard).maybe_done() : std::move(*heard));
    }
    // Whether a request that only reads was done is nobody's concern.
    if (!result && !changes_something(method)) {
      const Error& error = result.error();
      result = std::unexpected(Error(error.code(), error.message()).with_hint(error.hint()));
    }
    std::exchange(done, nullptr)(std::move(result));
  }
};

Caller::Caller(CallerParts parts, Duration patience, Backoff backoff)
    : state_(std::make_shared<State>(parts, patience, backoff)) {}
Caller::~Caller() { stop(); }

void Caller::stop() { state_->stopped = true; }

Caller::Counters Caller::counters() const { return {state_->requests, state_->retries}; }

std::unexpected<Error> Caller::damaged_reply(codec::Method method) {
  return fail(Code::data_loss, "the reply to method ", static_cast<uint32_t>(method),
              " cannot be decoded");
}

void Caller::call(codec::Method method, std::string body, Clock::Instant deadline,
                  Done<std::string> done) {
  auto attempt = std::make_unique<Attempt>();
  attempt->method = method;
  attempt->body = std::move(body);
  attempt->deadline = deadline;
  attempt->done = std::move(done);
  send(state_, std::move(attempt));
}

void Caller::send(std::shared_ptr<State> state, std::unique_ptr<Attempt> attempt) {
  if (state->stopped) return;
  Duration left = attempt->deadline - state->parts.clock.now();
  if (left <= Duration::zero()) {
    return attempt->finish(
        fail(Code::cancelled, "the deadline passed before the request was sent"));
  }
  ++attempt->attempts;
  ++state->requests;
  if (attempt->heard) ++state->retries;
  State& at = *state;
  codec::Method method = attempt->method;
  std::string body = attempt->body;
  at.parts.transport.call(
      method, std::move(body), left,
      [state = std::move(state), attempt = std::move(attempt)](Result<std::string> reply) mutable {
        if (reply || !is_transient(reply.error())) return attempt->finish(std::move(reply));
        failed(state, std::move(attempt), std::move(reply).error());
      });
}

void Caller::failed(const std::shared_ptr<State>& state, std::unique_ptr<Attempt> attempt,
                    Error error) {
  if (error.code() == Code::unavailable) {
    uint64_t connection = state->parts.transport.connection();
    // A peer that was reached in between was not gone all the time.
    if (!attempt->lost || connection != attempt->lost_connection) {
      attempt->lost = state->parts.clock.now();
      attempt->lost_connection = connection;
      attempt->attempts = 1;
    }
  }
  Duration pause = state->backoff.before_next(attempt->attempts, state->parts.random);
  Clock::Instant next = state->parts.clock.now() + pause;
  bool out_of_time =
      next >= attempt->deadline || (attempt->lost && next >= *attempt->lost + state->patience);
  if (state->stopped || out_of_time) return attempt->finish(std::unexpected(std::move(error)));
  attempt->heard = std::move(error);
  state->parts.timers.after(
      pause, [state, attempt = std::move(attempt)]() mutable { send(state, std::move(attempt)); });
}

}  // namespace nokv::client
