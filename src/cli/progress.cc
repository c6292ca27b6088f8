#include "cli/progress.h"

#include <algorithm>
#include <utility>

#include "cli/values.h"

namespace nokv::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kQuietFor = 500ms;
constexpr size_t kBarWidth = 24;

double seconds(Duration d) { return std::max(1e-3, static_cast<double>(d.count()) / 1e9); }

uint64_t rate(uint64_t bytes, Duration elapsed) {
  return static_cast<uint64_t>(static_cast<double>(bytes) / seconds(elapsed));
}

// Seconds until the rest is done at the rate so far.
uint64_t seconds_left(uint64_t bytes, uint64_t total, Duration elapsed) {
  uint64_t per_second = std::max<uint64_t>(1, rate(bytes, elapsed));
  return (total - std::min(bytes, total) + per_second - 1) / per_second;
}

}  // namespace

Progress::Progress(Output& out, const Clock& clock, std::string what, uint64_t total_bytes)
    : out_(out),
      clock_(clock),
      what_(std::move(what)),
      start_(clock.now()),
      total_(total_bytes),
      next_ns_((out.json() ? Duration(1s) : kQuietFor).count()) {}

Progress::~Progress() {
  drawn_.with([&](bool& drawn) {
    if (drawn && !out_.json()) out_.raw_err("\r\x1b[K");
    return 0;
  });
}

void Progress::add(uint64_t bytes) {
  bytes_ += bytes;
  draw();
}

void Progress::add_file() {
  ++files_;
  draw();
}

void Progress::draw() {
  if (!out_.options.progress) return;
  Duration elapsed = clock_.now() - start_;
  int64_t next = next_ns_.load();
  if (elapsed.count() < next) return;
  Duration step = out_.json() ? Duration(1s) : Duration(100ms);
  // Whoever moves the time on draws.
  if (!next_ns_.compare_exchange_strong(next, elapsed.count() + step.count())) return;
  drawn_.with([&](bool& drawn) {
    drawn = true;
    out_.raw_err(out_.json() ? json(elapsed) + "\n" : str("\r", bar(elapsed), "\x1b[K"));
    return 0;
  });
}

std::string Progress::bar(Duration elapsed) const {
  uint64_t bytes = bytes_;
  uint64_t total = total_;
  std::string text = str(what_, " ", human_size(bytes));
  if (total > 0) {
    uint64_t shown = std::min(bytes, total);
    size_t full = static_cast<size_t>(static_cast<double>(shown) / static_cast<double>(total) *
                                      static_cast<double>(kBarWidth));
    text += str(" of ", human_size(total), " [", std::string(full, '#'),
                std::string(kBarWidth - full, '.'), "]");
  }
  text += str("  ", human_size(rate(bytes, elapsed)), "/s");
  if (total > 0) {
    auto left = std::chrono::seconds(seconds_left(bytes, total, elapsed));
    text += str("  ", duration_text(left), " left");
  }
  if (files_ > 1) text += str("  ", files_.load(), " files");
  return text;
}

std::string Progress::json(Duration elapsed) const {
  JsonObject inner;
  inner.add("what", what_)
      .add("bytes", bytes_.load())
      .add("files", files_.load())
      .add("bytes_per_s", rate(bytes_, elapsed));
  if (total_ > 0) {
    inner.add("total_bytes", total_.load()).add("left_s", seconds_left(bytes_, total_, elapsed));
  }
  return JsonObject().add("progress", inner).text();
}

}  // namespace nokv::cli
