// Measures an object store alone: PUT, GET, multi-delete, for sizes and numbers of requests at
// once.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/env/env.h"
#include "base/result.h"
#include "bench/bench.h"
#include "object/object_store.h"

namespace nokv::bench {

struct ObjectBenchOptions {
  std::vector<uint64_t> sizes = {4 << 10, 1 << 20, 4 << 20};  // of objects, in bytes
  std::vector<int> at_once = {1, 16};                         // requests
  bool quick = false;                                         // one short run each
  Duration deadline = std::chrono::seconds(10);               // of a request
  std::stop_token stop;
};

// No size may be above this, and no more requests may be on their way at once.
constexpr uint64_t kObjectBytesMax = 64 << 20;
constexpr int kObjectsAtOnceMax = 256;

// Blocks. Objects lie below `nokv-bench-…/` and are removed at the end, also after an error or an
// interrupt. Rows: put_SIZE_N and get_SIZE_N for each size and number at once, delete_SIZE. A row
// that fails is told as such. Errors: those of the store's answer to the first object; cancelled.
Result<BenchSummary> run_object_bench(const Env& env, object::ObjectStore& store,
                                      const ObjectBenchOptions& options,
                                      const BenchListener& listener);

// "4k", "1m", "100"
std::string size_name(uint64_t bytes);

}  // namespace nokv::bench
