// How far long work has come: a bar on a terminal, or a line of JSON per second.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/env/clock.h"
#include "base/guarded.h"
#include "cli/output.h"

namespace nokv::cli {

// Counts bytes and files from any thread; the drawing is done by whoever counts, at most ten times
// a second (JSON: once). Writes nothing unless Output::options.progress is set, and nothing for
// work that is over within half a second.
class Progress {
 public:
  // `what` names the work ("put"). A total of 0 is unknown.
  Progress(Output& out, const Clock& clock, std::string what, uint64_t total_bytes = 0);
  // Removes the bar.
  ~Progress();

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(uint64_t bytes);
  void add_file();
  void set_total(uint64_t bytes) { total_ = bytes; }

  // The text of the bar at a moment `elapsed` after the start: for tests.
  std::string bar(Duration elapsed) const;
  std::string json(Duration elapsed) const;

 private:
  void draw();

  Output& out_;
  const Clock& clock_;
  const std::string what_;
  const Clock::Instant start_;
  std::atomic<uint64_t> total_;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<uint64_t> files_ = 0;
  std::atomic<int64_t> next_ns_;  // since start_
  Guarded<bool> drawn_;
};

}  // namespace nokv::cli
