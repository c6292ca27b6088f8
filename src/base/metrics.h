// Numbers about the running program, for Prometheus.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nokv {

// Only grows. Thread-safe; an addition is one atomic instruction.
class alignas(64) Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// Goes up and down. Thread-safe; as cheap as Counter.
class alignas(64) Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

// How often which values came. Thread-safe; an observation is a short search and two atomic
// additions.
class alignas(64) Histogram {
 public:
  // `bounds` rise: the inclusive upper ends of the buckets. Above the last is one more.
  explicit Histogram(std::span<const double> bounds);

  void observe(double value);

  struct Snapshot {
    std::vector<double> bounds;
    std::vector<uint64_t> counts;  // one more than bounds; not cumulative
    double sum = 0;
    uint64_t count() const;
  };
  Snapshot snapshot() const;

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_ = 0;
};

// Bucket bounds: seconds from 5 µs to 20 s, and bytes from 256 to 1 GiB.
std::span<const double> duration_buckets();
std::span<const double> size_buckets();

// {{"verb", "publish"}}. Few values each: every combination is a series that stays.
using Labels = std::vector<std::pair<std::string, std::string>>;

// The registry, one per program, handed in. Names are nokv_<module>_<what>[_<unit>], and end in
// _total for counters alone; `help` says what it counts and what a high value means. Asking for the
// same name and labels again gives the same object. A name has one kind, and at most 1000 series:
// both are check()ed. Thread-safe; objects live as long as the registry.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& counter(const std::string& name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(const std::string& name, std::string_view help,
                       std::span<const double> bounds, const Labels& labels = {});

  // A gauge that is asked for its value when the text is made: `read` must be cheap, thread-safe
  // and must not come back here. The last one given for a name and labels counts.
  void gauge_from(const std::string& name, std::string_view help, std::function<double()> read,
                  const Labels& labels = {});

  // Prometheus's text format, version 0.0.4, by name.
  std::string prometheus() const;

 private:
  struct Family;

  // Under mutex_.
  Family& family(const std::string& name, std::string_view help, std::string_view type);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>> families_;
};

}  // namespace nokv
