#include "meta/plan/plan.h"

namespace nokv::meta::planning {

namespace {

Result<> unlink(Transaction& txn, const Transaction::Spot& spot) {
  NOKV_ASSIGN(auto file, txn.file(*spot.found.entry));
  const NodeId id = spot.id();
  txn.remove_dentry(spot.place, spot.found);
  txn.count(spot.place, -1, id, file.inode.kind, file.inode.body.size);
  if (!file.in_dentry) {
    file.inode.attributes.ctime_ns = txn.now_ns();
    NOKV_TRY(txn.put_inode(id, file.inode, --file.links));
    NOKV_TRY(txn.put(codec::link_key(id, spot.place.directory, spot.place.name), std::nullopt));
    if (file.links != 0) return txn.file_changed(id, 0);
  } else {
    NOKV_TRY(txn.put(codec::moved_key(id), std::nullopt));
  }
  if (file.inode.body.body_number != 0) {
    txn.set(codec::detached_key(id, file.inode.body.body_number), "");
  }
  return {};
}

}  // namespace

Result<uint64_t> take_away(Transaction& txn, const Transaction::Spot& spot, bool keep_undo) {
  NodeId id = spot.id();
  if (!spot.found.is_directory()) {
    uint64_t undo = txn.undo_pin(keep_undo, id, spot.path(), &spot.place);
    NOKV_TRY(unlink(txn, spot));
    return undo;
  }
  uint64_t undo = txn.undo_pin(keep_undo, id, spot.path());
  NOKV_ASSIGN(DirectoryState * state, txn.directory(id));
  codec::Totals below = state->told();
  NOKV_TRY(txn.end_directory(id));
  txn.remove_dentry(spot.place, spot.found);
  txn.count(spot.place, -1, id, codec::Kind::directory, 0, &below);
  return undo;
}

Result<OperationResult> run(Transaction& txn, const codec::Remove& op) {
  auto spot = txn.existing(op.target, false);
  if (!spot) {
    if (op.missing_ok && spot.error().code() == Code::not_found) return OperationResult();
    return std::unexpected(std::move(spot).error());
  }
  if (spot->is_root()) return fail(Code::invalid_argument, "/: the root cannot be removed");
  const std::string path = spot->path();
  bool directory = spot->found.is_directory();
  if (directory && op.kind == codec::RemoveKind::file) {
    return fail(Code::is_directory, path, ": is a directory");
  }
  if (!directory && op.kind == codec::RemoveKind::directory) {
    return fail(Code::not_directory, path, ": not a directory");
  }
  OperationResult out{path, spot->id()};
  codec::Event event{codec::EventKind::removed, directory, path, "", spot->id(),
                     spot->found.entry->kind};
  if (directory) {
    NOKV_ASSIGN(DirectoryState * state, txn.directory(spot->id()));
    if (op.kind == codec::RemoveKind::directory && state->record.entries != 0) {
      return fail(Code::not_empty, path, ": has ", state->record.entries, " entries");
    }
  } else {
    NOKV_ASSIGN(auto file, txn.file(*spot->found.entry));
    NOKV_TRY(check_precondition(path, file.inode, codec::Exists::any, op.if_generation));
    event.old_generation = file.inode.body.generation;
    event.size = file.inode.body.size;
  }
  NOKV_ASSIGN(out.undo_version, take_away(txn, *spot, op.keep_undo));
  txn.event(std::move(event));
  return out;
}

}  // namespace nokv::meta::planning
