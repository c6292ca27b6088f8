// Waiting for one asynchronous call, for threads that may block.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/result.h"

namespace nokv::client {

// `Wait<std::string> reply; caller.call(…, reply.done()); auto body = reply.wait(stop);`
// The call may outlive the object. Never wait on a thread that completes calls.
template <class T = void>
class Wait {
 public:
  // What to hand to the call; once.
  std::move_only_function<void(Result<T>)> done() {
    return [state = state_](Result<T> result) {
      {
        std::lock_guard lock(state->mutex);
        state->result.emplace(std::move(result));
      }
      state->arrived.notify_all();
    };
  }

  // Blocks until the call has completed, once; or until somebody asks to stop: then `cancelled`,
  // and what the call does is not known.
  Result<T> wait(std::stop_token stop = {}) {
    std::unique_lock lock(state_->mutex);
    auto ready = [this] { return state_->result.has_value(); };
    if (!state_->arrived.wait(lock, std::move(stop), ready)) {
      return fail_maybe_done(Code::cancelled, "the caller gave up");
    }
    return std::move(*state_->result);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable_any arrived;
    std::optional<Result<T>> result;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace nokv::client
