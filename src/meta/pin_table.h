// The pins of a shard, by all that is asked of them.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "codec/record.h"
#include "meta/shared_set.h"
#include "meta/view.h"

namespace nokv::meta {

using codec::NodeId;

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
  // The one of them at exactly that version with the widest scope, for symlinks lead no further;
  // null: none.
  const codec::PinRecord* showing_at(std::string_view path, uint64_t version) const;

  // Up to `max` of those that a past record, valid for versions [birth, death), is filed under.
  // `past` is its key.
  Result<std::vector<uint64_t>> filed_under(const View& view, std::string_view past, uint64_t birth,
                                            uint64_t death, size_t max) const;

  // Those whose time is over.
  std::vector<uint64_t> expired(int64_t now_ns) const;

 private:
  static constexpr size_t kKinds = 4;

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
    static PathKey key(const Pin& pin) { return {pin.record->path, pin.record->version, pin.id}; }
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
  std::array<size_t, kKinds> counts_{};  // by kind
};

}  // namespace nokv::meta
