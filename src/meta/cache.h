// The newest values of hot records, in memory, for all threads.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/guarded.h"

namespace nokv::meta {

// Holds whole values (with their birth) of live records by key, least recently used out first.
//
// Exact for every reader: apply tells each change before the state that holds it can be read, and
// a value is given only to readers at or after its birth. A reader that found a value in an older
// state may offer it; it is taken only when nothing in its stripe changed since.
// Thread-safe; never blocks for long.
class RecordCache {
 public:
  explicit RecordCache(size_t capacity_bytes);

  // The value (birth in front) of `key` as a reader of version `version` sees it, or nullopt when
  // the engine must say.
  std::optional<std::string> find(std::string_view key, uint64_t version) const;

  // `value` was read in the state of `version`.
  void offer(std::string_view key, std::string_view value, uint64_t version);

  // `version` gave `key` this value (birth in front), or removed it. Only apply calls it.
  // `insert` keeps it even if it was not here.
  void change(std::string_view key, const std::optional<std::string>& value, uint64_t version,
              bool insert);

  void clear();
  size_t bytes() const;
  // Of find(), since the start.
  struct Counters {
    uint64_t hits = 0;
    uint64_t misses = 0;
  };
  Counters counters() const;

 private:
  struct Item {
    std::string key;
    std::string value;
    uint64_t birth = 0;
  };
  struct Stripe {
    std::list<Item> items;  // most recently used first
    std::unordered_map<std::string_view, std::list<Item>::iterator> index;
    size_t bytes = 0;
    uint64_t changed = 0;  // the last version that touched a key of this stripe
    Counters counters;
  };
  static constexpr size_t kStripes = 16;

  Guarded<Stripe>& stripe(std::string_view key) const;
  static void set(Stripe& stripe, std::string_view key, std::string_view value, size_t capacity);
  static void erase(Stripe& stripe, std::string_view key);

  size_t stripe_capacity_;
  mutable std::vector<std::unique_ptr<Guarded<Stripe>>> stripes_;
};

}  // namespace nokv::meta
