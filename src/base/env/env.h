// All doors to the outside, handed in as one bundle.
#pragma once

#include "base/env/clock.h"
#include "base/env/executor.h"
#include "base/env/files.h"
#include "base/env/random.h"

namespace nokv {

// References to what a program chose; all outlive whoever holds an Env. The network and the object
// store are passed separately, to the few who need them.
struct Env {
  Clock& clock;
  Random& random;
  Files& files;
  Executors& executors;
};

}  // namespace nokv
