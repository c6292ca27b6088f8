// Time, as the program may see it.
#pragma once

#include <chrono>
#include <cstdint>

namespace nokv {

using Duration = std::chrono::nanoseconds;

// Nanoseconds since 1970-01-01 UTC: what attributes, events and the log store.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

constexpr int64_t to_unix_ns(WallTime t) { return t.time_since_epoch().count(); }
constexpr WallTime from_unix_ns(int64_t ns) { return WallTime{Duration{ns}}; }

// Where time comes from. The real one reads the machine's clocks; SimClock is moved by the test.
// Thread-safe; never blocks.
class Clock {
 public:
  // A moment on this clock, of use only against other moments of the same process.
  using Instant = std::chrono::time_point<Clock, Duration>;

  virtual ~Clock() = default;

  // The boot clock: never goes back, and counts the time the machine sleeps.
  virtual Instant now() const = 0;

  // The wall clock: may jump either way.
  virtual WallTime wall() const = 0;
};

}  // namespace nokv
