// Measures a running namespace: creating, looking up, listing, writing and reading, each next to
// what the machine itself would take. docs/benchmarks.md
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/env/env.h"
#include "base/result.h"
#include "bench/row.h"
#include "client/client.h"

namespace nokv::bench {

struct BenchParts {
  Env env;
  // Another connection to the same namespace, and what a client is made of. Outlives the run.
  std::function<client::ClientParts()> connect;
  bool embedded = false;  // in this process: no wire
};

struct BenchOptions {
  std::string path = "/";
  bool quick = false;                // every row once
  bool keep = false;                 // leave what was made
  uint64_t entries_max = 1'000'000;  // rows of larger directories are left out
  std::vector<std::string> rows;     // their names; empty: all
  Duration deadline = std::chrono::seconds(10);
  std::stop_token stop;
};

struct BenchSummary {
  size_t measured = 0;
  size_t failed = 0;
  std::string directory;  // that was worked in
};

// Names of the rows, in the order in which they run, and what each measures.
struct RowInfo {
  std::string_view name;
  std::string_view what;
  uint64_t entries = 0;  // the directory's size, where the row is about one
};
std::vector<RowInfo> bench_rows();

// Hears of each row: when it begins (with how many were before, and are in all), and its result.
struct BenchListener {
  std::function<void(std::string_view row, size_t at, size_t all)> begins;
  std::function<void(const Row&)> measured;
};

// Blocks, for some minutes; with quick for less than one. A row that fails is told as such, and the
// next one begins. Everything happens in a directory `.bench-…` below the path, which is removed.
// Errors: those of the namespace before the first row; invalid_argument (no such row); cancelled.
Result<BenchSummary> run_bench(const BenchParts& parts, const BenchOptions& options,
                               const BenchListener& listener);

}  // namespace nokv::bench
