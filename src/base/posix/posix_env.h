// The real Env: what a program hands to everything below it.
#pragma once

#include "base/env/env.h"
#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_files.h"
#include "base/posix/posix_random.h"

namespace nokv {

// Owns the four; outlives whoever holds the Env.
struct PosixEnv {
  PosixClock clock;
  PosixRandom random;
  PosixFiles files;
  PosixExecutors executors;

  Env env() { return Env{clock, random, files, executors}; }
};

}  // namespace nokv
