#include "meta/pins.h"

#include <algorithm>

#include "base/known_bad.h"

namespace nokv::meta {

using codec::PinRecord;
using codec::Table;

Result<> PinTable::load(const View& view) {
  pins_.clear();
  by_version_.clear();
  auto rows = view.snapshot().iterate(codec::table_key(Table::pin),
                                      codec::prefix_end(codec::table_key(Table::pin)));
  for (rows->seek(codec::table_key(Table::pin)); rows->valid(); rows->next()) {
    uint64_t id = 0;
    PinRecord pin;
    if (!codec::split_number_key(rows->key(), id) || !codec::decode(rows->value(), pin)) {
      return damaged(rows->key());
    }
    add(id, std::move(pin));
  }
  return rows->status();
}

void PinTable::add(uint64_t id, PinRecord pin) {
  by_version_[pin.version].push_back(id);
  pins_.emplace(id, std::move(pin));
}

void PinTable::mark_going(uint64_t id) {
  auto found = pins_.find(id);
  if (found != pins_.end()) found->second.going = true;
}

void PinTable::remove(uint64_t id) {
  auto found = pins_.find(id);
  if (found == pins_.end()) return;
  auto row = by_version_.find(found->second.version);
  std::erase(row->second, id);
  if (row->second.empty()) by_version_.erase(row);
  pins_.erase(found);
}

void PinTable::renew(uint64_t id, int64_t expires_ns) {
  auto found = pins_.find(id);
  if (found != pins_.end()) found->second.expires_ns = expires_ns;
}

const PinRecord* PinTable::find(uint64_t id) const {
  auto found = pins_.find(id);
  return found == pins_.end() ? nullptr : &found->second;
}

Result<std::optional<uint64_t>> Retention::keeper(const View& view, std::string_view key,
                                                  const Raw& old, uint64_t death, uint64_t skip) {
  const auto& versions = pins_.by_version();
  // Newest first, so the first at or below death - 1.
  for (auto row = versions.lower_bound(death - 1); row != versions.end(); ++row) {
    if (row->first < old.birth) break;
    for (uint64_t id : row->second) {
      const PinRecord& pin = *pins_.find(id);
      if (id == skip || pin.going) continue;
      if (known_bad(KnownBad::clone_base_not_kept) && pin.kind == codec::PinKind::clone) continue;
      NOKV_ASSIGN(bool needed, needs(view, id, pin, key, old));
      if (needed) return id;
    }
  }
  return std::nullopt;
}

void Retention::forget(uint64_t pin) {
  std::erase_if(answers_, [pin](const auto& row) { return row.first.pin == pin; });
}

Result<bool> Retention::below(const View& view, uint64_t id, const PinRecord& pin,
                              const NodeId& directory) {
  if (directory == pin.scope) return true;
  // A moment is of the root and needs all that was attached; what was not may stay by mistake.
  if (pin.kind == codec::PinKind::moment) return true;
  Asked asked{id, directory};
  if (auto known = answers_.find(asked); known != answers_.end()) return known->second;
  Tree tree(view, known_bad(KnownBad::retention_at_present) ? kNow : pin.version);
  NOKV_ASSIGN(bool found, tree.is_below(directory, pin.scope));
  if (answers_.size() >= cache_max_) answers_.clear();
  answers_.emplace(std::move(asked), found);
  return found;
}

// Which directories a record belongs to, at the pin; and for a pin of a single file, whether it
// is that file's.
Result<bool> Retention::needs(const View& view, uint64_t id, const PinRecord& pin,
                              std::string_view key, const Raw& old) {
  auto table = static_cast<Table>(key[0]);
  if (table == Table::dentry) {
    codec::DentryKey dentry;
    codec::Dentry value;
    if (!codec::split_dentry_key(key, dentry) || !codec::decode(old.value, value)) {
      return damaged(key);
    }
    if (value.child == pin.scope) return true;
    return below(view, id, pin, dentry.directory);
  }
  if (table == Table::clone) return false;  // kept by its own counters, not by pins
  NodeId node;
  codec::LinkKey link;
  codec::ChunkKey chunk;
  if (table == Table::link) {
    if (!codec::split_link_key(key, link)) return damaged(key);
    if (link.file == pin.scope) return true;
    return below(view, id, pin, link.parent);
  }
  if (table == Table::chunk) {
    if (!codec::split_chunk_key(key, chunk)) return damaged(key);
    node = chunk.file;
  } else if (!codec::split_node_key(key, node)) {
    return damaged(key);
  }
  if (node == pin.scope) return true;
  if (table == Table::node) {
    codec::NodeRecord record;
    if (!codec::decode(old.value, record)) return damaged(key);
    if (record.directory) return below(view, id, pin, node);
  }
  if (table == Table::moved) {
    codec::MovedRecord moved;
    if (!codec::decode(old.value, moved)) return damaged(key);
    return below(view, id, pin, moved.parent);
  }
  // A file's own record: any directory that named the file at the pin.
  Tree tree(view, pin.version);
  NOKV_ASSIGN(auto moved, tree.moved(node));
  if (moved) return below(view, id, pin, moved->parent);
  NOKV_ASSIGN(auto names, tree.names(node));
  for (const FileName& name : names) {
    NOKV_ASSIGN(bool found, below(view, id, pin, name.parent));
    if (found) return true;
  }
  return false;
}

namespace {

void append_chunk(const codec::ChunkRecord& chunk, std::vector<BlobMention>& out) {
  for (const codec::Extent& extent : chunk.extents) {
    if (extent.blob != 0) out.push_back({extent.blob, extent.is_inline});
  }
}

}  // namespace

void append_blobs(const codec::Body& body, std::vector<BlobMention>& out) {
  if (body.blob == 0) return;
  if (body.is_inline) {
    out.push_back({body.blob, true});
    return;
  }
  for (uint64_t i = 0; i < codec::blob_count(body.base_size); ++i) {
    out.push_back({body.blob + i, false});
  }
}

Result<std::vector<BlobMention>> blobs_of(std::string_view key, std::string_view value) {
  std::vector<BlobMention> out;
  switch (static_cast<Table>(key[0])) {
    case Table::dentry: {
      codec::Dentry dentry;
      if (!codec::decode(value, dentry)) return damaged(key);
      if (dentry.inode) append_blobs(dentry.inode->body, out);
      break;
    }
    case Table::node: {
      codec::NodeRecord node;
      if (!codec::decode(value, node)) return damaged(key);
      if (node.inode) append_blobs(node.inode->body, out);
      break;
    }
    case Table::chunk: {
      codec::ChunkRecord chunk;
      if (!codec::decode(value, chunk)) return damaged(key);
      append_chunk(chunk, out);
      break;
    }
    default:
      break;
  }
  return out;
}

}  // namespace nokv::meta
