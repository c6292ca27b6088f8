#include "meta/at.h"
#include "meta/plan/plan.h"
#include "meta/upkeep.h"

namespace nokv::meta::planning {

namespace {

constexpr size_t kLabelsMax = 64;

Result<codec::SnapshotRecord> find_snapshot(Transaction& txn, const std::string& name) {
  NOKV_ASSIGN(auto found, txn.view().present<codec::SnapshotRecord>(
                              codec::bytes_key(codec::Table::snapshot, name)));
  if (!found) return fail(Code::not_found, "no snapshot '", name, "'");
  return *std::move(found);
}

Result<int64_t> expiry(Transaction& txn, int64_t ttl_ns) {
  if (ttl_ns < 0 || ttl_ns > kKeptMaxNs) {
    return fail(Code::invalid_argument, "an expiry of ", ttl_ns / 1'000'000'000,
                " seconds; it lies between 0 and 100 years");
  }
  return ttl_ns == 0 ? 0 : txn.now_ns() + ttl_ns;
}

}  // namespace

Result<OperationResult> run(Transaction& txn, const codec::SnapshotCreate& op) {
  NOKV_TRY(check_snapshot_name(op.name));
  if (op.labels.size() > kLabelsMax) {
    return fail(Code::resource_exhausted, op.labels.size(), " labels; the limit is ", kLabelsMax);
  }
  for (const auto& label : op.labels) {
    if (label.key.empty() || label.key.size() > codec::kNameMax ||
        label.value.size() > codec::kNameMax) {
      return fail(Code::invalid_argument, "a label's key has 1 to ", codec::kNameMax,
                  " bytes and its value at most as many");
    }
  }
  std::string key = codec::bytes_key(codec::Table::snapshot, op.name);
  NOKV_ASSIGN(auto taken, txn.view().get_present(key));
  if (taken) return fail(Code::already_exists, "a snapshot '", op.name, "' exists");
  NOKV_ASSIGN(auto spot, txn.existing(op.target, true));
  if (!spot.is_root() && !spot.found.is_directory()) {
    return fail(Code::not_directory, spot.path(), ": a snapshot is of a directory");
  }
  NOKV_ASSIGN(int64_t expires, expiry(txn, op.ttl_ns));
  NodeId scope = spot.id();
  if (txn.made_here(scope)) {
    return fail(Code::invalid_argument, spot.path(),
                ": is made by this transaction, and a snapshot shows what was there before it");
  }
  NOKV_TRY(txn.check_unchanged());
  codec::SnapshotRecord record;
  record.pin = txn.pin(codec::PinKind::snapshot, scope, spot.path(), expires);
  record.version = txn.version() - 1;
  record.scope = scope;
  record.path = spot.path();
  record.time_ns = record.created_ns = txn.now_ns();
  record.expires_ns = expires;
  record.labels = op.labels;
  txn.set(key, codec::encoded(record));
  txn.event(
      {codec::EventKind::snapshot_created, false, record.path, "", scope, codec::Kind::directory});
  OperationResult out{record.path, scope, true};
  out.snapshot_version = record.version;
  out.pin = record.pin;
  out.expires_ns = expires;
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::SnapshotRemove& op) {
  NOKV_ASSIGN(auto record, find_snapshot(txn, op.name));
  txn.set(codec::bytes_key(codec::Table::snapshot, op.name), std::nullopt);
  codec::RedoRecord& out = txn.record();
  if (!out.upkeep) out.upkeep.emplace();
  out.upkeep->going_pins.push_back(record.pin);
  txn.event({codec::EventKind::snapshot_removed, false, record.path, "", record.scope,
             codec::Kind::directory});
  OperationResult result{record.path, record.scope};
  result.snapshot_version = record.version;
  result.pin = record.pin;
  return result;
}

Result<OperationResult> run(Transaction& txn, const codec::SnapshotRenew& op) {
  NOKV_ASSIGN(auto record, find_snapshot(txn, op.name));
  NOKV_ASSIGN(record.expires_ns, expiry(txn, op.ttl_ns));
  txn.set(codec::bytes_key(codec::Table::snapshot, op.name), codec::encoded(record));
  codec::RedoRecord& out = txn.record();
  if (!out.upkeep) out.upkeep.emplace();
  out.upkeep->renewed_pins.push_back({record.pin, record.expires_ns});
  OperationResult result{record.path, record.scope};
  result.snapshot_version = record.version;
  result.pin = record.pin;
  result.expires_ns = record.expires_ns;
  return result;
}

Result<OperationResult> run(Transaction& txn, const codec::KeepUndo& op) {
  NOKV_TRY(txn.check_unchanged());
  NOKV_ASSIGN(auto spot, txn.existing(op.target, false));
  bool directory = spot.is_root() || spot.found.is_directory();
  OperationResult out{spot.path(), spot.id()};
  out.undo_version = txn.undo_pin(true, spot.id(), spot.path(), directory ? nullptr : &spot.place);
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::SetPolicy& op) {
  NOKV_TRY(check_policy(op.policy));
  txn.context().policy = op.policy;
  txn.record().policy = op.policy;
  return OperationResult();
}

}  // namespace nokv::meta::planning
