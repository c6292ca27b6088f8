// Which versions stay readable, and for which trees.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "codec/record.h"
#include "codec/redo.h"
#include "meta/tree.h"

namespace nokv::meta {

// All pins of a shard, ordered by version. Apply and recovery change it; readers ask it which
// version an --at means. Home: wherever it is kept under a lock (shard/state.h).
class PinTable {
 public:
  // Reads all pins from the engine. Replaces what was here.
  Result<> load(const View& view);

  void add(uint64_t id, codec::PinRecord pin);
  void mark_going(uint64_t id);
  void remove(uint64_t id);
  void renew(uint64_t id, int64_t expires_ns);

  const codec::PinRecord* find(uint64_t id) const;
  size_t size() const { return pins_.size(); }

  // Newest version first: ids of the pins, those that are going included.
  const std::map<uint64_t, std::vector<uint64_t>, std::greater<>>& by_version() const {
    return by_version_;
  }
  uint64_t newest_version() const { return by_version_.empty() ? 0 : by_version_.begin()->first; }
  const std::map<uint64_t, codec::PinRecord>& all() const { return pins_; }

 private:
  std::map<uint64_t, codec::PinRecord> pins_;
  std::map<uint64_t, std::vector<uint64_t>, std::greater<>> by_version_;
};

// Decides where an overwritten record goes: the one rule of retention.
//
// A record of directory d, valid for versions [birth, death), is needed by the pin (p, scope) if
// birth <= p < death and the chain of parents of d, read at p and through hops, reaches scope. The
// present is never looked at, so answers for (pin, directory) do not change and are cached.
// `view` must hold the state before the record is overwritten. One thread.
class Retention {
 public:
  explicit Retention(const PinTable& pins, size_t cache_max = 1 << 16)
      : pins_(pins), cache_max_(cache_max) {}

  // The newest pin that needs the record `old` of `key`; nullopt when none does. `skip` is a pin
  // that is being given up.
  Result<std::optional<uint64_t>> keeper(const View& view, std::string_view key, const Raw& old,
                                         uint64_t death, uint64_t skip = 0);

  // Whether the pin needs the record, which was valid at its version.
  Result<bool> needs(const View& view, uint64_t id, const codec::PinRecord& pin,
                     std::string_view key, const Raw& old);

  // A released pin's answers are not asked for again.
  void forget(uint64_t pin);

 private:
  Result<bool> below(const View& view, uint64_t id, const codec::PinRecord& pin,
                     const NodeId& directory);

  const PinTable& pins_;
  size_t cache_max_;
  struct Asked {
    uint64_t pin;
    NodeId directory;
    bool operator==(const Asked&) const = default;
  };
  struct AskedHash {
    size_t operator()(const Asked& a) const {
      return std::hash<NodeId>()(a.directory) ^ (a.pin * 0x9e3779b97f4a7c15);
    }
  };
  std::unordered_map<Asked, bool, AskedHash> answers_;
};

// The blobs that a record mentions, each once for each mention. `inline_` says which table.
struct BlobMention {
  uint64_t blob = 0;
  bool is_inline = false;
};
Result<std::vector<BlobMention>> blobs_of(std::string_view key, std::string_view value);
void append_blobs(const codec::Body& body, std::vector<BlobMention>& out);

}  // namespace nokv::meta
