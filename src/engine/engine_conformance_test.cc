#include "base/posix/posix_files.h"
#include "engine/memory_engine.h"
#include "engine/rocks_engine.h"
#include "engine/testing/engine_suite.h"

namespace nokv::engine {
namespace {

std::unique_ptr<Engine> open_rocks(const std::string& dir) {
  return RocksEngine::open(dir, {}).value();
}

// Small enough that the model's batches reach several files.
std::unique_ptr<Engine> open_small_rocks(const std::string& dir) {
  return RocksEngine::open(
             dir, {.block_cache_bytes = 1 << 20, .memtable_bytes = 64 << 10, .block_bytes = 512})
      .value();
}

std::unique_ptr<Engine> open_memory(const std::string& dir) {
  static PosixFiles files;
  return MemoryEngine::open(files, dir).value();
}

INSTANTIATE_TEST_SUITE_P(Memory, EngineSuite,
                         testing::Values(EngineUnderTest{"memory", open_memory}), engine_kind_name);
INSTANTIATE_TEST_SUITE_P(Rocks, EngineSuite,
                         testing::Values(EngineUnderTest{"standard", open_rocks},
                                         EngineUnderTest{"small", open_small_rocks}),
                         engine_kind_name);

}  // namespace
}  // namespace nokv::engine
