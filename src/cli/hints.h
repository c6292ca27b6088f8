// What to say after an error: near misses of what is there, and the way on when nobody answers.
#pragma once

#include <string>

#include "base/result.h"
#include "client/client.h"

namespace nokv::cli {

struct HintScene {
  Client& client;
  std::string url;  // of the namespace
  bool embedded = false;
  std::string path;  // that the error is about; may be empty
  std::string at;    // --at
};

// `error` with a hint where there is one. Asks the namespace, briefly; blocks for at most a second
// or two.
Error add_hint(Error error, const HintScene& scene);

// The hint when no server answers at `url`.
std::string unreachable_hint();

}  // namespace nokv::cli
