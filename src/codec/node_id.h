// NodeId: the name of a node for ever, which also says where the node came from.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nokv::codec {

// One step through a clone: the node was seen through clone `clone`, `generation` clones of clones
// away from where it was made.
struct Hop {
  uint64_t clone = 0;
  uint32_t generation = 0;
  auto operator<=>(const Hop&) const = default;
};

// Nodes that differ have ids that differ, at all times. The hops are the node's region; a node
// that is in no clone has none. At most kHopsMax hops.
struct NodeId {
  uint64_t origin = 0;  // 0: no node
  std::vector<Hop> hops;

  static constexpr size_t kHopsMax = 16;

  explicit operator bool() const { return origin != 0; }
  auto operator<=>(const NodeId&) const = default;

  // In values and messages: varints, origin first.
  void put_bytes(std::string& out) const;
  bool take_bytes(std::string_view in);

  // In keys: fixed width, ordered by origin, then by hops; no id's bytes begin another's.
  void put_key(std::string& out) const;
  bool take_key(std::string_view& in);

  // For people and JSON: "17", "17.5:0" (origin, then clone:generation for each hop), in decimal.
  std::string text() const;
  static Result<NodeId> parse(std::string_view text);
};

// The root of every new namespace.
inline NodeId root_id() { return NodeId{1, {}}; }

}  // namespace nokv::codec

template <>
struct std::hash<nokv::codec::NodeId> {
  size_t operator()(const nokv::codec::NodeId& id) const noexcept {
    uint64_t h = id.origin * 0x9e3779b97f4a7c15;
    for (const auto& hop : id.hops) {
      h = (h ^ (h >> 29) ^ hop.clone) * 0xbf58476d1ce4e5b9;
      h = (h ^ hop.generation) * 0x94d049bb133111eb;
    }
    return h ^ (h >> 32);
  }
};
