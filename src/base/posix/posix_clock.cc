#include "base/posix/posix_clock.h"

#include <time.h>

#include "base/check.h"

namespace nokv {
namespace {

Duration read(clockid_t which) {
  timespec t{};
  check(clock_gettime(which, &t) == 0, "the clock can be read");
  return std::chrono::seconds(t.tv_sec) + Duration(t.tv_nsec);
}

}  // namespace

Clock::Instant PosixClock::now() const { return Instant(read(CLOCK_BOOTTIME)); }

WallTime PosixClock::wall() const { return WallTime(read(CLOCK_REALTIME)); }

}  // namespace nokv
