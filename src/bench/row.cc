#include "bench/row.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace nokv::bench {

double median(std::vector<double> values) {
  check(!values.empty(), "a median is of something");
  std::ranges::sort(values);
  size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

double percentile(const std::vector<double>& sorted, double share) {
  check(!sorted.empty() && share > 0 && share <= 1, "a percentile is of something");
  auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

std::optional<double> Row::ratio() const {
  if (!value || !floor || floor->value <= 0) return std::nullopt;
  return *value / floor->value;
}

void Row::take(const std::vector<Run>& runs) {
  check(!runs.empty(), "a row has at least one run");
  std::vector<double> values;
  std::vector<double> latencies;
  for (const Run& run : runs) {
    values.push_back(run.value);
    latencies.insert(latencies.end(), run.latencies_us.begin(), run.latencies_us.end());
  }
  count = static_cast<int>(values.size());
  auto [low, high] = std::ranges::minmax(values);
  min = low;
  max = high;
  value = median(std::move(values));
  if (latencies.empty()) return;
  std::ranges::sort(latencies);
  p50_us = percentile(latencies, 0.5);
  p99_us = percentile(latencies, 0.99);
}

}  // namespace nokv::bench
