#include "meta/upkeep.h"

#include <algorithm>

#include "codec/key.h"

namespace nokv::meta {

using codec::Dentry;
using codec::Kind;
using codec::Table;

namespace {
constexpr int64_t kSecond = 1'000'000'000;
}

codec::RetentionPolicy default_policy() {
  return {{{1 * kSecond, 60 * kSecond},
           {10 * kSecond, 600 * kSecond},
           {60 * kSecond, 3600 * kSecond},
           {3600 * kSecond, 86400 * kSecond}},
          86400 * kSecond};
}

Result<> check_policy(const codec::RetentionPolicy& policy) {
  constexpr size_t kStepsMax = 16;
  if (policy.ladder.size() > kStepsMax) {
    return fail(Code::resource_exhausted, "a ladder of ", policy.ladder.size(),
                " steps; the limit is ", kStepsMax);
  }
  int64_t before = 0;
  for (const auto& step : policy.ladder) {
    if (step.every_ns < kSecond || step.for_ns < step.every_ns || step.for_ns <= before) {
      return fail(Code::invalid_argument,
                  "each step keeps one moment every second or more, for longer than the step "
                  "before it");
    }
    before = step.for_ns;
  }
  if (policy.undo_ns < 0 || policy.undo_ns > kKeptMaxNs) {
    return fail(Code::invalid_argument, "undo for ", policy.undo_ns / kSecond,
                " seconds; it lies between 0 and 100 years");
  }
  return {};
}

void plan_init(const PlanContext& context, int64_t now_ns, const codec::RetentionPolicy& policy,
               codec::RedoRecord& out) {
  context.pending.begin();
  NodeId root = codec::root_id();
  DirectoryState state;
  state.record.attributes = {0755, 0, 0, now_ns, now_ns, now_ns};
  state.record.since = 1;
  state.record.totals.newest = 1;
  context.pending.add_directory(root, std::move(state));
  codec::Set set{codec::table_key(Table::root), codec::encoded(codec::RootRecord{root})};
  context.pending.put(set.key, set.value, 1);
  out.sets.push_back(std::move(set));
  context.pending.keep();
  context.ids.next = root.origin + 1;
  context.policy = policy;
  out.policy = policy;
  out.time_ns = now_ns;
  out.next_id = context.ids.next;
}

Result<> plan_moment(Transaction& txn) {
  NOKV_ASSIGN(NodeId root, txn.tree().root());
  txn.pin(codec::PinKind::moment, root, "/", 0);
  txn.event({codec::EventKind::moment, false, "/", "", root, Kind::directory});
  return {};
}

namespace {

// Takes the names of snapshots that go; those that were renewed a moment ago stay.
Result<> drop_names(Transaction& txn, std::vector<uint64_t>& going) {
  auto goes = [&](uint64_t pin) { return std::ranges::find(going, pin) != going.end(); };
  std::string table = codec::table_key(Table::snapshot);
  auto rows = txn.view().snapshot().iterate(table, codec::prefix_end(table));
  for (rows->seek(table); rows->valid(); rows->next()) {
    codec::SnapshotRecord stored;
    if (!codec::decode(rows->value(), stored)) return damaged(rows->key());
    if (!goes(stored.pin)) continue;
    std::string key(rows->key());
    NOKV_ASSIGN(auto record, txn.view().present<codec::SnapshotRecord>(key));
    if (!record || !goes(record->pin)) continue;
    if (record->expires_ns == 0 || record->expires_ns > txn.now_ns()) {
      std::erase(going, record->pin);
      continue;
    }
    txn.set(key, std::nullopt);
    txn.event({codec::EventKind::snapshot_removed, false, record->path, "", record->scope,
               Kind::directory});
  }
  return rows->status();
}

}  // namespace

Result<> plan_release(Transaction& txn, const std::vector<uint64_t>& pins) {
  codec::RedoRecord& out = txn.record();
  if (!out.upkeep) out.upkeep.emplace();
  std::vector<uint64_t>& going = out.upkeep->going_pins;
  bool names = false;
  for (uint64_t id : pins) {
    const codec::PinRecord* pin = txn.context().pins.find(id);
    if (pin == nullptr || pin->going) continue;
    going.push_back(id);
    names = names || pin->kind == codec::PinKind::snapshot;
  }
  return names ? drop_names(txn, going) : Result<>();
}

void plan_refile(Transaction& txn, uint64_t pin, const FiledRange& range, bool done) {
  codec::RedoRecord& out = txn.record();
  if (!out.upkeep) out.upkeep.emplace();
  out.upkeep->refile_pin = pin;
  out.upkeep->refile_from = range.from;
  out.upkeep->refiled = range.last;
  out.upkeep->refile_done = done;
}

namespace {

Result<> sweep_file(Transaction& txn, const NodeId& directory, const std::string& name,
                    const Dentry& dentry) {
  codec::Body body;
  bool last = true;
  if (dentry.inode) {
    body = dentry.inode->body;
    NOKV_TRY(txn.put(codec::moved_key(dentry.child), std::nullopt));
  } else {
    NOKV_ASSIGN(auto file, txn.file(dentry));
    body = file.inode.body;
    last = file.links <= 1;
    NOKV_TRY(txn.put_inode(dentry.child, file.inode, last ? 0 : file.links - 1));
    NOKV_TRY(txn.put(codec::link_key(dentry.child, directory, name), std::nullopt));
  }
  if (last && body.body_number != 0) {
    txn.set(codec::detached_key(dentry.child, body.body_number), "");
  }
  return {};
}

}  // namespace

Result<> plan_sweep(Transaction& txn, const NodeId& id, const std::vector<std::string>& names,
                    bool done) {
  for (const std::string& name : names) {
    std::string key = codec::dentry_key(id, name);
    NOKV_ASSIGN(auto dentry, txn.view().record<Dentry>(key, kNow));
    if (!dentry) continue;
    if (dentry->kind == Kind::directory) {
      NOKV_TRY(txn.end_directory(dentry->child));
    } else if (dentry->kind != Kind::none) {
      NOKV_TRY(sweep_file(txn, id, name, *dentry));
    }
    NOKV_TRY(txn.put(key, std::nullopt));
  }
  if (done) txn.set(codec::detached_key(id, 0), std::nullopt);
  return {};
}

Result<> plan_sweep_chunks(Transaction& txn, const NodeId& id, uint64_t body_number,
                           const std::vector<uint32_t>& chunks, bool done) {
  for (uint32_t index : chunks) {
    NOKV_TRY(txn.put(codec::chunk_key(id, body_number, index), std::nullopt));
  }
  if (done) txn.set(codec::detached_key(id, body_number), std::nullopt);
  return {};
}

Result<> plan_end_clone(Transaction& txn, uint64_t clone) {
  NOKV_ASSIGN(auto life,
              txn.view().present<codec::CloneLife>(codec::number_key(Table::clone_life, clone)));
  if (!life || life->live != 0 || life->ended != 0) return {};
  return txn.put(codec::clone_key(clone), std::nullopt);
}

Result<> plan_sweep_graves(Transaction& txn, uint64_t clone, const std::vector<NodeId>& nodes,
                           bool done) {
  for (const NodeId& id : nodes) {
    NOKV_ASSIGN(auto record, txn.view().record<codec::NodeRecord>(codec::node_key(id), kNow));
    if (record && record->is_whiteout()) NOKV_TRY(txn.put(codec::node_key(id), std::nullopt));
    txn.set(codec::grave_key(clone, id), std::nullopt);
  }
  if (done) txn.set(codec::number_key(Table::ending, clone), std::nullopt);
  return {};
}

void plan_purge(Transaction& txn, std::vector<uint64_t> blobs) {
  codec::RedoRecord& out = txn.record();
  if (!out.upkeep) out.upkeep.emplace();
  out.upkeep->purged_blobs = std::move(blobs);
}

Result<> plan_close_upload(Transaction& txn, uint64_t upload) {
  std::string key = codec::number_key(Table::upload, upload);
  NOKV_ASSIGN(auto record, txn.view().present<codec::UploadRecord>(key));
  if (!record || record->closed_ns != 0) return {};
  record->closed_ns = txn.now_ns();
  txn.set(key, codec::encoded(*record));
  return {};
}

Result<> plan_upload_pass(Transaction& txn, uint64_t upload, bool last) {
  std::string key = codec::number_key(Table::upload, upload);
  NOKV_ASSIGN(auto record, txn.view().present<codec::UploadRecord>(key));
  if (!record) return {};
  ++record->passes;
  txn.set(key, last ? std::nullopt : std::optional(codec::encoded(*record)));
  return {};
}

std::vector<uint64_t> moments_to_release(const PinTable& pins, const codec::RetentionPolicy& policy,
                                         int64_t now_ns) {
  std::vector<uint64_t> out;
  int64_t kept_ns = INT64_MIN;  // the newest moment kept so far, going from the oldest on
  for (const auto& [version, id] : pins.moments()) {
    const codec::PinRecord& pin = *pins.find(id);
    int64_t age = now_ns - pin.time_ns;
    int64_t every = 0;
    for (const auto& step : policy.ladder) {
      if (age <= step.for_ns) {
        every = step.every_ns;
        break;
      }
    }
    if (every == 0 || (kept_ns != INT64_MIN && pin.time_ns - kept_ns < every - every / 10)) {
      out.push_back(id);
    } else {
      kept_ns = pin.time_ns;
    }
  }
  return out;
}

}  // namespace nokv::meta
