// A bound on the memory that blocks on their way take.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/result.h"

namespace nokv::client {

// Thread-safe. Nobody waits for memory while he holds some that only he can give back, so waiting
// always ends.
class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
 public:
  // Some of the budget, given back when it is destroyed.
  class Share {
   public:
    Share() = default;
    Share(std::shared_ptr<MemoryBudget> budget, uint64_t bytes)
        : budget_(std::move(budget)), bytes_(bytes) {}
    Share(Share&& other) noexcept
        : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      Share old(std::move(*this));
      budget_ = std::move(other.budget_);
      bytes_ = std::exchange(other.bytes_, 0);
      return *this;
    }
    ~Share() {
      if (budget_) budget_->give_back(bytes_);
    }

   private:
    std::shared_ptr<MemoryBudget> budget_;
    uint64_t bytes_ = 0;
  };

  explicit MemoryBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Blocks until there is room. More than the whole budget counts as the whole. Errors: cancelled.
  Result<Share> take(uint64_t bytes, std::stop_token stop) {
    bytes = std::min(bytes, bytes_max_);
    std::unique_lock lock(mutex_);
    if (!room_.wait(lock, std::move(stop), [&] { return used_ + bytes <= bytes_max_; })) {
      return fail(Code::cancelled, "the caller gave up");
    }
    return hand_out(bytes);
  }

  // Nothing when there is no room now. The last half is left to take(): one who reads in order to
  // write goes on.
  std::optional<Share> try_take(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    if (used_ + bytes > bytes_max_ / 2) return std::nullopt;
    return hand_out(bytes);
  }

  uint64_t used() const {
    std::lock_guard lock(mutex_);
    return used_;
  }
  uint64_t peak() const {
    std::lock_guard lock(mutex_);
    return peak_;
  }

 private:
  Share hand_out(uint64_t bytes) {
    used_ += bytes;
    peak_ = std::max(peak_, used_);
    return Share(shared_from_this(), bytes);
  }
  void give_back(uint64_t bytes) {
    {
      std::lock_guard lock(mutex_);
      used_ -= bytes;
    }
    room_.notify_all();
  }

  const uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable_any room_;
  uint64_t used_ = 0;
  uint64_t peak_ = 0;
};

}  // namespace nokv::client
