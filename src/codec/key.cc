#include "codec/key.h"

namespace nokv::codec {

namespace {

std::string start(Table table, size_t more) {
  std::string out;
  out.reserve(1 + more);
  out += static_cast<char>(table);
  return out;
}

bool take_table(std::string_view& in, Table table) {
  if (in.empty() || static_cast<uint8_t>(in[0]) != static_cast<uint8_t>(table)) return false;
  in.remove_prefix(1);
  return true;
}

}  // namespace

std::string dentry_key(const NodeId& directory, std::string_view name) {
  std::string out = start(Table::dentry, 9 + directory.hops.size() * 12 + name.size());
  directory.put_key(out);
  out += name;
  return out;
}

std::string node_table_key(Table table, const NodeId& id) {
  std::string out = start(table, 9 + id.hops.size() * 12);
  id.put_key(out);
  return out;
}

std::string node_key(const NodeId& id) { return node_table_key(Table::node, id); }
std::string moved_key(const NodeId& file) { return node_table_key(Table::moved, file); }

std::string link_key(const NodeId& file, const NodeId& parent, std::string_view name) {
  std::string out = node_table_key(Table::link, file);
  parent.put_key(out);
  out += name;
  return out;
}

std::string chunk_key(const NodeId& file, uint64_t body_number, uint32_t index) {
  std::string out = node_table_key(Table::chunk, file);
  put_u64(out, body_number);
  put_u32(out, index);
  return out;
}

std::string detached_key(const NodeId& id, uint64_t body_number) {
  std::string out = node_table_key(Table::detached, id);
  put_u64(out, body_number);
  return out;
}

std::string table_key(Table table) { return start(table, 0); }

std::string number_key(Table table, uint64_t number) {
  std::string out = start(table, 8);
  put_u64(out, number);
  return out;
}

std::string bytes_key(Table table, std::string_view bytes) {
  std::string out = start(table, bytes.size());
  out += bytes;
  return out;
}

std::string clone_key(uint64_t clone) { return number_key(Table::clone, clone); }

std::string filed_key(uint64_t pin, std::string_view past_key) {
  std::string out = number_key(Table::filed, pin);
  out += past_key;
  return out;
}

std::string dead_key(int64_t time_ns, uint64_t blob) {
  std::string out = number_key(Table::dead, static_cast<uint64_t>(time_ns));
  put_u64(out, blob);
  return out;
}

std::string request_key(std::string_view session, uint32_t slot) {
  std::string out = bytes_key(Table::request, session);
  put_u32(out, slot);
  return out;
}

std::string grave_key(uint64_t clone, const NodeId& id) {
  std::string out = number_key(Table::grave, clone);
  id.put_key(out);
  return out;
}

std::string shortcut_key(uint64_t clone, std::string_view key) {
  std::string out = number_key(Table::shortcut, clone);
  out += key;
  return out;
}

std::string prefix_end(std::string prefix) {
  while (!prefix.empty()) {
    if (static_cast<uint8_t>(prefix.back()) != 0xff) {
      prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return prefix;
}

std::string past_key(std::string_view key, uint64_t death) {
  std::string out;
  out.reserve(key.size() + 9);
  out += static_cast<char>(static_cast<uint8_t>(key[0]) | kPast);
  out += key.substr(1);
  out += '\0';  // names hold no NUL, other keys have one length: no key's past lies in another's
  put_u64(out, death);
  return out;
}

bool split_past_key(std::string_view past, std::string& key, uint64_t& death) {
  if (past.size() < 10 || past[past.size() - 9] != '\0') return false;
  auto table = static_cast<uint8_t>(past[0]);
  if ((table & kPast) == 0) return false;
  std::string_view tail = past.substr(past.size() - 8);
  key.assign(past.substr(0, past.size() - 9));
  key[0] = static_cast<char>(table & ~kPast);
  return take_u64(tail, death);
}

bool split_dentry_key(std::string_view key, DentryKey& out) {
  if (!take_table(key, Table::dentry) || !out.directory.take_key(key)) return false;
  out.name = key;
  return true;
}

bool split_link_key(std::string_view key, LinkKey& out) {
  if (!take_table(key, Table::link) || !out.file.take_key(key) || !out.parent.take_key(key)) {
    return false;
  }
  out.name = key;
  return true;
}

bool split_chunk_key(std::string_view key, ChunkKey& out) {
  return take_table(key, Table::chunk) && out.file.take_key(key) &&
         take_u64(key, out.body_number) && take_u32(key, out.index) && key.empty();
}

bool split_detached_key(std::string_view key, NodeId& id, uint64_t& body_number) {
  return take_table(key, Table::detached) && id.take_key(key) && take_u64(key, body_number) &&
         key.empty();
}

std::string changed_key(const NodeId& directory, uint64_t version, std::string_view name) {
  std::string out = node_table_key(Table::changed, directory);
  put_u64(out, version);
  out += name;
  return out;
}

bool split_changed_key(std::string_view key, ChangedKey& out) {
  if (!take_table(key, Table::changed) || !out.directory.take_key(key) ||
      !take_u64(key, out.version)) {
    return false;
  }
  out.name = key;
  return true;
}

bool split_grave_key(std::string_view key, uint64_t& clone, NodeId& id) {
  return take_table(key, Table::grave) && take_u64(key, clone) && id.take_key(key) && key.empty();
}

bool split_shortcut_key(std::string_view key, uint64_t& clone, std::string_view& of) {
  if (!take_table(key, Table::shortcut) || !take_u64(key, clone)) return false;
  of = key;
  return true;
}

bool split_first_node(std::string_view key, NodeId& id, std::string_view& rest) {
  if (key.empty()) return false;
  rest = key.substr(1);
  return id.take_key(rest);
}

bool split_node_key(std::string_view key, NodeId& out) {
  if (key.empty()) return false;
  key.remove_prefix(1);
  return out.take_key(key) && key.empty();
}

bool split_number_key(std::string_view key, uint64_t& out) {
  if (key.empty()) return false;
  key.remove_prefix(1);
  return take_u64(key, out) && key.empty();
}

}  // namespace nokv::codec
