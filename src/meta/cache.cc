#include "meta/cache.h"

#include "codec/record.h"

namespace nokv::meta {

namespace {
constexpr size_t kItemOverhead = 160;  // list and index nodes, strings
}

RecordCache::RecordCache(size_t capacity_bytes) : stripe_capacity_(capacity_bytes / kStripes) {
  for (size_t i = 0; i < kStripes; ++i) stripes_.push_back(std::make_unique<Guarded<Stripe>>());
}

Guarded<RecordCache::Stripe>& RecordCache::stripe(std::string_view key) const {
  return *stripes_[(std::hash<std::string_view>()(key) >> 7) % kStripes];
}

std::optional<std::string> RecordCache::find(std::string_view key, uint64_t version) const {
  return stripe(key).with([&](Stripe& s) -> std::optional<std::string> {
    auto found = s.index.find(key);
    if (found == s.index.end() || found->second->birth > version) {
      ++s.counters.misses;
      return std::nullopt;
    }
    ++s.counters.hits;
    s.items.splice(s.items.begin(), s.items, found->second);
    return found->second->value;
  });
}

void RecordCache::offer(std::string_view key, std::string_view value, uint64_t version) {
  stripe(key).with([&](Stripe& s) {
    if (s.changed <= version) set(s, key, value, stripe_capacity_);
  });
}

void RecordCache::change(std::string_view key, const std::optional<std::string>& value,
                         uint64_t version, bool insert) {
  stripe(key).with([&](Stripe& s) {
    s.changed = version;
    if (value && (insert || s.index.contains(key))) {
      set(s, key, *value, stripe_capacity_);
    } else if (!value) {
      erase(s, key);
    }
  });
}

void RecordCache::set(Stripe& s, std::string_view key, std::string_view value, size_t capacity) {
  erase(s, key);
  if (key.size() + value.size() + kItemOverhead > capacity / 4) return;
  std::string_view rest = value;
  uint64_t birth = 0;
  codec::take_birth(rest, birth);
  s.items.push_front(Item{std::string(key), std::string(value), birth});
  s.index.emplace(s.items.front().key, s.items.begin());
  s.bytes += key.size() + value.size() + kItemOverhead;
  while (s.bytes > capacity) erase(s, std::string(s.items.back().key));
}

void RecordCache::erase(Stripe& s, std::string_view key) {
  auto found = s.index.find(key);
  if (found == s.index.end()) return;
  auto item = found->second;
  s.bytes -= item->key.size() + item->value.size() + kItemOverhead;
  s.index.erase(found);
  s.items.erase(item);
}

void RecordCache::clear() {
  for (auto& each : stripes_) {
    each->with([](Stripe& s) {
      s.index.clear();
      s.items.clear();
      s.bytes = 0;
    });
  }
}

RecordCache::Counters RecordCache::counters() const {
  Counters sum;
  for (auto& each : stripes_) {
    Counters one = each->with([](Stripe& s) { return s.counters; });
    sum.hits += one.hits;
    sum.misses += one.misses;
  }
  return sum;
}

size_t RecordCache::bytes() const {
  size_t sum = 0;
  for (auto& each : stripes_) sum += each->with([](Stripe& s) { return s.bytes; });
  return sum;
}

}  // namespace nokv::meta
