// Which versions stay readable, and for which trees.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/record.h"
#include "codec/redo.h"
#include "meta/shared_set.h"
#include "meta/tree.h"

namespace nokv::meta {

// A pin and its id.
struct Pin {
  uint64_t id = 0;
  std::shared_ptr<const codec::PinRecord> record;
};

// All pins of a shard. Apply and recovery change it; readers ask it which version an --at means.
// A copy costs nothing and stays as it is, so that one is published with each state, however many
// pins there are; a change costs O(log n). Home: apply's thread; a copy, any.
class PinTable {
 public:
  // Reads all pins from the engine. Replaces what was here.
  Result<> load(const View& view);

  void add(uint64_t id, codec::PinRecord pin);
  void mark_going(uint64_t id);
  void remove(uint64_t id);
  void renew(uint64_t id, int64_t expires_ns);

  // Good until this table changes.
  const codec::PinRecord* find(uint64_t id) const;
  size_t size() const { return pins_.size(); }
  // Those that are not going, of one kind.
  size_t count(codec::PinKind kind) const { return counts_[static_cast<size_t>(kind)]; }

  struct ById {
    static uint64_t id(uint64_t id) { return id; }
    static uint64_t id(const Pin& pin) { return pin.id; }
    bool operator()(const auto& a, const auto& b) const { return id(a) < id(b); }
  };
  // By id, those that are going included.
  const SharedSet<Pin, ById>& all() const { return pins_; }

  // For who looks for a version.
  struct Live {
    uint64_t version = 0;
    uint64_t id = 0;
    auto operator<=>(const Live&) const = default;
  };
  // Those that are not going, those of them that are moments, and those that are; the oldest first.
  const SharedSet<Live>& live() const { return live_; }
  const SharedSet<Live>& moments() const { return moments_; }
  const SharedSet<Live>& going() const { return going_; }

  // Of those that are not going; 0: there are none.
  uint64_t oldest_version() const;
  uint64_t newest_version() const;

  // The newest one of versions [low, high] and, with `scope`, of that scope; but for `skip`. Of
  // several at one version the first. Version 0: there is none.
  Live newest(uint64_t low, uint64_t high, const NodeId* scope, uint64_t skip) const;
  // The same of moments.
  Live newest_moment(uint64_t low, uint64_t high, uint64_t skip) const;
  // Appends those of one kind and scope, the newest first, until `out` has `max`.
  void gather(uint64_t low, uint64_t high, const NodeId& scope, codec::PinKind kind, size_t max,
              std::vector<uint64_t>& out) const;

  // Those that show `path` and can be counted on (the base of a clone goes with the clone), the
  // oldest first.
  std::vector<const codec::PinRecord*> showing(std::string_view path) const;
  // The first of them at exactly that version; null: none.
  const codec::PinRecord* showing_at(std::string_view path, uint64_t version) const;

  // Up to `max` of those that a past record, valid for versions [birth, death), is filed under.
  // `past` is its key.
  Result<std::vector<uint64_t>> filed_under(const View& view, std::string_view past, uint64_t birth,
                                            uint64_t death, size_t max) const;

  // Those whose time is over.
  std::vector<uint64_t> expired(int64_t now_ns) const;

 private:
  // Of a pin's scope. Ids have one hash in a process; those of others may have the same.
  struct Scoped {
    size_t hash = 0;
    uint64_t version = 0;
    uint64_t id = 0;
    auto operator<=>(const Scoped&) const = default;
  };
  struct PathKey {
    std::string_view path;
    uint64_t version = 0;
    uint64_t id = 0;
    auto operator<=>(const PathKey&) const = default;
  };
  struct ByPath {
    static PathKey key(const PathKey& key) { return key; }
    static PathKey key(const Pin& pin) {
      return {pin.record->path, pin.record->version, pin.id};
    }
    bool operator()(const auto& a, const auto& b) const { return key(a) < key(b); }
  };
  struct Expiry {
    int64_t ns = 0;
    uint64_t id = 0;
    auto operator<=>(const Expiry&) const = default;
  };

  void list(const Pin& pin);
  void unlist(const Pin& pin);

  SharedSet<Pin, ById> pins_;
  SharedSet<Live> going_;
  // Those that are not going.
  SharedSet<Live> live_;
  SharedSet<Live> moments_;
  SharedSet<Scoped> by_scope_;
  SharedSet<Pin, ByPath> by_path_;  // without the bases of clones
  SharedSet<Expiry> expiring_;
  std::array<size_t, 4> counts_{};  // by kind
};

// Decides where an overwritten record goes: the one rule of retention.
//
// A record of directory d, valid for versions [birth, death), is needed by the pin (p, scope) if
// birth <= p < death and the chain of parents of d, read at p and through hops, reaches scope. The
// present is never looked at, so answers for (pin, directory) do not change and are cached; and
// they are the same for all versions back to the last move on the chain, so pins are not asked
// singly. `view` must hold the state before the record is overwritten. One thread.
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

  // Up to `max` of the pins of this kind that need the record, none when none does.
  Result<std::vector<uint64_t>> needing(const View& view, std::string_view key, const Raw& old,
                                        uint64_t death, codec::PinKind kind, size_t max);

  // A released pin's answers are not asked for again.
  void forget(uint64_t pin);

 private:
  // The parents of a directory, as they were at all versions of [from, upto].
  struct Chain {
    uint64_t from = 0;
    uint64_t upto = 0;
    struct Step {
      NodeId directory;
      uint64_t since = 0;  // the directory the chain is of lies below it since then, at least
    };
    std::vector<Step> steps;  // the directory itself first
  };
  // Directories that a record belongs to, and nodes whose pins need it wherever it was.
  struct Owners {
    NodeId directory;
    NodeId scope;
    bool told = false;  // false: where it belonged depends on the version
  };

  Result<bool> below(const View& view, uint64_t id, const codec::PinRecord& pin,
                     const NodeId& directory);
  Result<const Chain*> chain(const View& view, const NodeId& directory, uint64_t version);
  static Result<Owners> owners(std::string_view key, const Raw& old);
  Result<std::optional<uint64_t>> keeper_singly(const View& view, std::string_view key,
                                                const Raw& old, uint64_t death, uint64_t skip);

  const PinTable& pins_;
  size_t cache_max_;
  std::unordered_map<uint64_t, std::unordered_map<NodeId, bool>> answers_;  // by pin
  size_t answered_ = 0;
  std::unordered_map<NodeId, std::vector<Chain>> chains_;
};

// The blobs that a record mentions, each once for each mention. `inline_` says which table.
struct BlobMention {
  uint64_t blob = 0;
  bool is_inline = false;
};
Result<std::vector<BlobMention>> blobs_of(std::string_view key, std::string_view value);
void append_blobs(const codec::Body& body, std::vector<BlobMention>& out);

}  // namespace nokv::meta
