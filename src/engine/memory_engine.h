// An Engine in memory: an ordered map that keeps what living snapshots still see.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/env/files.h"
#include "engine/engine.h"
#include "engine/engine_kind.h"

namespace nokv::engine {

// For tests and the simulator. What flush() stored is all that a crash leaves: destroy the engine
// and open() the same directory again. A snapshot may outlive the engine. Thread-safe as Engine
// says; a read takes a shared lock.
class MemoryEngine final : public Engine {
 public:
  // Without a disk: flush() keeps its copy in memory, checkpoint() is failed_precondition.
  MemoryEngine();

  // The state that the last flush() or checkpoint() into `dir` left there; empty when there is
  // none. `files` outlives the engine. Errors: data_loss names the file, and those of Files.
  static Result<std::unique_ptr<MemoryEngine>> open(Files& files, const std::string& dir);

  ~MemoryEngine() override;

  std::unique_ptr<Batch> batch() override;
  Result<> write(Batch& batch) override;
  std::shared_ptr<const Snapshot> snapshot() const override;
  Result<> flush() override;
  Result<std::optional<std::string>> durable_get(std::string_view key) const override;
  Result<> checkpoint(const std::string& dir) override;
  Result<> compact(std::string_view begin, std::string_view end) override;
  Stats stats() const override;

  // The name of the one file in an engine's directory.
  static constexpr std::string_view kFileName = "memory_engine.v1";

 private:
  class State;
  class MemorySnapshot;
  class MemoryIterator;
  class MemoryBatch;

  Result<std::string> durable_image() const;

  std::shared_ptr<State> state_;
  Files* files_ = nullptr;
  std::string dir_;
  mutable std::mutex flush_mutex_;  // one flush at a time; guards image_
  std::string image_;               // what flush() stored, when there is no disk
};

// Engines on the disk that `files` is.
class MemoryKind final : public EngineKind {
 public:
  // `files` outlives the engines.
  explicit MemoryKind(Files& files) : files_(files) {}

  Result<std::unique_ptr<Engine>> open(const std::string& dir) override;
  Result<> restore(const std::string& checkpoint, const std::string& dir) override;

 private:
  Files& files_;
};

}  // namespace nokv::engine
