// An ordered key-value store: the cache of a prefix of the log that reads are answered from.
//
// It has no write-ahead log of its own. After a crash it holds what some earlier moment held, as a
// whole: the state after the first n batches ever written. Two implementations: RocksDB
// (engine/rocks_engine.h) and an ordered map in memory (engine/memory_engine.h), one conformance
// suite (engine/testing/engine_suite.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nokv::engine {

// Walks keys in byte order. One thread at a time. What key() and value() return is valid until the
// next move.
class Iterator {
 public:
  virtual ~Iterator() = default;

  // To the first key at or after `key` and within the bounds.
  virtual void seek(std::string_view key) = 0;
  virtual void next() = 0;
  // False at the end and after an error: status() tells which.
  virtual bool valid() const = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // Errors: data_loss when a block's checksum is wrong; the message names the file.
  virtual Result<> status() const = 0;
};

// The store as it was at one moment. Thread-safe; keeps that moment readable while it lives.
class Snapshot {
 public:
  virtual ~Snapshot() = default;

  // Sets `value` and returns true, or returns false when there is no such key. Blocks on the disk
  // when the block is in no cache. Errors: data_loss (names the file), unavailable.
  virtual Result<bool> get(std::string_view key, std::string& value) const = 0;

  // As get() for each key, cheaper than one by one. `values` has as many elements as `keys`; an
  // absent key gives nullopt.
  virtual Result<> multi_get(std::span<const std::string_view> keys,
                             std::vector<std::optional<std::string>>& values) const = 0;

  // Over keys in [begin, end); an empty `end` is no bound. Not positioned: seek() first. The
  // snapshot outlives it.
  virtual std::unique_ptr<Iterator> iterate(std::string_view begin, std::string_view end) const = 0;
};

// Changes that happen together. The last one of a key wins. Home: one thread.
class Batch {
 public:
  virtual ~Batch() = default;
  virtual void put(std::string_view key, std::string_view value) = 0;
  virtual void remove(std::string_view key) = 0;
  virtual void clear() = 0;
};

struct Stats {
  uint64_t live_bytes = 0;    // of the files on disk (0 in memory)
  uint64_t memory_bytes = 0;  // memtables, caches and table readers
  uint64_t keys_estimate = 0;
};

// One writer at a time; readers on any thread. "Empty value" and "absent" are different things.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::unique_ptr<Batch> batch() = 0;

  // Applies all of `batch` or, when it returns an error, possibly nothing: then the engine takes
  // no further writes. Visible to snapshots made from now on.
  // Errors: resource_exhausted (disk full), data_loss, unavailable.
  virtual Result<> write(Batch& batch) = 0;

  virtual std::shared_ptr<const Snapshot> snapshot() const = 0;

  // Makes everything written so far survive a crash. Blocks; may run beside a writer.
  virtual Result<> flush() = 0;

  // The value of `key` as a crash at this moment would leave it: read from the files, not from
  // memory. Blocks.
  virtual Result<std::optional<std::string>> durable_get(std::string_view key) const = 0;

  // Writes into the directory `dir` files of its own (copies, never links to live files) from
  // which open() gives back the state of this moment; verified by reading them back. A file that
  // an earlier checkpoint below the same parent directory already holds may be shared with it by
  // copying only once. Blocks; may run beside a writer.
  virtual Result<> checkpoint(const std::string& dir) = 0;

  // Gives back the space of keys removed in [begin, end) soon. Blocks; may run beside a writer.
  virtual Result<> compact(std::string_view begin, std::string_view end) = 0;

  virtual Stats stats() const = 0;
};

}  // namespace nokv::engine
