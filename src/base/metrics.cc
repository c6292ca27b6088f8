#include "base/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include "base/check.h"
#include "base/result.h"

namespace nokv {
namespace {

constexpr size_t kSeriesMax = 1000;

constexpr std::array<double, 14> kDurationBuckets = {5e-6, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3,
                                                     2e-3, 5e-3, 2e-2, 0.1,  0.5,  2,    20};
constexpr std::array<double, 12> kSizeBuckets = {256.0,      1024.0,     4096.0,      16384.0,
                                                 65536.0,    262144.0,   1048576.0,   4194304.0,
                                                 16777216.0, 67108864.0, 268435456.0, 1073741824.0};

bool is_name(std::string_view name) {
  bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  // nokv_<module>_<what>[_<unit>]: a mere number of things has none
  return plain && name.starts_with("nokv_") && std::count(name.begin(), name.end(), '_') >= 2;
}

void append(std::string& out, auto number) {
  std::array<char, 32> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), end);
}

// The format's escapes for help texts; for label values also the quote.
void append_text(std::string& out, std::string_view text, bool quoted) {
  for (char c : text) {
    if (c == '\\' || (quoted && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

// `verb="publish",shard="0"`: also what a series is found by.
std::string text_of(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += name + "=\"";
    append_text(out, value, true);
    out += '"';
  }
  return out;
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, auto value) {
  out += name;
  if (!labels.empty()) out += str("{", labels, "}");
  out += ' ';
  append(out, value);
  out += '\n';
}

void append_histogram(std::string& out, const std::string& name, const std::string& labels,
                      const Histogram& histogram) {
  Histogram::Snapshot snapshot = histogram.snapshot();
  uint64_t below = 0;
  for (size_t i = 0; i < snapshot.counts.size(); ++i) {
    below += snapshot.counts[i];
    std::string bucket = labels + (labels.empty() ? "le=\"" : ",le=\"");
    if (i < snapshot.bounds.size()) {
      append(bucket, snapshot.bounds[i]);
    } else {
      bucket += "+Inf";
    }
    append_sample(out, name + "_bucket", bucket + "\"", below);
  }
  append_sample(out, name + "_sum", labels, snapshot.sum);
  append_sample(out, name + "_count", labels, below);
}

template <class T>
using Series = std::map<std::string, T>;

// The entry for those labels, made by `make` when it is new.
template <class T>
T& entry(Series<std::unique_ptr<T>>& series, const Labels& labels, auto make) {
  auto [found, is_new] = series.try_emplace(text_of(labels));
  check(series.size() <= kSeriesMax, "a metric has few series");
  if (is_new) found->second = make();
  return *found->second;
}

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {
  check(std::is_sorted(bounds.begin(), bounds.end(), std::less_equal<>()), "bounds rise");
}

void Histogram::observe(double value) {
  auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot out{bounds_, {}, sum_.load(std::memory_order_relaxed)};
  for (const auto& count : counts_) out.counts.push_back(count.load(std::memory_order_relaxed));
  return out;
}

uint64_t Histogram::Snapshot::count() const {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

std::span<const double> duration_buckets() { return kDurationBuckets; }
std::span<const double> size_buckets() { return kSizeBuckets; }

struct Metrics::Family {
  std::string_view type;
  std::string help;
  Series<std::unique_ptr<Counter>> counters;
  Series<std::unique_ptr<Gauge>> gauges;
  Series<std::function<double()>> reads;
  Series<std::unique_ptr<Histogram>> histograms;
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(const std::string& name, std::string_view help,
                                 std::string_view type) {
  check(is_name(name), "a metric's name is nokv_<module>_<what>[_<unit>]");
  check(name.ends_with("_total") == (type == "counter"), "counters alone end in _total");
  auto& found = families_[name];
  if (found == nullptr)
    found = std::make_unique<Family>(Family{type, std::string(help), {}, {}, {}, {}});
  check(found->type == type, "a metric has one kind");
  return *found;
}

Counter& Metrics::counter(const std::string& name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& series = family(name, help, "counter").counters;
  return entry(series, labels, [] { return std::make_unique<Counter>(); });
}

Gauge& Metrics::gauge(const std::string& name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& series = family(name, help, "gauge").gauges;
  return entry(series, labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& Metrics::histogram(const std::string& name, std::string_view help,
                              std::span<const double> bounds, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& series = family(name, help, "histogram").histograms;
  return entry(series, labels, [bounds] { return std::make_unique<Histogram>(bounds); });
}

void Metrics::gauge_from(const std::string& name, std::string_view help,
                         std::function<double()> read, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& series = family(name, help, "gauge").reads;
  series[text_of(labels)] = std::move(read);
  check(series.size() <= kSeriesMax, "a metric has few series");
}

std::string Metrics::prometheus() const {
  std::string out;
  std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    out += str("# HELP ", name, " ");
    append_text(out, family->help, false);
    out += str("\n# TYPE ", name, " ", family->type, "\n");
    for (const auto& [labels, counter] : family->counters) {
      append_sample(out, name, labels, counter->value());
    }
    for (const auto& [labels, gauge] : family->gauges) {
      append_sample(out, name, labels, gauge->value());
    }
    for (const auto& [labels, read] : family->reads) append_sample(out, name, labels, read());
    for (const auto& [labels, histogram] : family->histograms) {
      append_histogram(out, name, labels, *histogram);
    }
  }
  return out;
}

}  // namespace nokv
