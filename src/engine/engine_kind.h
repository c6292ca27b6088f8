// Which engine a data directory holds: how it is opened, and how a checkpoint takes its place.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "engine/engine.h"

namespace nokv::engine {

// Implementations: RocksKind (engine/rocks_engine.h) and MemoryKind (engine/memory_engine.h).
class EngineKind {
 public:
  virtual ~EngineKind() = default;

  // The engine in `dir`, an empty one when nothing is there. Blocks. Errors: data_loss names the
  // file; resource_exhausted, unavailable.
  virtual Result<std::unique_ptr<Engine>> open(const std::string& dir) = 0;

  // Copies a checkpoint to `dir`, which must be missing or empty. Blocks. Errors: not_found when
  // there is no whole checkpoint, data_loss names the file; resource_exhausted, unavailable.
  virtual Result<> restore(const std::string& checkpoint, const std::string& dir) = 0;
};

}  // namespace nokv::engine
