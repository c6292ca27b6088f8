#include "bench/load.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace nokv::bench {
namespace {

// What the lanes share.
struct Loop {
  Loop(const Clock& the_clock, const LoadOptions& the_options, const Begin& the_begin)
      : clock(the_clock),
        options(the_options),
        begin(the_begin),
        started(clock.now()),
        open(options.lanes) {}

  const Clock& clock;
  const LoadOptions& options;
  const Begin& begin;
  const Clock::Instant started;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> failed{false};

  std::mutex mutex;
  std::condition_variable ended;
  int open;  // lanes that are not at their end
  std::optional<Error> error;
  std::vector<double> latencies_us;

  void fail_with(Error why) {
    std::lock_guard lock(mutex);
    failed = true;
    if (!error) error.emplace(std::move(why));
  }
  bool wants_more(uint64_t number, Clock::Instant now) const {
    return number < options.count && now - started < options.time && !failed &&
           !options.stop.stop_requested();
  }
};

// One operation after another. An answer that comes before begin() has returned must not begin the
// next one from inside: the stack would grow with every operation.
class Lane : public std::enable_shared_from_this<Lane> {
 public:
  Lane(Loop& loop, int index) : loop_(loop), index_(index) {}

  void run() {
    for (;;) {
      uint64_t number = loop_.next.fetch_add(1);
      began_ = loop_.clock.now();
      if (!loop_.wants_more(number, began_)) return end();
      turn_.store(Turn::begun);
      loop_.begin(index_, number, [self = shared_from_this()](Result<> result) {
        self->answered(std::move(result));
      });
      Turn begun = Turn::begun;
      if (turn_.compare_exchange_strong(begun, Turn::returned)) return;
    }
  }

 private:
  enum class Turn : uint8_t {
    begun,
    returned,
    answered
  };

  void answered(Result<> result) {
    latencies_us_.push_back(static_cast<double>((loop_.clock.now() - began_).count()) / 1e3);
    if (!result) loop_.fail_with(std::move(result).error());
    if (turn_.exchange(Turn::answered) == Turn::returned) run();
  }

  void end() {
    std::lock_guard lock(loop_.mutex);
    auto& all = loop_.latencies_us;
    all.insert(all.end(), latencies_us_.begin(), latencies_us_.end());
    if (--loop_.open == 0) loop_.ended.notify_all();
  }

  Loop& loop_;
  const int index_;
  Clock::Instant began_;
  std::atomic<Turn> turn_{Turn::begun};
  std::vector<double> latencies_us_;
};

}  // namespace

double Load::per_second() const {
  double seconds = static_cast<double>(std::max<int64_t>(elapsed.count(), 1)) / 1e9;
  return static_cast<double>(operations) / seconds;
}

Result<Load> run_load(const Clock& clock, const LoadOptions& options, const Begin& begin) {
  Loop loop(clock, options, begin);
  for (int i = 0; i < options.lanes; ++i) std::make_shared<Lane>(loop, i)->run();
  std::unique_lock lock(loop.mutex);
  loop.ended.wait(lock, [&] { return loop.open == 0; });
  if (loop.error) return std::unexpected(*std::move(loop.error));
  if (options.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
  Load load;
  load.elapsed = clock.now() - loop.started;
  load.operations = loop.latencies_us.size();
  load.numbers = loop.next;
  load.latencies_us = std::move(loop.latencies_us);
  return load;
}

}  // namespace nokv::bench
