// All threads of a simulation, in one: virtual time, and tasks in an order drawn from a seed.
//
// Each executor keeps its own order; which of them runs next is drawn. When none has anything to
// run, time jumps to the next timer. So one seed is one history, and other seeds are others.
// Source: FoundationDB's sim2 (fdbrpc/sim2.cpp).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/env/executor.h"
#include "base/sim/sim_clock.h"
#include "base/sim/sim_random.h"

namespace nokv {

class SimScheduler;

// An executor of the simulation; its tasks run inside the scheduler's run functions. A pool with n
// threads draws among its first n tasks.
class SimExecutor final : public Executor {
 public:
  // Made by SimScheduler::executor().
  SimExecutor(SimScheduler& scheduler, std::string host, std::string_view name, int threads);
  ~SimExecutor() override;

  void post(Task task) override;
  TimerId after(Duration delay, Task task) override;
  void cancel(TimerId timer) override;

  // As after(), for what is on its way rather than waited for: run_until_idle() waits for it.
  TimerId deliver(Duration delay, Task task);

  // As when its process dies: nothing of it runs any more, later posts are dropped.
  void kill();

 private:
  friend SimScheduler;

  struct Entry {
    Task task;
    TimerId timer;  // 0 when it was posted
  };

  SimScheduler& scheduler_;
  std::string host_;
  std::string name_;  // "host/name"
  size_t threads_;
  size_t running_ = 0;
  bool dead_ = false;
  std::deque<Entry> queue_;
};

// Home: one thread, that of the test; the run functions may be called from inside a task too (a
// blocking call in the simulation): the task's executor is busy meanwhile. Outlives its executors.
class SimScheduler {
 public:
  explicit SimScheduler(uint64_t seed) : seed_(seed), random_(seed) {}
  ~SimScheduler();
  SimScheduler(const SimScheduler&) = delete;
  SimScheduler& operator=(const SimScheduler&) = delete;

  uint64_t seed() const { return seed_; }
  SimClock& clock() { return clock_; }
  // Whatever else is drawn in a simulation is drawn from this one.
  SimRandom& random() { return random_; }

  // `host` names the simulated machine, for kill_host() and traces.
  std::unique_ptr<SimExecutor> executor(std::string_view host, std::string_view name, int threads);
  // Kills the executors that `host` has now.
  void kill_host(std::string_view host);

  // Runs one task, when need be after moving time to it; false when there is none.
  bool step();

  // Runs until no task is left to run and nothing is on its way (messages). Timers fire while time
  // passes, but are not waited for. check()s that this takes no more than `events_max` tasks.
  void run_until_idle(uint64_t events_max = 10'000'000);

  // Runs what happens in the next `time`, and leaves the clock at its end.
  void run_for(Duration time);

  // Runs until `holds` (asked before, and after each task) or until `limit` has passed; returns
  // whether it holds. Where nothing is left to run, time passes to the limit at once.
  bool run_until(const std::function<bool()>& holds, Duration limit);

  // Each task takes a time drawn from [0, most]; none unless told.
  void set_task_time(Duration most) { task_time_max_ = most; }

  // A digest of all tasks that have run: when, on which executor, and what was noted. Two runs with
  // the same digest had the same history.
  uint64_t history() const { return history_; }
  uint64_t events() const { return events_; }
  // Adds a fact to the history, and to the trace.
  void note(std::string_view fact);
  // Hears "TIME NAME" of each task before it runs, and each note.
  void set_trace(std::function<void(std::string_view line)> trace) { trace_ = std::move(trace); }

 private:
  friend SimExecutor;

  using Key = std::pair<Clock::Instant, TimerId>;
  struct Timed {
    SimExecutor* executor;
    Executor::Task task;
    bool on_its_way;
  };

  TimerId add_timer(SimExecutor& executor, Duration delay, Executor::Task task, bool on_its_way);
  Timed take_timer(std::map<Key, Timed>::iterator timer);
  void enqueue(SimExecutor& executor, SimExecutor::Entry entry);
  void update_ready(SimExecutor& executor);
  void fire_due();
  bool step_before(Clock::Instant end);
  void run(SimExecutor& executor);
  void pass_to(Clock::Instant moment);
  void mix(std::string_view text);

  const uint64_t seed_;
  SimClock clock_;
  SimRandom random_;
  Duration task_time_max_{0};
  std::vector<SimExecutor*> executors_;  // in the order they were made
  std::vector<SimExecutor*> ready_;      // have a task, and a thread free for it
  std::map<Key, Timed> timed_;
  std::unordered_map<TimerId, Clock::Instant> due_of_;
  TimerId last_timer_ = 0;
  size_t queued_ = 0;      // tasks in the queues
  size_t on_its_way_ = 0;  // timed ones that are waited for
  uint64_t history_ = 0;
  uint64_t events_ = 0;
  std::function<void(std::string_view)> trace_;
};

// The executors of one simulated machine.
class SimExecutors final : public Executors {
 public:
  explicit SimExecutors(SimScheduler& scheduler, std::string host = "sim")
      : scheduler_(scheduler), host_(std::move(host)) {}

  std::unique_ptr<Executor> serial(std::string_view name) override { return pool(name, 1); }
  std::unique_ptr<Executor> pool(std::string_view name, int threads) override {
    return scheduler_.executor(host_, name, threads);
  }

 private:
  SimScheduler& scheduler_;
  std::string host_;
};

}  // namespace nokv
