// A benchmark's rows, as JSON and as a table that grows line by line.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env/clock.h"
#include "bench/bench.h"
#include "bench/row.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"

namespace nokv::cli {

JsonObject bench_json(const bench::Row& row);

// Writes each row at once, for a benchmark takes minutes: with --json one object, else columns
// under a heading that is written by the first one. Says on a terminal which row runs, and how long
// the rest will take; with --json --progress in one object for each row.
class BenchTable {
 public:
  // `what` names the work ("bench").
  BenchTable(Output& out, const Clock& clock, std::string what)
      : out_(out), clock_(clock), what_(std::move(what)), began_(clock.now()) {}

  // What hears of the rows; lives as long as the table.
  bench::BenchListener listener();

 private:
  void begins(std::string_view row, size_t at, size_t all);
  void measured(const bench::Row& row);

  Output& out_;
  const Clock& clock_;
  const std::string what_;
  const Clock::Instant began_;
  bool headed_ = false;
};

// How a command ends that measured and failed to measure.
Exit exit_of_rows(const bench::BenchSummary& summary);

// "a,b" and repeated options alike.
std::vector<std::string> comma_separated(const std::vector<std::string>& texts);

// A number as people and JSON read it: no more digits than mean something.
std::string figure(double value);

}  // namespace nokv::cli
