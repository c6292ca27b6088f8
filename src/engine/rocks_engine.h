// An Engine on the local disk, by RocksDB with its own log switched off.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "engine/engine.h"
#include "engine/engine_kind.h"

namespace nokv::engine {

struct RocksOptions {
  // Blocks, indexes and filters of table files share it.
  uint64_t block_cache_bytes = uint64_t{256} << 20;
  // One memtable; up to four exist, so writing takes at most four times this.
  uint64_t memtable_bytes = uint64_t{32} << 20;
  uint64_t block_bytes = 16 << 10;
  int background_jobs = 2;
  // Makes an empty engine when `dir` has none; else that is not_found.
  bool create = true;
};

// Does its own file I/O, past base/env, so it is not for the simulator. Batches become durable in
// the order they were written, each wholly or not. A snapshot may outlive the engine: the files
// are closed when the last of both is gone. Thread-safe as Engine says.
//
// After a failed write or flush, also one in the background, every further write returns that
// error until the engine is opened again.
class RocksEngine final : public Engine {
 public:
  // Errors: data_loss names the file (damaged, or missing while others are there),
  // failed_precondition when it is open already, here or in another process, not_found,
  // resource_exhausted, unavailable. Blocks.
  static Result<std::unique_ptr<Engine>> open(const std::string& dir, const RocksOptions& options);

  ~RocksEngine() override;

  std::unique_ptr<Batch> batch() override;
  Result<> write(Batch& batch) override;
  std::shared_ptr<const Snapshot> snapshot() const override;
  Result<> flush() override;
  Result<std::optional<std::string>> durable_get(std::string_view key) const override;
  Result<> checkpoint(const std::string& dir) override;
  Result<> compact(std::string_view begin, std::string_view end) override;
  Stats stats() const override;

 private:
  class Core;
  class RocksBatch;
  class RocksSnapshot;
  class RocksIterator;

  explicit RocksEngine(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;
  // Shared by all who ask between two writes: making one takes the database's own mutex.
  mutable std::mutex newest_mutex_;
  mutable std::shared_ptr<const Snapshot> newest_;
};

// Checkpoints are those of engine/rocks_checkpoint.h.
class RocksKind final : public EngineKind {
 public:
  explicit RocksKind(RocksOptions options) : options_(options) {}

  Result<std::unique_ptr<Engine>> open(const std::string& dir) override;
  Result<> restore(const std::string& checkpoint, const std::string& dir) override;

 private:
  RocksOptions options_;
};

}  // namespace nokv::engine
