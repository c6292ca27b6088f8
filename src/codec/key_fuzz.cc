// A key that splits is made of its parts again, so no two keys mean the same.
#include "codec/key.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace nokv::codec {
namespace {

void split(std::string_view key) {
  DentryKey dentry;
  if (split_dentry_key(key, dentry)) {
    check(dentry_key(dentry.directory, dentry.name) == key, "a dentry key");
  }
  LinkKey link;
  if (split_link_key(key, link)) {
    check(link_key(link.file, link.parent, link.name) == key, "a link key");
  }
  ChunkKey chunk;
  if (split_chunk_key(key, chunk)) {
    check(chunk_key(chunk.file, chunk.body_number, chunk.index) == key, "a chunk key");
  }
  NodeId id;
  uint64_t number = 0;
  if (split_detached_key(key, id, number)) {
    check(detached_key(id, number) == key, "a detached key");
  }
  if (split_node_key(key, id)) check(node_table_key(Table{uint8_t(key[0])}, id) == key, "a node");
  if (split_number_key(key, number)) {
    check(number_key(Table{uint8_t(key[0])}, number) == key, "a number key");
  }
  std::string live;
  if (split_past_key(key, live, number)) check(past_key(live, number) == key, "a past key");
}

void read_id(std::string_view bytes) {
  NodeId id;
  if (id.take_bytes(bytes)) {
    std::string again;
    id.put_bytes(again);
    NodeId back;
    check(back.take_bytes(again) && back == id, "a node id in a value");
  }
  if (auto parsed = NodeId::parse(bytes)) {
    check(NodeId::parse(parsed->text()).value() == *parsed, "a node id as text");
  }
}

}  // namespace
}  // namespace nokv::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  nokv::codec::split(bytes);
  nokv::codec::read_id(bytes);
  return 0;
}
