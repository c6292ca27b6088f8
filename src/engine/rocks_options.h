// The settings that RocksDB runs with.
#pragma once

#include <memory>

#include "engine/rocks_engine.h"

namespace rocksdb {
class Cache;
struct Options;
}  // namespace rocksdb

namespace nokv::engine {

// Why each is what it is stands beside it in the .cc.
rocksdb::Options rocks_options(const RocksOptions& options,
                               const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace nokv::engine
