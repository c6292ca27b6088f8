#include "meta/check/repair.h"

#include <algorithm>
#include <utility>

#include "codec/key.h"

namespace nokv::meta::fsck {

using codec::Dentry;
using codec::Kind;
using codec::Table;

namespace {

// A row as the engine holds it: caches may know better, and it is the engine that is mended.
Result<std::optional<std::string>> stored(Transaction& txn, std::string_view key) {
  std::string value;
  NOKV_ASSIGN(bool found, txn.context().applied.snapshot().get(key, value));
  if (!found) return std::nullopt;
  return value;
}

template <class T>
Result<std::optional<T>> stored_record(Transaction& txn, std::string_view key, uint64_t& birth) {
  NOKV_ASSIGN(auto value, stored(txn, key));
  if (!value) return std::nullopt;
  std::string_view rest = *value;
  T record;
  if (!codec::take_birth(rest, birth) || !codec::decode(rest, record)) return damaged(key);
  return record;
}

codec::Upkeep& upkeep(Transaction& txn) {
  if (!txn.record().upkeep) txn.record().upkeep.emplace();
  return *txn.record().upkeep;
}

// The directory as it is stored, at hand to be changed; null when it is gone.
Result<DirectoryState*> directory(Transaction& txn, const NodeId& id) {
  uint64_t birth = 0;
  NOKV_ASSIGN(auto record, stored_record<codec::NodeRecord>(txn, codec::node_key(id), birth));
  if (!record || !record->directory) return nullptr;
  auto state = txn.directory(id);
  if (!state && state.error().code() == Code::stale) return nullptr;
  if (state) {
    (*state)->record = *std::move(record->directory);
    (*state)->own_birth = birth;
    upkeep(txn);  // directories are written with their group: this makes a record of it
  }
  return state;
}

Result<bool> is_entry(Transaction& txn, const NodeId& parent, const std::string& name,
                      const NodeId& child, bool with_inode, Kind kind) {
  uint64_t birth = 0;
  NOKV_ASSIGN(auto entry, stored_record<Dentry>(txn, codec::dentry_key(parent, name), birth));
  return entry && entry->child == child && entry->inode.has_value() == with_inode &&
         (kind == Kind::none || entry->kind == kind);
}

struct Planner {
  Transaction& txn;

  Result<> operator()(const std::monostate&) { return {}; }
  Result<> operator()(const RemoveObject&) { return {}; }

  Result<> operator()(const MendSums& it) {
    NOKV_ASSIGN(DirectoryState * state, directory(txn, it.id));
    if (state == nullptr) return {};
    codec::Directory& record = state->record;
    record.entries += static_cast<uint64_t>(it.entries);
    record.totals.files += static_cast<uint64_t>(it.files);
    record.totals.directories += static_cast<uint64_t>(it.directories);
    record.totals.bytes += static_cast<uint64_t>(it.bytes);
    record.totals.hops = std::max(record.totals.hops, it.hops);
    record.totals.foreign_hops = std::max(record.totals.foreign_hops, it.foreign_hops);
    record.since = std::min(record.since, txn.version());
    txn.changed(it.id, *state, 0);
    return {};
  }

  Result<> operator()(const MendPlace& it) {
    NOKV_ASSIGN(bool named, is_entry(txn, it.parent, it.name, it.id, false, Kind::directory));
    if (!named) return {};
    NOKV_ASSIGN(DirectoryState * state, directory(txn, it.id));
    if (state == nullptr) return {};
    state->record.parent = it.parent;
    state->record.name = it.name;
    state->record.since = txn.version();
    txn.changed(it.id, *state, 0);
    txn.forget_paths();
    return {};
  }

  Result<> operator()(const MendLink& it) {
    NOKV_ASSIGN(bool named, is_entry(txn, it.parent, it.name, it.file, false, Kind::none));
    std::string row = codec::link_key(it.file, it.parent, it.name);
    NOKV_ASSIGN(auto there, stored(txn, row));
    if (named && !there) NOKV_TRY(txn.put(row, codec::encoded(codec::LinkRecord())));
    if (!named && there) NOKV_TRY(txn.put(row, std::nullopt));
    NOKV_ASSIGN(auto names, txn.tree().names(it.file));
    std::string key = codec::node_key(it.file);
    uint64_t birth = 0;
    NOKV_ASSIGN(auto node, stored_record<codec::NodeRecord>(txn, key, birth));
    if (!node || !node->inode || names.empty() || node->links == names.size()) return {};
    node->links = static_cast<uint32_t>(names.size());
    return txn.put(key, codec::encoded(*node));
  }

  Result<> operator()(const DropMoved& it) {
    std::string key = codec::moved_key(it.file);
    uint64_t birth = 0;
    NOKV_ASSIGN(auto moved, stored_record<codec::MovedRecord>(txn, key, birth));
    if (!moved) return {};
    NOKV_ASSIGN(bool right, is_entry(txn, moved->parent, moved->name, it.file, true, Kind::none));
    return right ? Result<>() : txn.put(key, std::nullopt);
  }

  Result<> operator()(const MendReferences& it) {
    upkeep(txn).references.push_back({it.blob, it.is_inline, it.difference});
    return {};
  }

  Result<> operator()(const FilePast& it) {
    NOKV_ASSIGN(auto past, stored(txn, it.past_key));
    if (!past) return {};
    for (const Pin& pin : txn.context().pins.all()) {
      std::string row = codec::filed_key(pin.id, it.past_key);
      NOKV_ASSIGN(auto filed, stored(txn, row));
      if (filed) txn.set(row, std::nullopt);
    }
    upkeep(txn).past.push_back(it.past_key);
    return {};
  }

  Result<> operator()(const DropRow& it) {
    NodeId id;
    uint64_t body_number = 0;
    if (codec::split_detached_key(it.key, id, body_number) && body_number == 0) {
      NOKV_ASSIGN(auto node, stored(txn, codec::node_key(id)));
      if (!node) return {};  // by now it did leave the tree
    }
    if (static_cast<Table>(it.key[0]) == Table::quota && codec::split_node_key(it.key, id)) {
      uint64_t birth = 0;
      NOKV_ASSIGN(auto node, stored_record<codec::NodeRecord>(txn, codec::node_key(id), birth));
      if (node && node->directory && node->directory->quota) return {};  // by now it has one
    }
    NOKV_ASSIGN(auto there, stored(txn, it.key));
    if (there) txn.set(it.key, std::nullopt);
    return {};
  }

  Result<> operator()(const ListDead& it) {
    NOKV_ASSIGN(auto value, stored(txn, codec::number_key(Table::blob, it.blob)));
    codec::BlobRecord record;
    if (!value || !codec::decode(*value, record)) return {};
    if (record.state != codec::BlobState::dead) return {};
    txn.set(codec::dead_key(record.dead_ns, it.blob), "");
    return {};
  }

  Result<> operator()(const ListChunks& it) {
    txn.set(codec::detached_key(it.file, it.body_number), "");
    return {};
  }

  Result<> operator()(const MendClone& it) {
    upkeep(txn).clones.push_back({it.clone, it.live, it.past});
    return {};
  }

  Result<> operator()(const ListWhiteout& it) {
    uint64_t clone = last_clone(it.id);
    uint64_t birth = 0;
    NOKV_ASSIGN(auto node, stored_record<codec::NodeRecord>(txn, codec::node_key(it.id), birth));
    if (!node || !node->is_whiteout()) return {};
    txn.set(codec::grave_key(clone, it.id), "");
    NOKV_ASSIGN(auto live, stored(txn, codec::clone_key(clone)));
    if (!live) txn.set(codec::number_key(Table::ending, clone), "");
    return {};
  }

  Result<> operator()(const PutRow& it) {
    txn.set(it.key, it.value);
    return {};
  }

  Result<> operator()(const ListQuota& it) {
    uint64_t birth = 0;
    NOKV_ASSIGN(auto node, stored_record<codec::NodeRecord>(txn, codec::node_key(it.id), birth));
    if (!node || !node->directory || !node->directory->quota) return {};
    txn.set(codec::node_table_key(Table::quota, it.id), "");
    return {};
  }

  Result<> operator()(const OwnEntry& it) {
    NOKV_ASSIGN(auto own, stored(txn, codec::dentry_key(it.parent, it.name)));
    NOKV_ASSIGN(auto inherited, txn.tree().inherited(it.parent, it.name));
    if (own || !inherited) return {};
    NOKV_ASSIGN(DirectoryState * state, directory(txn, it.parent));
    if (state == nullptr) return {};
    NOKV_TRY(txn.put(codec::dentry_key(it.parent, it.name), codec::encoded(*inherited)));
    txn.changed(it.parent, *state, 0);
    return {};
  }

  Result<> operator()(const ReleasePin& it) {
    const codec::PinRecord* pin = txn.context().pins.find(it.pin);
    if (pin == nullptr || pin->going) return {};
    upkeep(txn).going_pins.push_back(it.pin);
    return {};
  }

  Result<> operator()(const NameSnapshot& it) {
    const codec::PinRecord* pin = txn.context().pins.find(it.pin);
    if (pin == nullptr || pin->going) return {};
    std::string key = codec::bytes_key(Table::snapshot, str("recovered-", it.pin));
    NOKV_ASSIGN(auto taken, stored(txn, key));
    if (taken) return {};
    codec::SnapshotRecord record{it.pin,       pin->version, pin->scope,      pin->path,
                                 pin->time_ns, pin->time_ns, pin->expires_ns, {}};
    txn.set(key, codec::encoded(record));
    return {};
  }

  Result<> operator()(const SkipIds& it) {
    uint64_t& next = txn.context().ids.next;
    if (next > it.used) return {};
    next = it.used + 1;
    upkeep(txn);  // so that there is a record, which tells the next id
    return {};
  }
};

}  // namespace

Result<> plan_repair(Transaction& txn, const Repair& repair) {
  return std::visit(Planner{txn}, repair);
}

}  // namespace nokv::meta::fsck
