// Verified blocks kept in memory, and those being fetched.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/block_io.h"

namespace nokv::client {

using BlockBytes = std::shared_ptr<const std::string>;

// A block never changes, so what is here is never stale. Keeps the blocks used last, up to
// `bytes_max`. Whoever wants a block that is being fetched gets it with the first one. Thread-safe;
// nothing blocks.
class BlockCache {
 public:
  // `io` outlives the cache's fetches.
  BlockCache(BlockIo& io, uint64_t bytes_max)
      : io_(io), state_(std::make_shared<State>(bytes_max)) {}

  // The block, when it is here.
  BlockBytes find(uint64_t blob, uint32_t block);

  // From here or from where it lies. Errors: those of BlockIo::get().
  void fetch(const BlockPlace& place, Duration time_max, Done<BlockBytes> done);

  uint64_t hits() const;
  uint64_t bytes() const;

 private:
  using Key = std::pair<uint64_t, uint32_t>;
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept {
      return (key.first * 0x9e3779b97f4a7c15) ^ (uint64_t{key.second} * 0xc2b2ae3d27d4eb4f);
    }
  };
  struct Entry {
    Key key;
    BlockBytes bytes;
  };
  struct State {
    explicit State(uint64_t most) : bytes_max(most) {}

    BlockBytes find(const Key& key);
    void keep(const Key& key, BlockBytes block);

    const uint64_t bytes_max;
    std::mutex mutex;
    std::list<Entry> entries;  // used last in front
    std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> by_key;
    std::map<Key, std::vector<Done<BlockBytes>>> fetching;
    uint64_t bytes = 0;
    uint64_t hits = 0;
  };

  BlockIo& io_;
  std::shared_ptr<State> state_;
};

}  // namespace nokv::client
