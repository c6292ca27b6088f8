// What a benchmark found: one row, next to its floor from the same run. docs/benchmarks.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/env/clock.h"

namespace nokv::bench {

// The least that the machine itself takes, or the most that it gives, for the same work.
struct Floor {
  std::string row;
  double value = 0;
  std::string unit;
};

// One measured run: how much in its unit, and how long each of its operations took.
struct Run {
  double value = 0;
  std::vector<double> latencies_us;
};

struct Row {
  std::string row;
  std::optional<double> value;  // the median of the runs; none when the row failed
  std::string unit;
  std::optional<double> p50_us;
  std::optional<double> p99_us;
  double min = 0;
  double max = 0;
  int count = 0;  // runs
  std::optional<Floor> floor;
  std::string boundary;    // engine, rpc, sdk, object store
  std::string durability;  // durable, early, none
  std::string cache;       // cold, warm, none
  int concurrency = 1;

  std::optional<uint64_t> entries;          // of the directory that was worked on
  std::optional<double> requests;           // sent to the server, for each operation
  std::optional<uint64_t> object_requests;  // sent by the client, and by the server where it tells
  std::optional<uint64_t> peak_memory;      // bytes held by this process so far, at most
  std::string error;                        // why it failed

  // value / floor: for times at least 1, for rates at most 1, when the floor is one.
  std::optional<double> ratio() const;

  // Value, runs and percentiles; the latencies of all runs count together.
  void take(const std::vector<Run>& runs);
};

// ---- statistics

// The middle one, or the mean of the two in the middle. `values` is not empty.
double median(std::vector<double> values);

// The smallest value that at least `share` of all do not exceed (nearest rank). `sorted` is not
// empty and in order; `share` is in (0, 1].
double percentile(const std::vector<double>& sorted, double share);

constexpr double to_us(Duration d) { return static_cast<double>(d.count()) / 1e3; }
constexpr double to_s(Duration d) { return static_cast<double>(d.count()) / 1e9; }

}  // namespace nokv::bench
