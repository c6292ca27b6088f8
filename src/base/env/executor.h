// Where tasks run, and when.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/env/clock.h"

namespace nokv {

using TimerId = uint64_t;

// Runs tasks. A serial executor runs them one at a time in the order they were posted (so it is a
// home for objects); a pool runs several at once. All methods are thread-safe and never block.
class Executor {
 public:
  using Task = std::move_only_function<void()>;

  // Stops: a running task is waited for, those not yet begun are destroyed unrun. Must not be
  // called from a task of its own.
  virtual ~Executor() = default;

  virtual void post(Task task) = 0;

  // Runs `task` once, not before `delay` has passed.
  virtual TimerId after(Duration delay, Task task) = 0;

  // A timer that has fired, or begins to fire in this very moment, is not an error.
  virtual void cancel(TimerId timer) = 0;
};

// Makes executors: threads in production, entries of one event list in the simulator.
class Executors {
 public:
  virtual ~Executors() = default;

  // `name` (at most 15 bytes) is the thread's name in a debugger.
  virtual std::unique_ptr<Executor> serial(std::string_view name) = 0;
  virtual std::unique_ptr<Executor> pool(std::string_view name, int threads) = 0;
};

}  // namespace nokv
