// What the machine itself gives: round trips, syncs and copies without anything of ours.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/env/clock.h"
#include "base/result.h"
#include "bench/row.h"

namespace nokv::bench {

constexpr size_t kEchoRequestBytes = 115;
constexpr size_t kEchoReplyBytes = 190;
constexpr size_t kSyncBytes = 300;

// Two threads and plain blocking sockets on loopback: each request of kEchoRequestBytes gets
// `reply_bytes`, one at a time, for `time`. The run's value is the median in microseconds.
// Errors: unavailable (no socket).
Result<Run> echo_run(const Clock& clock, size_t reply_bytes, Duration time);

// pwrite of `bytes` and fdatasync, one after another, into a file in `directory` that was written
// before and has no name, so that nothing is left behind. Value as above.
// Errors: unavailable (no such file can be made there).
Result<Run> sync_run(const Clock& clock, const std::string& directory, size_t bytes, Duration time);

// Copies of `bytes` from random places of a body of `body_bytes` into strings of their own; the
// value is copies per second.
Run copy_run(const Clock& clock, size_t body_bytes, size_t bytes, Duration time);

}  // namespace nokv::bench
