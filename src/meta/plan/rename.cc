#include "base/known_bad.h"
#include "meta/plan/plan.h"

namespace nokv::meta::planning {

using codec::Kind;

namespace {

// Errors: invalid_argument when `directory` is `moved` or lies below it.
Result<> check_no_cycle(Transaction& txn, const NodeId& moved, const Place& to,
                        const std::string& from_path) {
  NodeId here = to.directory;
  while (here) {
    if (here == moved) {
      return fail(Code::invalid_argument, from_path, ": cannot be moved into itself (", to.path(),
                  ")");
    }
    NOKV_ASSIGN(DirectoryState * state, txn.directory(here));
    here = state->record.parent;
  }
  return {};
}

// The entry of `from` goes, that of `to` comes; what the node itself knows of its name follows.
Result<> move_entry(Transaction& txn, const Transaction::Spot& from, const Place& to,
                    const Found& there) {
  const codec::Dentry& entry = *from.found.entry;
  NodeId id = entry.child;
  if (entry.kind == Kind::directory) {
    NOKV_ASSIGN(DirectoryState * state, txn.directory(id));
    codec::Totals below = state->told();
    state->record.parent = to.directory;
    state->record.name = to.name;
    state->record.since = txn.version();
    txn.put_dentry(to, there, entry);
    if (known_bad(KnownBad::untold_counted_twice)) below = state->record.totals;
    if (known_bad(KnownBad::totals_stay_on_rename)) below = {};
    txn.count(from.place, -1, id, Kind::directory, 0, &below);
    txn.count(to, 1, id, Kind::directory, 0, &below);
    state->record.attributes.ctime_ns = txn.now_ns();
    txn.changed(id, *state, 0);
    return {};
  }
  NOKV_ASSIGN(auto file, txn.file(entry));
  uint64_t size = file.inode.body.size;
  if (file.in_dentry) {
    codec::Dentry moved = entry;
    moved.inode->attributes.ctime_ns = txn.now_ns();
    txn.put_dentry(to, there, moved);
    NOKV_TRY(txn.put_moved(id, to, from.place));
  } else {
    file.inode.attributes.ctime_ns = txn.now_ns();
    NOKV_TRY(txn.put_inode(id, file.inode, file.links));
    txn.put_dentry(to, there, entry);
    NOKV_TRY(txn.put(codec::link_key(id, from.place.directory, from.place.name), std::nullopt));
    NOKV_TRY(
        txn.put(codec::link_key(id, to.directory, to.name), codec::encoded(codec::LinkRecord())));
    NOKV_TRY(txn.file_changed(id, 0));
  }
  txn.count(from.place, -1, id, entry.kind, size);
  txn.count(to, 1, id, entry.kind, size);
  return {};
}

Result<> rename_event(Transaction& txn, const codec::Dentry& entry, const std::string& old_path,
                      const std::string& path) {
  codec::Event event{codec::EventKind::renamed,
                     entry.kind == Kind::directory,
                     path,
                     old_path,
                     entry.child,
                     entry.kind};
  if (entry.kind != Kind::directory) {
    NOKV_ASSIGN(auto file, txn.file(entry));
    event.generation = file.inode.body.generation;
    event.size = file.inode.body.size;
  }
  txn.event(std::move(event));
  return {};
}

Result<> check_replaceable(Transaction& txn, const Transaction::Spot& from,
                           const Transaction::Spot& to) {
  bool is_directory = from.found.is_directory();
  if (to.found.is_directory()) {
    if (!is_directory) return fail(Code::is_directory, to.path(), ": is a directory");
    NOKV_ASSIGN(DirectoryState * state, txn.directory(to.id()));
    if (state->record.entries != 0) {
      return fail(Code::not_empty, to.path(), ": has ", state->record.entries, " entries");
    }
  } else if (is_directory) {
    return fail(Code::not_directory, to.path(), ": not a directory");
  }
  return {};
}

Result<> exchange(Transaction& txn, const Transaction::Spot& from, const Transaction::Spot& to) {
  if (to.found.is_directory()) {
    NOKV_TRY(check_no_cycle(txn, to.id(), from.place, to.path()));
  }
  // Each takes the other's dentry as the one it replaces.
  NOKV_TRY(move_entry(txn, from, to.place, to.found));
  NOKV_ASSIGN(Found gap, txn.lookup(from.place.directory, from.place.name));
  NOKV_TRY(move_entry(txn, to, from.place, gap));
  return rename_event(txn, *to.found.entry, to.path(), from.path());
}

}  // namespace

Result<OperationResult> run(Transaction& txn, const codec::Rename& op) {
  NOKV_ASSIGN(auto from, txn.existing(op.from, false));
  if (from.is_root()) return fail(Code::invalid_argument, "/: the root cannot be renamed");
  NOKV_ASSIGN(Place to, txn.place(op.to, op.parents));
  NOKV_ASSIGN(Found there, txn.lookup(to.directory, to.name));
  OperationResult out{to.path(), from.id()};
  if (from.found.is_directory()) {
    NOKV_TRY(check_no_cycle(txn, from.id(), to, from.path()));
  }
  if (op.mode == codec::RenameMode::exchange && !there) {
    return fail(Code::not_found, to.path(), ": no such file or directory");
  }
  if (there && op.mode == codec::RenameMode::no_replace) {
    return fail(Code::already_exists, to.path(), ": it exists");
  }
  if (there && there.entry->child == from.id()) return out;  // one file by two names: nothing to do
  txn.forget_paths();
  Transaction::Spot target{to, there};
  if (op.mode == codec::RenameMode::exchange) {
    NOKV_TRY(exchange(txn, from, target));
  } else {
    if (there) {
      NOKV_TRY(check_replaceable(txn, from, target));
      NOKV_ASSIGN(out.undo_version, take_away(txn, target, op.keep_undo));
      NOKV_ASSIGN(there, txn.lookup(to.directory, to.name));
    }
    NOKV_TRY(move_entry(txn, from, to, there));
    txn.remove_dentry(from.place, from.found);
  }
  NOKV_TRY(rename_event(txn, *from.found.entry, from.path(), to.path()));
  return out;
}

}  // namespace nokv::meta::planning
