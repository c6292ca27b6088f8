// What other threads bring, waited for by a test.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace nokv::net {

template <class T>
class Mailbox {
 public:
  void put(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    came_.notify_all();
  }

  // The next value; nothing when none comes in twenty seconds, which is a failure.
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, std::chrono::seconds(20), [&] { return !values_.empty(); })) {
      return std::nullopt;
    }
    T out = std::move(values_.front());
    values_.pop_front();
    return out;
  }

  size_t size() {
    std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<T> values_;
};

}  // namespace nokv::net
