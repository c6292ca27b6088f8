#include "client/block_cache.h"

namespace nokv::client {

BlockBytes BlockCache::State::find(const Key& key) {
  auto found = by_key.find(key);
  if (found == by_key.end()) return nullptr;
  entries.splice(entries.begin(), entries, found->second);
  ++hits;
  return found->second->bytes;
}

void BlockCache::State::keep(const Key& key, BlockBytes block) {
  if (block->size() > bytes_max || by_key.contains(key)) return;
  bytes += block->size();
  entries.push_front({key, std::move(block)});
  by_key[key] = entries.begin();
  while (bytes > bytes_max) {
    bytes -= entries.back().bytes->size();
    by_key.erase(entries.back().key);
    entries.pop_back();
  }
}

BlockBytes BlockCache::find(uint64_t blob, uint32_t block) {
  std::lock_guard lock(state_->mutex);
  return state_->find({blob, block});
}

void BlockCache::fetch(const BlockPlace& place, Duration time_max, Done<BlockBytes> done) {
  Key key{place.blob, place.block};
  BlockBytes here;
  {
    std::lock_guard lock(state_->mutex);
    here = state_->find(key);
    if (!here) {
      auto [waiters, first] = state_->fetching.try_emplace(key);
      waiters->second.push_back(std::move(done));
      if (!first) return;
    }
  }
  // NOLINTNEXTLINE(bugprone-use-after-move): it was moved only when the block is not here
  if (here) return done(std::move(here));
  io_.get(place, {.time = time_max}, [state = state_, key](Result<std::string> got) {
    Result<BlockBytes> block = BlockBytes();
    if (got) {
      block = std::make_shared<const std::string>(std::move(*got));
    } else {
      block = std::unexpected(std::move(got).error());
    }
    std::vector<Done<BlockBytes>> waiters;
    {
      std::lock_guard lock(state->mutex);
      if (block) state->keep(key, *block);
      waiters = std::move(state->fetching.at(key));
      state->fetching.erase(key);
    }
    for (auto& waiter : waiters) waiter(block);
  });
}

uint64_t BlockCache::hits() const {
  std::lock_guard lock(state_->mutex);
  return state_->hits;
}

uint64_t BlockCache::bytes() const {
  std::lock_guard lock(state_->mutex);
  return state_->bytes;
}

}  // namespace nokv::client
