// Keys of the engine: one ordered space, a table is one leading byte. docs/formats/keys.md
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/node_id.h"

namespace nokv::codec {

// Big-endian, so that byte order is number order.
inline void put_u64(std::string& out, uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift);
}
inline void put_u32(std::string& out, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift);
}
inline bool take_u64(std::string_view& in, uint64_t& v) {
  if (in.size() < 8) return false;
  v = 0;
  for (int i = 0; i < 8; ++i) v = (v << 8) | static_cast<uint8_t>(in[static_cast<size_t>(i)]);
  in.remove_prefix(8);
  return true;
}
inline bool take_u32(std::string_view& in, uint32_t& v) {
  if (in.size() < 4) return false;
  v = 0;
  for (int i = 0; i < 4; ++i) v = (v << 8) | static_cast<uint8_t>(in[static_cast<size_t>(i)]);
  in.remove_prefix(4);
  return true;
}

// The first byte of a key. Numbers are never reused. Tables below 0x20 are versioned: what is
// overwritten or removed in them is kept in the past key space while a pin needs it.
enum class Table : uint8_t {
  dentry = 0x10,  // directory NodeId, name
  node = 0x11,    // NodeId
  link = 0x12,    // file NodeId, parent NodeId, name
  moved = 0x13,   // file NodeId
  chunk = 0x14,   // file NodeId, body number, chunk index
  clone = 0x15,   // clone id

  root = 0x20,         // -
  blob = 0x21,         // blob id
  inline_blob = 0x22,  // blob id
  pin = 0x23,          // pin id
  filed = 0x24,        // pin id, past key
  snapshot = 0x25,     // name
  session = 0x26,      // session id (16 bytes)
  request = 0x27,      // session id, sequence number modulo the window
  upload = 0x28,       // upload id
  detached = 0x29,     // NodeId, body number: to be swept; 0: a directory that left the tree
  dead = 0x2a,         // log time of its death, blob id: what garbage collection works through
  grave = 0x2b,        // clone id, NodeId: node whiteouts of a clone
  space = 0x2c,        // - : bytes held, by reason
  clone_life = 0x2d,   // clone id
  ending = 0x2e,       // clone id: nothing live names it; to be ended, and its whiteouts swept
  state = 0x2f,        // -
  changed = 0x30,      // directory NodeId, version, name: what changed in a large directory
  quota = 0x31,        // NodeId: a directory whose own record has a quota
  shortcut = 0x32,     // clone id, live key as it reads in the clone; no key: the clone's FlatClone
  flattening = 0x33,   // clone id: to be flattened; or it is gone, and its shortcuts are to go
};

constexpr uint8_t kVersionedEnd = 0x20;
// The past of table t lies in table t | kPast: key, 0x00, death.
constexpr uint8_t kPast = 0x80;

inline bool is_versioned(std::string_view key) {
  return !key.empty() && static_cast<uint8_t>(key[0]) < kVersionedEnd;
}

std::string dentry_key(const NodeId& directory, std::string_view name);
std::string node_key(const NodeId& id);
std::string link_key(const NodeId& file, const NodeId& parent, std::string_view name);
std::string moved_key(const NodeId& file);
std::string chunk_key(const NodeId& file, uint64_t body_number, uint32_t index);
std::string clone_key(uint64_t clone);
std::string filed_key(uint64_t pin, std::string_view past_key);
std::string dead_key(int64_t time_ns, uint64_t blob);
std::string request_key(std::string_view session, uint32_t slot);
std::string grave_key(uint64_t clone, const NodeId& id);
std::string shortcut_key(uint64_t clone, std::string_view key);
// Tables with no key, one number, or bytes as key.
std::string table_key(Table table);
std::string number_key(Table table, uint64_t number);
std::string bytes_key(Table table, std::string_view bytes);
std::string node_table_key(Table table, const NodeId& id);
std::string detached_key(const NodeId& id, uint64_t body_number);

// All keys of a table that begin with the node: [prefix, prefix_end(prefix)).
std::string prefix_end(std::string prefix);

// The record of live `key` that died at `death`. Sorts by key first, then by death.
std::string past_key(std::string_view key, uint64_t death);
// The live key and the death in a past key; false when it is none.
bool split_past_key(std::string_view past, std::string& key, uint64_t& death);

struct DentryKey {
  NodeId directory;
  std::string_view name;
};
bool split_dentry_key(std::string_view key, DentryKey& out);
struct LinkKey {
  NodeId file;
  NodeId parent;
  std::string_view name;
};
bool split_link_key(std::string_view key, LinkKey& out);
struct ChunkKey {
  NodeId file;
  uint64_t body_number = 0;
  uint32_t index = 0;
};
bool split_chunk_key(std::string_view key, ChunkKey& out);
bool split_detached_key(std::string_view key, NodeId& id, uint64_t& body_number);
std::string changed_key(const NodeId& directory, uint64_t version, std::string_view name);
struct ChangedKey {
  NodeId directory;
  uint64_t version = 0;
  std::string_view name;
};
bool split_changed_key(std::string_view key, ChangedKey& out);
bool split_grave_key(std::string_view key, uint64_t& clone, NodeId& id);
bool split_shortcut_key(std::string_view key, uint64_t& clone, std::string_view& of);
// Of tables whose key begins with a NodeId: that, and the rest.
bool split_first_node(std::string_view key, NodeId& id, std::string_view& rest);
// Of tables whose key is one NodeId.
bool split_node_key(std::string_view key, NodeId& out);
// Of tables whose key is one number.
bool split_number_key(std::string_view key, uint64_t& out);

}  // namespace nokv::codec
