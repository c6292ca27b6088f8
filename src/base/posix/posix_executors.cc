#include "base/posix/posix_executors.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <pthread.h>

#include "base/check.h"
#include "base/posix/posix_clock.h"

namespace nokv {
namespace {

using Instant = Clock::Instant;

// Timers in the order they are due; of two due at once, the older first.
class Timers {
 public:
  bool empty() const { return tasks_.empty(); }
  Instant first() const { return tasks_.begin()->first.first; }

  TimerId add(Instant due, Executor::Task task) {
    TimerId id = ++last_id_;
    due_of_.emplace(id, due);
    tasks_.emplace(Key(due, id), std::move(task));
    return id;
  }

  // The task; empty when the timer is not there any more.
  Executor::Task take(TimerId id) {
    auto due = due_of_.find(id);
    if (due == due_of_.end()) return nullptr;
    auto entry = tasks_.extract(Key(due->second, id));
    due_of_.erase(due);
    return std::move(entry.mapped());
  }

  Executor::Task take_first() { return take(tasks_.begin()->first.second); }

 private:
  using Key = std::pair<Instant, TimerId>;

  std::map<Key, Executor::Task> tasks_;
  std::unordered_map<TimerId, Instant> due_of_;
  TimerId last_id_ = 0;
};

class ThreadExecutor final : public Executor {
 public:
  ThreadExecutor(std::string_view name, int threads)
      : serial_(threads == 1), sleepers_(static_cast<size_t>(threads)) {
    check(threads > 0, "an executor has a thread");
    check(name.size() <= 15, "a thread's name has at most 15 bytes");
    for (Sleeper& sleeper : sleepers_) {
      threads_.emplace_back([this, &sleeper] { run(sleeper); });
      pthread_setname_np(threads_.back().native_handle(), std::string(name).c_str());
    }
  }

  ~ThreadExecutor() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      while (!idle_.empty()) take_from_idle(idle_.back())->wakeup.notify_one();
    }
    for (std::thread& thread : threads_) {
      check(thread.get_id() != std::this_thread::get_id(), "a task does not end its executor");
      thread.join();
    }
    // What the tasks hold may call back while it is destroyed, so take them out first.
    std::deque<Task> queue;
    Timers timers;
    std::lock_guard lock(mutex_);
    std::swap(queue, queue_);
    std::swap(timers, timers_);
  }

  void post(Task task) override {
    Sleeper* sleeper = nullptr;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;  // `task` is destroyed after the lock is released
      queue_.push_back(std::move(task));
      if (!idle_.empty()) sleeper = take_from_idle(idle_.back());
    }
    if (sleeper != nullptr) sleeper->wakeup.notify_one();
  }

  TimerId after(Duration delay, Task task) override {
    Instant due = clock_.now() + std::clamp(delay, Duration{0}, kDelayMax);
    Sleeper* sleeper = nullptr;
    TimerId id = 0;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return 0;
      bool first = timers_.empty() || due < timers_.first();
      id = timers_.add(due, std::move(task));
      if (first) sleeper = take_for_timers();
    }
    if (sleeper != nullptr) sleeper->wakeup.notify_one();
    return id;
  }

  void cancel(TimerId timer) override {
    Task dropped;  // destroyed after the lock is released
    std::lock_guard lock(mutex_);
    dropped = timers_.take(timer);
  }

 private:
  static constexpr size_t kBatchMax = 256;
  static constexpr size_t kBatchBesideTimerMax = 16;
  static constexpr Duration kDelayMax = std::chrono::hours(24 * 365 * 100);

  // Where one thread sleeps; lives as long as the executor, so that it can be notified without the
  // lock.
  struct Sleeper {
    std::condition_variable wakeup;
    bool woken = false;
  };

  void run(Sleeper& self) {
    std::vector<Task> batch;
    while (take(self, batch)) {
      for (Task& task : batch) {
        if (stopping_) break;
        task();
        task = nullptr;
      }
      batch.clear();
    }
  }

  // Waits for work and moves it to `batch`; false when the executor stops.
  bool take(Sleeper& self, std::vector<Task>& batch) {
    Sleeper* next = nullptr;
    {
      std::unique_lock lock(mutex_);
      while (!stopping_ && !take_ready(batch)) sleep(self, lock);
      if (stopping_) return false;
      if (!timers_.empty() && timer_sleeper_ == nullptr) next = take_for_timers();
    }
    if (next != nullptr) next->wakeup.notify_one();
    return true;
  }

  // One timer at most and first, for the tasks before it may cancel it up to the last moment.
  bool take_ready(std::vector<Task>& batch) {
    bool due = !timers_.empty() && timers_.first() <= clock_.now();
    size_t batch_max = !serial_ ? 1 : due ? kBatchBesideTimerMax : kBatchMax;
    timers_turn_ = !timers_turn_;
    if (due && (serial_ || timers_turn_ || queue_.empty())) batch.push_back(timers_.take_first());
    while (!queue_.empty() && batch.size() < batch_max) {
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    return !batch.empty();
  }

  // The one that also waits for the first timer stands at the bottom of idle_: it is the last to be
  // woken for a task.
  void sleep(Sleeper& self, std::unique_lock<std::mutex>& lock) {
    self.woken = false;
    auto woken = [&] { return self.woken; };
    if (timers_.empty() || timer_sleeper_ != nullptr) {
      idle_.push_back(&self);
      self.wakeup.wait(lock, woken);
      return;
    }
    idle_.insert(idle_.begin(), &self);
    timer_sleeper_ = &self;
    // An hour at most, so that a jump of the boot clock (the machine slept) is noticed.
    Duration wait = std::min<Duration>(timers_.first() - clock_.now(), std::chrono::hours(1));
    if (!self.wakeup.wait_for(lock, wait, woken)) take_from_idle(&self);
  }

  // Under the lock. The caller notifies the sleeper.
  Sleeper* take_from_idle(Sleeper* sleeper) {
    idle_.erase(std::find(idle_.rbegin(), idle_.rend(), sleeper).base() - 1);
    if (timer_sleeper_ == sleeper) timer_sleeper_ = nullptr;
    sleeper->woken = true;
    return sleeper;
  }

  // Under the lock: whoever shall look at the timers anew; null when all threads are awake.
  Sleeper* take_for_timers() {
    if (timer_sleeper_ != nullptr) return take_from_idle(timer_sleeper_);
    return idle_.empty() ? nullptr : take_from_idle(idle_.back());
  }

  PosixClock clock_;
  const bool serial_;
  std::mutex mutex_;
  std::atomic<bool> stopping_ = false;
  std::deque<Task> queue_;
  Timers timers_;
  bool timers_turn_ = false;
  std::deque<Sleeper> sleepers_;
  std::vector<Sleeper*> idle_;
  Sleeper* timer_sleeper_ = nullptr;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Executor> PosixExecutors::serial(std::string_view name) { return pool(name, 1); }

std::unique_ptr<Executor> PosixExecutors::pool(std::string_view name, int threads) {
  return std::make_unique<ThreadExecutor>(name, threads);
}

}  // namespace nokv
