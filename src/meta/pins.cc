#include "meta/pins.h"

#include <algorithm>

#include "base/known_bad.h"

namespace nokv::meta {

using codec::PinKind;
using codec::PinRecord;
using codec::Table;

Result<std::optional<uint64_t>> Retention::keeper(const View& view, std::string_view key,
                                                  const Raw& old, uint64_t death, uint64_t skip) {
  NOKV_ASSIGN(auto of, owners(key, old));
  if (!of.told) return keeper_singly(view, key, old, death, skip);
  uint64_t low = old.birth;
  uint64_t high = death - 1;
  PinTable::Live best;
  auto consider = [&](PinTable::Live found) {
    if (found.version > best.version || (found.version == best.version && found.id < best.id)) {
      best = found;
    }
  };
  // A moment is of the root and needs all that was attached; what was not may stay by mistake.
  PinTable::Live moment = pins_.newest_moment(low, high, skip);
  consider(moment);
  if (of.scope) consider(pins_.newest(low, high, &of.scope, skip));
  PinTable::Live next = pins_.newest(low, high, nullptr, skip);
  // Of several at one version it is the first, which a moment is: others come of it.
  while (next.version > moment.version && next.version >= best.version) {
    NOKV_ASSIGN(const Chain* parents, chain(view, of.directory, next.version));
    for (const Chain::Step& step : parents->steps) {
      consider(pins_.newest(std::max(low, step.since), next.version, &step.directory, skip));
    }
    if (parents->from <= low) break;
    next = pins_.newest(low, parents->from - 1, nullptr, skip);
  }
  if (best.version == 0) return std::nullopt;
  if (known_bad(KnownBad::clone_base_not_kept) && pins_.find(best.id)->kind == PinKind::clone) {
    return std::nullopt;
  }
  return best.id;
}

// One pin after the other, the newest first.
Result<std::optional<uint64_t>> Retention::keeper_singly(const View& view, std::string_view key,
                                                         const Raw& old, uint64_t death,
                                                         uint64_t skip) {
  for (uint64_t high = death - 1;;) {
    PinTable::Live pin = pins_.newest(old.birth, high, nullptr, skip);
    if (pin.version == 0) return std::nullopt;
    const auto& live = pins_.live();
    for (const auto* row = &pin; row != nullptr && row->version == pin.version;
         row = live.at_or_after(PinTable::Live{row->version, row->id + 1})) {
      uint64_t id = row->id;
      const PinRecord& record = *pins_.find(id);
      if (id == skip) continue;
      if (known_bad(KnownBad::clone_base_not_kept) && record.kind == PinKind::clone) continue;
      NOKV_ASSIGN(bool needed, needs(view, id, record, key, old));
      if (needed) return id;
    }
    high = pin.version - 1;
  }
}

Result<std::vector<uint64_t>> Retention::needing(const View& view, std::string_view key,
                                                 const Raw& old, uint64_t death, PinKind kind,
                                                 size_t max) {
  std::vector<uint64_t> out;
  NOKV_ASSIGN(auto of, owners(key, old));
  PinTable::Live next = pins_.newest(old.birth, death - 1, nullptr, 0);
  while (next.version != 0 && out.size() < max) {
    uint64_t from = next.version;
    if (of.told) {
      NOKV_ASSIGN(const Chain* parents, chain(view, of.directory, next.version));
      from = std::max(old.birth, parents->from);
      if (of.scope) pins_.gather(from, next.version, of.scope, kind, max, out);
      for (const Chain::Step& step : parents->steps) {
        pins_.gather(std::max(from, step.since), next.version, step.directory, kind, max, out);
      }
    } else {
      const auto& live = pins_.live();
      for (const auto* row = &next; row != nullptr && row->version == from;
           row = live.at_or_after(PinTable::Live{from, row->id + 1})) {
        const PinRecord& pin = *pins_.find(row->id);
        if (pin.kind != kind || out.size() == max) continue;
        NOKV_ASSIGN(bool needed, needs(view, row->id, pin, key, old));
        if (needed) out.push_back(row->id);
      }
    }
    next = from == 0 ? PinTable::Live() : pins_.newest(old.birth, from - 1, nullptr, 0);
  }
  return out;
}

void Retention::forget() {
  // A table keeps its buckets when it is cleared, and clears all of them each time.
  if (!answers_.empty()) answers_ = {};
  if (!chains_.empty()) chains_ = {};
  answered_ = 0;
}

Result<bool> Retention::below(const View& view, uint64_t id, const PinRecord& pin,
                              const NodeId& directory) {
  if (directory == pin.scope) return true;
  if (pin.kind == PinKind::moment) return true;  // as keeper() says
  auto& answers = answers_[id];
  if (auto known = answers.find(directory); known != answers.end()) return known->second;
  Tree tree(view, known_bad(KnownBad::retention_at_present) ? kNow : pin.version);
  NOKV_ASSIGN(bool found, tree.is_below(directory, pin.scope));
  if (answered_ >= cache_max_) {
    answers_.clear();
    answered_ = 0;
  }
  answered_ += answers_[id].emplace(directory, found).second ? 1 : 0;
  return found;
}

namespace {

// The last version up to `version` at which a record under `key` ended; 0: none did.
Result<uint64_t> last_death(const View& view, const std::string& key, uint64_t version) {
  std::string from = codec::past_key(key, 0);
  auto rows = view.snapshot().iterate(from, codec::past_key(key, version + 1));
  uint64_t last = 0;
  std::string live;
  for (rows->seek(from); rows->valid(); rows->next()) {
    if (!codec::split_past_key(rows->key(), live, last)) return damaged(rows->key());
  }
  NOKV_TRY(rows->status());
  return last;
}

// The version since which a node has no record of its own, or a whiteout, as at `version`.
Result<uint64_t> missing_since(const View& view, const NodeId& id, uint64_t version) {
  std::string key = codec::node_key(id);
  NOKV_ASSIGN(auto own, view.get(key, version));
  if (own) return own->birth;
  NOKV_ASSIGN(uint64_t since, last_death(view, key, version));
  if (!id.hops.empty()) {
    NOKV_ASSIGN(uint64_t ended, last_death(view, codec::clone_key(last_clone(id)), version));
    since = std::max(since, ended);
  }
  return since;
}

}  // namespace

Result<const Retention::Chain*> Retention::chain(const View& view, const NodeId& directory,
                                                 uint64_t version) {
  if (chains_.size() >= cache_max_) chains_.clear();
  auto& known = chains_[directory];
  for (const Chain& each : known) {
    if (each.from <= version && version <= each.upto) return &each;
  }
  Chain out{0, version, {}};
  Tree tree(view, known_bad(KnownBad::retention_at_present) ? kNow : version);
  NodeId here = directory;
  for (size_t depth = 0; depth <= codec::kDepthMax; ++depth) {
    out.steps.push_back({here, out.from});
    NOKV_ASSIGN(auto record, tree.node(here));
    NOKV_ASSIGN(bool own, tree.has_own_node(here));
    if (!own || !record || !record->directory) {
      // What is seen through a clone may be so only because no pin needs the own record of then.
      NOKV_ASSIGN(uint64_t since, missing_since(view, here, version));
      out.from = std::max(out.from, since);
    }
    if (!record || !record->directory) break;
    if (!record->directory->parent) break;
    out.from = std::max(out.from, record->directory->since);
    here = record->directory->parent;
  }
  std::erase_if(known, [&](const Chain& each) { return each.from == out.from; });
  constexpr size_t kEpochsMax = 64;
  if (known.size() >= kEpochsMax) known.clear();
  return &known.emplace_back(std::move(out));
}

Result<Retention::Owners> Retention::owners(std::string_view key, const Raw& old) {
  Owners out;
  out.told = true;
  switch (static_cast<Table>(key[0])) {
    case Table::dentry: {
      codec::DentryKey dentry;
      codec::Dentry value;
      if (!codec::split_dentry_key(key, dentry) || !codec::decode(old.value, value)) {
        return damaged(key);
      }
      return Owners{dentry.directory, value.child, true};
    }
    case Table::link: {
      codec::LinkKey link;
      if (!codec::split_link_key(key, link)) return damaged(key);
      return Owners{link.parent, link.file, true};
    }
    case Table::moved: {
      codec::MovedRecord moved;
      if (!codec::split_node_key(key, out.scope) || !codec::decode(old.value, moved)) {
        return damaged(key);
      }
      out.directory = moved.parent;
      return out;
    }
    case Table::node: {
      codec::NodeRecord node;
      if (!codec::split_node_key(key, out.directory) || !codec::decode(old.value, node)) {
        return damaged(key);
      }
      out.told = node.directory.has_value();
      return out;
    }
    default:
      out.told = false;
      return out;
  }
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
  Tree tree(view, pin.version, pin.scope);
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
