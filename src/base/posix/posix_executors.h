// Tasks on threads.
#pragma once

#include "base/env/executor.h"

namespace nokv {

// Each executor has threads of its own (a serial one has one). A post costs a lock, and a wake-up
// only when every thread that could take the task sleeps; a serial executor takes all posted tasks
// at once. A timer is due by the boot clock; while tasks are due, timers take turns with them.
// Queues have no bound of their own: whoever posts for others bounds what he admits.
class PosixExecutors final : public Executors {
 public:
  std::unique_ptr<Executor> serial(std::string_view name) override;
  // `threads` is above 0.
  std::unique_ptr<Executor> pool(std::string_view name, int threads) override;
};

}  // namespace nokv
