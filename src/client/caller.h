// Requests that only read: sent again until somebody answers or the deadline has passed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/env/clock.h"
#include "base/env/executor.h"
#include "base/env/random.h"
#include "base/result.h"
#include "client/transport.h"
#include "codec/message.h"
#include "codec/rpc.h"

namespace nokv::client {

template <class T = void>
using Done = std::move_only_function<void(Result<T>)>;

// Pauses between attempts: doubled each time up to a bound, each between half and all of that. The
// bound is what a client may come too late to a server that is up again.
struct Backoff {
  Duration first = std::chrono::milliseconds(10);
  Duration max = std::chrono::milliseconds(250);

  // Before attempt number `attempt` + 1; `attempt` counts from 1.
  Duration before_next(uint32_t attempt, Random& random) const;
};

// Whether the same request may succeed at the same peer a little later.
inline bool is_transient(const Error& error) {
  return error.code() == Code::unavailable || error.code() == Code::overloaded;
}

// What the asynchronous parts of a client work with; all outlive their users.
struct CallerParts {
  Transport& transport;
  const Clock& clock;
  Random& random;
  Executor& timers;
};

// Thread-safe; nothing blocks. Calls that wait for their next attempt when stop() is called end
// with `cancelled`.
class Caller {
 public:
  // A peer that is gone is tried for `patience` at most, however far away a deadline is.
  explicit Caller(CallerParts parts, Duration patience = Duration::max() / 4, Backoff backoff = {});
  ~Caller();

  // Calls `done` once, from any thread, possibly before it returns. The request must be one that
  // may be done any number of times. Errors: those of the method; when the deadline passes, the
  // last error of the transport, or cancelled when there was none.
  void call(codec::Method method, std::string body, Clock::Instant deadline,
            Done<std::string> done);

  template <class Reply, class Request>
  void ask(codec::Method method, const Request& request, Clock::Instant deadline,
           Done<Reply> done) {
    call(method, codec::encoded(request), deadline,
         [method, done = std::move(done)](Result<std::string> body) mutable {
           if (!body) return done(std::unexpected(std::move(body).error()));
           Reply reply;
           if (!codec::decode(*body, reply)) return done(damaged_reply(method));
           done(std::move(reply));
         });
  }

  // Nothing is sent any more.
  void stop();

  struct Counters {
    uint64_t requests = 0;
    uint64_t retries = 0;
  };
  Counters counters() const;

 private:
  struct State;
  struct Attempt;
  static std::unexpected<Error> damaged_reply(codec::Method method);
  static void send(std::shared_ptr<State> state, std::unique_ptr<Attempt> attempt);
  static void failed(const std::shared_ptr<State>& state, std::unique_ptr<Attempt> attempt,
                     Error error);

  std::shared_ptr<State> state_;
};

}  // namespace nokv::client
