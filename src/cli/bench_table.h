// A benchmark's rows, as JSON and as a table that grows line by line.
#pragma once

#include <string>

#include "bench/row.h"
#include "cli/json.h"
#include "cli/output.h"

namespace nokv::cli {

JsonObject bench_json(const bench::Row& row);

// Writes the row at once: a benchmark takes minutes. With --json one object, else columns under a
// heading that is written by the first one.
class BenchTable {
 public:
  explicit BenchTable(Output& out) : out_(out) {}
  void row(const bench::Row& row);

 private:
  Output& out_;
  bool begun_ = false;
};

// A number as people and JSON read it: no more digits than mean something.
std::string figure(double value);

}  // namespace nokv::cli
