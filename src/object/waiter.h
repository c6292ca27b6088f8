// Waiting for one asynchronous call, for threads that may block.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/result.h"

namespace nokv::object {

// `Waiter<ObjectInfo> head; store.head(key, deadline, head.done()); auto info = head.wait();`
// The call may outlive the waiter. Never wait on a thread that completes calls.
template <class T = void>
class Waiter {
 public:
  // What to hand to the call; once.
  std::move_only_function<void(Result<T>)> done() {
    return [state = state_](Result<T> result) {
      std::lock_guard lock(state->mutex);
      state->result = std::make_unique<Result<T>>(std::move(result));
      state->arrived.notify_all();
    };
  }

  // Blocks until the call has completed; once.
  Result<T> wait() {
    std::unique_lock lock(state_->mutex);
    state_->arrived.wait(lock, [this] { return state_->result != nullptr; });
    return std::move(*state_->result);
  }

  bool ready() const {
    std::lock_guard lock(state_->mutex);
    return state_->result != nullptr;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable arrived;
    std::unique_ptr<Result<T>> result;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace nokv::object
