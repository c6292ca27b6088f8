#include "base/known_bad.h"
#include "meta/plan/plan.h"

namespace nokv::meta {

namespace {

// Of bytes or of entries: says so when there is more than the limit, and more than there was.
Result<> check_one(Transaction& txn, const NodeId& directory, uint64_t limit, uint64_t before,
                   uint64_t now, std::string_view what) {
  if (limit == 0 || now <= limit || now <= before) return {};
  auto path = txn.directory_path(directory);
  if (!path && path.error().code() == Code::stale) return {};  // removed with what was put there
  if (!path) return std::unexpected(std::move(path).error());
  return std::unexpected(
      Error(Code::quota_exceeded, str(*path, ": its quota is ", limit, " ", what, ", and ", now,
                                      " would lie below it, ", now - limit, " too many"))
          .with_hint(str("remove something below it, or raise the limit with: nokv quota set PATH "
                         "--max-",
                         what, " N")));
}

Result<> check_directory(Transaction& txn, const Pending::Grown& it) {
  const codec::Totals& before = it.before;
  const codec::Totals& now = it.now;
  NOKV_TRY(check_one(txn, it.id, it.quota.max_bytes, before.bytes, now.bytes, "bytes"));
  return check_one(txn, it.id, it.quota.max_entries, before.files + before.directories,
                   now.files + now.directories, "entries");
}

}  // namespace

Result<> check_quotas(Transaction& txn) {
  Pending& pending = txn.context().pending;
  NOKV_ASSIGN(bool any, pending.find_quotas(txn.tree()));
  if (!any) return {};
  if (!known_bad(KnownBad::quota_of_stale_totals)) NOKV_TRY(txn.settle());
  for (const Pending::Grown& each : pending.grown()) NOKV_TRY(check_directory(txn, each));
  return {};
}

namespace planning {

Result<OperationResult> run(Transaction& txn, const codec::SetQuota& op) {
  if (!op.max_bytes && !op.max_entries) {
    return fail(Code::invalid_argument, "a quota limits bytes, entries, or both");
  }
  NOKV_ASSIGN(auto spot, txn.existing(op.target, true));
  if (!spot.found.is_directory()) {
    return fail(Code::not_directory, spot.path(), ": not a directory");
  }
  NOKV_ASSIGN(DirectoryState * state, txn.directory(spot.id()));
  // What was added before is held against the quota that was in force.
  codec::Quota& quota = state->record.quota;
  Pending& pending = txn.context().pending;
  NOKV_TRY(txn.settle());
  NOKV_TRY(
      check_directory(txn, {spot.id(), quota, pending.before(spot.id()), state->record.totals}));
  pending.rebase(spot.id());
  if (op.max_bytes) quota.max_bytes = *op.max_bytes;
  if (op.max_entries) quota.max_entries = *op.max_entries;
  if (!quota) txn.set(codec::node_table_key(codec::Table::quota, spot.id()), std::nullopt);
  state->record.attributes.ctime_ns = txn.now_ns();
  txn.changed(spot.id(), *state, 0);
  txn.event(
      {codec::EventKind::attributes, false, spot.path(), "", spot.id(), codec::Kind::directory});
  return OperationResult{spot.path(), spot.id()};
}

}  // namespace planning
}  // namespace nokv::meta
