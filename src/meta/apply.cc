#include "meta/apply.h"

#include "base/check.h"
#include "base/known_bad.h"
#include "codec/crc32c.h"
#include "codec/key.h"
#include "codec/rpc.h"
#include "meta/region.h"

namespace nokv::meta {

using codec::Change;
using codec::Table;

Result<> Applier::load() {
  std::string value;
  auto snapshot = engine_.snapshot();
  NOKV_ASSIGN(bool found, snapshot->get(codec::table_key(Table::state), value));
  record_ = codec::StateRecord();
  if (found && !codec::decode(value, record_)) return damaged(codec::table_key(Table::state));
  cache_.clear();
  View view(std::move(snapshot), record_.version, nullptr);
  NOKV_TRY(pins_.load(view));
  NOKV_TRY(load_flat(view));
  published_pins_ = std::make_shared<const PinTable>(pins_);
  pins_changed_ = false;
  return {};
}

State Applier::state() const {
  return {engine_.snapshot(), record_, published_pins_, flat_, &cache_};
}

Result<> Applier::apply(const codec::RedoGroup& group, const std::array<uint8_t, 16>& digest) {
  check(group.first == record_.version + 1, "groups are applied in order");
  check(!group.records.empty(), "a group has records");
  if (batch_ == nullptr) batch_ = engine_.batch();
  batch_->clear();
  before_ = std::make_unique<View>(engine_.snapshot(), record_.version, nullptr, nullptr, flat_);
  first_ = group.first;
  newest_.clear();
  blobs_.clear();
  lives_.clear();
  newest_root_.clear();
  retention_.forget();  // from one group to the next
  uint64_t version = group.first;
  for (const auto& record : group.records) NOKV_TRY(apply_record(record, version++));
  uint64_t last = version - 1;
  for (const Change& change : group.directories) NOKV_TRY(apply_change(change, last));
  NOKV_TRY(write_blobs(record_.time_ns));
  NOKV_TRY(write_lives());
  record_.version = last;
  record_.digest = digest;
  batch_->put(codec::table_key(Table::state), codec::encoded(record_));
  before_.reset();
  NOKV_TRY(engine_.write(*batch_));
  if (pins_changed_) published_pins_ = std::make_shared<const PinTable>(pins_);
  pins_changed_ = false;
  return {};
}

Result<> Applier::apply_record(const codec::RedoRecord& record, uint64_t version) {
  record_.time_ns = record.time_ns;
  record_.next_id = record.next_id;
  if (record.policy) record_.policy = *record.policy;
  if (record_.created_ns == 0) record_.created_ns = record.time_ns;
  for (const auto& made : record.pins) {
    check(version == first_ && made.pin.version < version, "a pin begins a group");
    pins_.add(made.id, made.pin);
    put_pin(made.id);
    if (uint64_t clone = last_clone(made.pin.scope)) ++lives_[clone].past;
  }
  for (const auto& blob : record.blobs) blobs_[{blob.blob, blob.is_inline()}].added = &blob;
  for (const Change& change : record.changes) NOKV_TRY(apply_change(change, version));
  for (const auto& set : record.sets) {
    if (static_cast<Table>(set.key[0]) == Table::root) NOKV_TRY(change_root(set));
    if (static_cast<Table>(set.key[0]) == Table::shortcut) {
      NOKV_TRY(change_flat(set.key, set.value));
    }
    if (set.value) {
      batch_->put(set.key, *set.value);
    } else {
      batch_->remove(set.key);
    }
    if (static_cast<Table>(set.key[0]) == Table::flattening && !set.value) {
      NOKV_TRY(keep_flattening(set.key));
    }
  }
  if (record.upkeep) NOKV_TRY(apply_upkeep(*record.upkeep));
  if (!record.session.empty()) {
    auto slot = static_cast<uint32_t>(record.sequence % codec::kSessionWindow);
    codec::RequestRecord row{record.sequence, record.acked_below, version, record.result,
                             record.session_next_id};
    batch_->put(codec::request_key(record.session, slot), codec::encoded(row));
  }
  return {};
}

void Applier::put_pin(uint64_t id) {
  pins_changed_ = true;
  batch_->put(codec::number_key(Table::pin, id), codec::encoded(*pins_.find(id)));
}

void Applier::mark_going(uint64_t pin) {
  if (pins_.find(pin) == nullptr) return;
  pins_.mark_going(pin);
  put_pin(pin);
}

Result<> Applier::apply_change(const Change& change, uint64_t version) {
  if (change.old_birth != 0) NOKV_TRY(retire(change, version));
  newest_[change.key] = &change;
  auto table = static_cast<Table>(change.key[0]);
  if (table == Table::clone) NOKV_TRY(change_clone(change, version));
  if (change.new_clone != 0) ++lives_[change.new_clone].live;
  if (change.noted) NOKV_TRY(note(change, version));
  bool cached = table == Table::dentry || table == Table::node || table == Table::clone;
  if (!change.value) {
    batch_->remove(change.key);
    if (cached) cache_.change(change.key, std::nullopt, version, false);
    return {};
  }
  std::string value;
  value.reserve(change.value->size() + 10);
  codec::put_varint(value, version);
  value += *change.value;
  batch_->put(change.key, value);
  if (change.quota) {
    std::string row = change.key;
    row[0] = static_cast<char>(Table::quota);
    batch_->put(row, {});
  }
  if (change.new_blobs) NOKV_TRY(mention(change.key, *change.value, 1));
  if (cached) cache_.change(change.key, std::move(value), version, table != Table::dentry);
  return {};
}

// Rows of the changed table between two pins tell the same: of each name the last one stays.
Result<> Applier::note(const Change& change, uint64_t version) {
  NodeId directory;
  std::string name;
  if (static_cast<Table>(change.key[0]) == Table::dentry) {
    codec::DentryKey parts;
    if (!codec::split_dentry_key(change.key, parts)) return damaged(change.key);
    directory = parts.directory;
    name = parts.name;
  } else {
    codec::NodeRecord record;
    if (!change.value || !codec::decode(*change.value, record) || !record.directory) {
      return damaged(change.key);
    }
    directory = record.directory->parent;
    name = record.directory->name;
  }
  batch_->put(codec::changed_key(directory, version, name), {});
  if (change.old_birth != 0 && pins_.newest_version() < change.old_birth) {
    batch_->remove(codec::changed_key(directory, change.old_birth, name));
  }
  return {};
}

// The value that `change` replaces becomes a past record, or is dropped.
Result<> Applier::retire(const Change& change, uint64_t version) {
  if (change.old_clone != 0) --lives_[change.old_clone].live;
  if (change.old_birth >= first_) {  // no pin lies within a group
    if (!change.old_blobs) return {};
    auto inside = newest_.find(change.key);
    check(inside != newest_.end() && inside->second->value.has_value(),
          "a record replaced within its group is in the group");
    return mention(change.key, *inside->second->value, -1);
  }
  if (static_cast<Table>(change.key[0]) == Table::clone) return {};  // change_clone() keeps it
  bool pinned = pins_.newest_version() >= change.old_birth;
  if (known_bad(KnownBad::drop_past_of_removed) && !change.value) pinned = false;
  if (!pinned && !change.old_blobs) return {};
  std::string value;
  NOKV_ASSIGN(bool found, before_->snapshot().get(change.key, value));
  if (!found) return damaged(change.key);
  std::string_view rest = value;
  Raw old;
  if (!codec::take_birth(rest, old.birth) || old.birth != change.old_birth) {
    return damaged(change.key);
  }
  old.value = rest;
  if (pinned) {
    NOKV_ASSIGN(auto keeper, retention_.keeper(*before_, change.key, old, version));
    if (keeper) {
      std::string past = codec::past_key(change.key, version);
      batch_->put(past, value);
      batch_->put(codec::filed_key(*keeper, past), {});
      if (change.old_clone != 0) ++lives_[change.old_clone].past;
      return {};
    }
  }
  return change.old_blobs ? mention(change.key, old.value, -1) : Result<>();
}

Result<> Applier::mention(std::string_view key, std::string_view value, int64_t sign) {
  NOKV_ASSIGN(auto blobs, blobs_of(key, value));
  for (const auto& each : blobs) blobs_[{each.blob, each.is_inline}].references += sign;
  return {};
}

Result<> Applier::apply_upkeep(const codec::Upkeep& upkeep) {
  for (uint64_t id : upkeep.going_pins) {
    mark_going(id);
  }
  for (const auto& each : upkeep.renewed_pins) {
    if (pins_.find(each.id) == nullptr) continue;
    pins_.renew(each.id, each.expires_ns);
    put_pin(each.id);
  }
  if (upkeep.refile_pin != 0) NOKV_TRY(refile(upkeep));
  for (const auto& past : upkeep.past) NOKV_TRY(hand_on(past, 0));
  for (const auto& mended : upkeep.references) NOKV_TRY(mend_references(mended));
  for (const auto& mended : upkeep.clones) NOKV_TRY(mend_clone(mended));
  for (uint64_t blob : upkeep.purged_blobs) {
    std::string key = codec::number_key(Table::blob, blob);
    NOKV_ASSIGN(auto record, before_->present<codec::BlobRecord>(key));
    if (!record || record->state != codec::BlobState::dead) continue;
    batch_->remove(key);
    batch_->remove(codec::dead_key(record->dead_ns, blob));
  }
  return {};
}

// Hands the records filed under a pin that goes to the next one that needs them, or frees them.
Result<> Applier::refile(const codec::Upkeep& upkeep) {
  std::string prefix = codec::number_key(Table::filed, upkeep.refile_pin);
  auto rows = before_->snapshot().iterate(prefix, codec::prefix_end(prefix));
  // Not from the prefix: the rows moved before have left marks that are dear to step over.
  std::string start = upkeep.refile_from.empty() ? prefix : upkeep.refile_from + '\0';
  for (rows->seek(start); rows->valid() && rows->key() <= upkeep.refiled; rows->next()) {
    batch_->remove(rows->key());
    NOKV_TRY(hand_on(rows->key().substr(prefix.size()), upkeep.refile_pin));
  }
  NOKV_TRY(rows->status());
  if (upkeep.refile_done) {
    batch_->remove(codec::number_key(Table::pin, upkeep.refile_pin));
    if (const auto* gone = pins_.find(upkeep.refile_pin)) {
      if (uint64_t clone = last_clone(gone->scope)) --lives_[clone].past;
    }
    pins_.remove(upkeep.refile_pin);
    pins_changed_ = true;
  }
  return {};
}

// Files a past record under the pin that keeps it, or frees it.
Result<> Applier::hand_on(std::string_view past, uint64_t skip_pin) {
  std::string key;
  uint64_t death = 0;
  std::string value;
  if (!codec::split_past_key(past, key, death)) return damaged(past);
  NOKV_ASSIGN(bool found, before_->snapshot().get(past, value));
  std::string_view rest = value;
  Raw old;
  if (!found || !codec::take_birth(rest, old.birth)) return damaged(past);
  old.value = rest;
  NOKV_ASSIGN(auto keeper, retention_.keeper(*before_, key, old, death, skip_pin));
  if (keeper) {
    batch_->put(codec::filed_key(*keeper, past), {});
    return {};
  }
  batch_->remove(past);
  uint64_t clone = clone_held(key, old.value);
  if (clone != 0 && !known_bad(KnownBad::clone_never_freed)) --lives_[clone].past;
  return mention(key, old.value, -1);
}

// What was found wrong is mended only where that cannot make it worse: nothing revives the dead.
Result<> Applier::mend_references(const codec::MendedReferences& mended) {
  uint64_t says = 0;
  if (mended.is_inline) {
    NOKV_ASSIGN(auto record, before_->present<codec::InlineRecord>(
                                 codec::number_key(Table::inline_blob, mended.blob)));
    if (!record) return {};
    says = record->references;
  } else {
    NOKV_ASSIGN(auto record,
                before_->present<codec::BlobRecord>(codec::number_key(Table::blob, mended.blob)));
    if (!record || record->state != codec::BlobState::live) return {};
    says = record->references;
  }
  if (static_cast<int64_t>(says) + mended.difference < 0) return {};
  BlobChange& change = blobs_[{mended.blob, mended.is_inline}];
  change.references += mended.difference;
  change.settle = true;
  return {};
}

Result<> Applier::mend_clone(const codec::MendedClone& mended) {
  std::string key = codec::number_key(Table::clone_life, mended.clone);
  NOKV_ASSIGN(auto life, before_->present<codec::CloneLife>(key));
  if (!life || static_cast<int64_t>(life->live) + mended.live < 0 ||
      static_cast<int64_t>(life->past) + mended.past < 0) {
    return {};
  }
  LifeChange& change = lives_[mended.clone];
  change.live += mended.live;
  change.past += mended.past;
  return {};
}

// The root record holds a clone as a dentry does.
Result<> Applier::change_root(const codec::Set& set) {
  if (newest_root_.empty()) {
    NOKV_ASSIGN(auto before, before_->get_present(set.key));
    newest_root_ = before.value_or("");
  }
  codec::RootRecord old;
  if (!codec::decode(newest_root_, old)) return damaged(set.key);
  if (uint64_t clone = last_clone(old.id)) --lives_[clone].live;
  newest_root_ = set.value.value_or("");
  codec::RootRecord now;
  if (!codec::decode(newest_root_, now)) return damaged(set.key);
  if (uint64_t clone = last_clone(now.id)) ++lives_[clone].live;
  return {};
}

Result<> Applier::load_flat(const View& view) {
  flat_ = FlatClones();
  std::string table = codec::table_key(Table::shortcut);
  auto rows = view.snapshot().iterate(table, codec::prefix_end(table));
  rows->seek(table);
  while (rows->valid()) {
    uint64_t clone = 0;
    std::string_view of;
    if (!codec::split_shortcut_key(rows->key(), clone, of)) return damaged(rows->key());
    if (of.empty()) NOKV_TRY(change_flat(rows->key(), std::string(rows->value())));
    rows->seek(codec::prefix_end(codec::shortcut_key(clone, {})));
  }
  return rows->status();
}

// Which clones are flattened is at hand for every reader.
Result<> Applier::change_flat(std::string_view key, const std::optional<std::string>& value) {
  uint64_t clone = 0;
  std::string_view of;
  if (!codec::split_shortcut_key(key, clone, of)) return damaged(key);
  if (!of.empty()) return {};
  codec::FlatClone flat;
  if (value && !codec::decode(*value, flat)) return damaged(key);
  flat_.erase(clone);
  if (flat.whole && !flat.line.empty()) {
    flat_.insert({clone, std::make_shared<const codec::FlatClone>(std::move(flat))});
  }
  return {};
}

// A clone that was freed while its last shortcuts were planned: they are swept.
Result<> Applier::keep_flattening(const std::string& key) {
  uint64_t clone = 0;
  if (!codec::split_number_key(key, clone)) return damaged(key);
  if (flat_.find(clone) == nullptr) return {};
  NOKV_ASSIGN(auto life, before_->get_present(codec::number_key(Table::clone_life, clone)));
  if (!life) batch_->put(key, {});
  return {};
}

// A clone's record that is replaced or removed is kept until nothing past names the clone.
Result<> Applier::change_clone(const Change& change, uint64_t version) {
  uint64_t clone = 0;
  codec::CloneRecord record;
  if (!codec::split_number_key(change.key, clone)) return damaged(change.key);
  if (change.value && !codec::decode(*change.value, record)) return damaged(change.key);
  LifeChange& life = lives_[clone];
  if (change.value) {
    life.pin = record.pin;
  } else {
    life.ended = version;
  }
  if (change.old_birth == 0) return {};
  std::string value;
  NOKV_ASSIGN(bool found, before_->snapshot().get(change.key, value));
  if (!found) return damaged(change.key);
  batch_->put(codec::past_key(change.key, version), value);
  return {};
}

Result<> Applier::write_lives() {
  for (const auto& [clone, change] : lives_) {
    std::string key = codec::number_key(Table::clone_life, clone);
    NOKV_ASSIGN(auto before, before_->present<codec::CloneLife>(key));
    // It was freed: what names a node of it now has all records of its own.
    if (!before && change.pin == 0) continue;
    codec::CloneLife life = before.value_or(codec::CloneLife());
    life.live += static_cast<uint64_t>(change.live);
    life.past += static_cast<uint64_t>(change.past);
    if (change.pin != 0) life.pin = change.pin;
    if (change.ended != 0) life.ended = change.ended;
    check(static_cast<int64_t>(life.live) >= 0 && static_cast<int64_t>(life.past) >= 0,
          "what holds a clone is never less than nothing");
    std::string ending = codec::number_key(Table::ending, clone);
    if (known_bad(KnownBad::clone_freed_too_early) && life.ended != 0) life.past = 0;
    if (life.ended != 0 && life.past == 0) {
      NOKV_TRY(free_clone(clone, life));
      batch_->remove(key);
      continue;
    }
    batch_->put(key, codec::encoded(life));
    if (life.ended != 0) continue;
    if (life.live == 0) {
      batch_->put(ending, {});
    } else if (before && before->live == 0) {
      batch_->remove(ending);
    }
  }
  return {};
}

// Nothing reads through the clone any more, nor will.
Result<> Applier::free_clone(uint64_t clone, const codec::CloneLife& life) {
  batch_->remove(codec::past_key(codec::clone_key(clone), life.ended));
  mark_going(life.pin);
  // Background work sweeps them.
  NOKV_ASSIGN(auto shortcuts, before_->get_present(codec::shortcut_key(clone, {})));
  if (shortcuts) batch_->put(codec::number_key(Table::flattening, clone), {});
  return {};
}

Result<> Applier::write_blobs(int64_t now_ns) {
  for (const auto& [key, change] : blobs_) {
    NOKV_TRY(key.second ? write_inline(key.first, change) : write_blob(key.first, change, now_ns));
  }
  return {};
}

Result<> Applier::write_inline(uint64_t blob, const BlobChange& change) {
  if (change.references == 0 && change.added == nullptr && !change.settle) return {};
  std::string key = codec::number_key(Table::inline_blob, blob);
  codec::InlineRecord record;
  if (change.added != nullptr) {
    record.bytes = change.added->bytes;
    record.crc = crc32c(record.bytes);
  } else {
    NOKV_ASSIGN(auto old, before_->present<codec::InlineRecord>(key));
    if (!old) return damaged(key);
    record = *std::move(old);
  }
  record.references += static_cast<uint64_t>(change.references);
  check(static_cast<int64_t>(record.references) >= 0, "references are never below none");
  if (record.references == 0) {
    batch_->remove(key);
  } else {
    batch_->put(key, codec::encoded(record));
  }
  return {};
}

Result<> Applier::write_blob(uint64_t blob, const BlobChange& change, int64_t now_ns) {
  if (change.references == 0 && change.added == nullptr && !change.settle) return {};
  std::string key = codec::number_key(Table::blob, blob);
  codec::BlobRecord record;
  if (change.added != nullptr) {
    record.bytes = change.added->size;
    record.upload = change.added->upload;
    record.block_crcs = change.added->block_crcs;
    record.external = change.added->external;
  } else {
    NOKV_ASSIGN(auto old, before_->present<codec::BlobRecord>(key));
    if (!old) return damaged(key);
    record = *std::move(old);
  }
  if (known_bad(KnownBad::garbage_without_references) && change.references < 0) {
    record.references = static_cast<uint64_t>(-change.references);
  }
  check(record.state == codec::BlobState::live, "nothing revives a dead blob");
  record.references += static_cast<uint64_t>(change.references);
  check(static_cast<int64_t>(record.references) >= 0, "references are never below none");
  if (record.references == 0) {
    record.state = codec::BlobState::dead;
    record.dead_ns = now_ns;
    batch_->put(codec::dead_key(now_ns, blob), {});
  }
  batch_->put(key, codec::encoded(record));
  return {};
}

}  // namespace nokv::meta
