// Reads backups without restoring them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backup/repository.h"
#include "base/result.h"

namespace nokv::backup {

struct Damage {
  std::string problem;               // names the object
  std::vector<std::string> backups;  // which need it, oldest first
};

struct CheckReport {
  std::vector<std::string> backups;  // all there are, oldest first
  uint64_t parts = 0;
  uint64_t bytes = 0;  // of the parts that are whole
  std::vector<Damage> damages;
};

// Reads every manifest, and every part that one names, once, and compares them with their
// checksums. Blocks. `read` is told the bytes as they come.
// Errors: those of the store; damage is none, but reported.
Result<CheckReport> check(Repository& repository, const std::function<void(uint64_t bytes)>& read);

}  // namespace nokv::backup
