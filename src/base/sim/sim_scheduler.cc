#include "base/sim/sim_scheduler.h"

#include <algorithm>

#include "base/check.h"
#include "base/result.h"

namespace nokv {

SimExecutor::SimExecutor(SimScheduler& scheduler, std::string host, std::string_view name,
                         int threads)
    : scheduler_(scheduler),
      host_(std::move(host)),
      name_(str(host_, "/", name)),
      threads_(static_cast<size_t>(threads)) {
  check(threads > 0, "an executor has a thread");
  check(name.size() <= 15, "a thread's name has at most 15 bytes");
  scheduler_.executors_.push_back(this);
}

SimExecutor::~SimExecutor() {
  check(running_ == 0, "a task does not end its executor");
  kill();
  std::erase(scheduler_.executors_, this);
}

void SimExecutor::post(Task task) {
  if (!dead_) scheduler_.enqueue(*this, Entry{std::move(task), 0});
}

TimerId SimExecutor::after(Duration delay, Task task) {
  return dead_ ? 0 : scheduler_.add_timer(*this, delay, std::move(task), false);
}

TimerId SimExecutor::deliver(Duration delay, Task task) {
  return dead_ ? 0 : scheduler_.add_timer(*this, delay, std::move(task), true);
}

// Up to the last moment: a timer that is due already waits in the queue.
void SimExecutor::cancel(TimerId timer) {
  if (timer == 0) return;
  Task dropped;  // destroyed last, for what it holds may call back
  auto due = scheduler_.due_of_.find(timer);
  if (due != scheduler_.due_of_.end()) {
    auto found = scheduler_.timed_.find(SimScheduler::Key(due->second, timer));
    if (found->second.executor == this) dropped = scheduler_.take_timer(found).task;
    return;
  }
  auto queued = std::find_if(queue_.begin(), queue_.end(),
                             [timer](const Entry& entry) { return entry.timer == timer; });
  if (queued == queue_.end()) return;
  dropped = std::move(queued->task);
  queue_.erase(queued);
  --scheduler_.queued_;
  scheduler_.update_ready(*this);
}

void SimExecutor::kill() {
  dead_ = true;
  std::vector<SimScheduler::Timed> timers;  // destroyed last, as in cancel()
  std::deque<Entry> queue;
  for (auto it = scheduler_.timed_.begin(); it != scheduler_.timed_.end();) {
    auto timer = it++;
    if (timer->second.executor == this) timers.push_back(scheduler_.take_timer(timer));
  }
  std::swap(queue, queue_);
  scheduler_.queued_ -= queue.size();
  scheduler_.update_ready(*this);
}

SimScheduler::~SimScheduler() { check(executors_.empty(), "a scheduler outlives its executors"); }

std::unique_ptr<SimExecutor> SimScheduler::executor(std::string_view host, std::string_view name,
                                                    int threads) {
  return std::make_unique<SimExecutor>(*this, std::string(host), name, threads);
}

void SimScheduler::kill_host(std::string_view host) {
  // From the start again each time: the tasks that are dropped may own further executors.
  for (;;) {
    auto found = std::find_if(executors_.begin(), executors_.end(), [host](SimExecutor* executor) {
      return executor->host_ == host && !executor->dead_;
    });
    if (found == executors_.end()) return;
    (*found)->kill();
  }
}

TimerId SimScheduler::add_timer(SimExecutor& executor, Duration delay, Executor::Task task,
                                bool on_its_way) {
  constexpr Duration delay_max = std::chrono::hours(24 * 365 * 100);
  TimerId id = ++last_timer_;
  Clock::Instant due = clock_.now() + std::clamp(delay, Duration{0}, delay_max);
  timed_.emplace(Key(due, id), Timed{&executor, std::move(task), on_its_way});
  due_of_.emplace(id, due);
  if (on_its_way) ++on_its_way_;
  return id;
}

SimScheduler::Timed SimScheduler::take_timer(std::map<Key, Timed>::iterator timer) {
  Timed out = std::move(timer->second);
  due_of_.erase(timer->first.second);
  timed_.erase(timer);
  if (out.on_its_way) --on_its_way_;
  return out;
}

void SimScheduler::enqueue(SimExecutor& executor, SimExecutor::Entry entry) {
  executor.queue_.push_back(std::move(entry));
  ++queued_;
  update_ready(executor);
}

void SimScheduler::update_ready(SimExecutor& executor) {
  bool is_ready = !executor.queue_.empty() && executor.running_ < executor.threads_;
  auto listed = std::find(ready_.begin(), ready_.end(), &executor);
  if (is_ready && listed == ready_.end()) ready_.push_back(&executor);
  if (!is_ready && listed != ready_.end()) ready_.erase(listed);
}

void SimScheduler::fire_due() {
  while (!timed_.empty() && timed_.begin()->first.first <= clock_.now()) {
    TimerId id = timed_.begin()->first.second;
    Timed timed = take_timer(timed_.begin());
    enqueue(*timed.executor, SimExecutor::Entry{std::move(timed.task), id});
  }
}

// Runs one task if there is one that can begin at `end` at the latest.
bool SimScheduler::step_before(Clock::Instant end) {
  fire_due();
  while (ready_.empty()) {
    if (timed_.empty() || timed_.begin()->first.first > end) return false;
    pass_to(timed_.begin()->first.first);
    fire_due();
  }
  run(*ready_[random_.below(ready_.size())]);
  return true;
}

void SimScheduler::run(SimExecutor& executor) {
  size_t among = std::min(executor.queue_.size(), executor.threads_ - executor.running_);
  auto chosen = executor.queue_.begin();
  if (among > 1) chosen += static_cast<ptrdiff_t>(random_.below(among));
  SimExecutor::Entry entry = std::move(*chosen);
  executor.queue_.erase(chosen);
  --queued_;
  ++executor.running_;
  update_ready(executor);
  ++events_;
  mix(executor.name_);
  if (trace_) trace_(str(clock_.now().time_since_epoch().count(), " ", executor.name_));
  entry.task();
  entry.task = nullptr;
  --executor.running_;
  update_ready(executor);
  if (task_time_max_ > Duration{0}) clock_.advance(random_.between(Duration{0}, task_time_max_));
}

void SimScheduler::pass_to(Clock::Instant moment) {
  if (moment > clock_.now()) clock_.advance(moment - clock_.now());
}

bool SimScheduler::step() { return step_before(Clock::Instant::max()); }

void SimScheduler::run_until_idle(uint64_t events_max) {
  for (uint64_t last = events_ + events_max; queued_ + on_its_way_ > 0;) {
    check(events_ < last, "the simulation comes to rest");
    if (!step()) return;  // what is queued waits for a task that is running further out
  }
}

void SimScheduler::run_for(Duration time) {
  Clock::Instant end = clock_.now() + time;
  while (clock_.now() <= end && step_before(end)) {
  }
  pass_to(end);
}

bool SimScheduler::run_until(const std::function<bool()>& holds, Duration limit) {
  Clock::Instant end = clock_.now() + limit;
  while (!holds()) {
    if (clock_.now() > end || !step_before(end)) {
      pass_to(end);
      return holds();
    }
  }
  return true;
}

void SimScheduler::note(std::string_view fact) {
  mix(fact);
  if (trace_) trace_(str(clock_.now().time_since_epoch().count(), " ", fact));
}

void SimScheduler::mix(std::string_view text) {
  // FNV-1a over the time and the text; a digest for comparing, nothing more.
  auto add = [this](uint64_t byte) { history_ = (history_ ^ byte) * 0x100000001b3; };
  auto now = static_cast<uint64_t>(clock_.now().time_since_epoch().count());
  for (int shift = 0; shift < 64; shift += 8) add(now >> shift & 0xff);
  for (char c : text) add(static_cast<unsigned char>(c));
  add(0x100);
}

}  // namespace nokv
