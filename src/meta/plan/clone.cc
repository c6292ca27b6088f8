#include <optional>

#include "meta/at.h"
#include "meta/flatten.h"
#include "meta/plan/plan.h"

namespace nokv::meta::planning {

using codec::Kind;
using codec::Table;

namespace {

// Errors: invalid_argument when `place` is `source` or lies below it.
Result<> check_outside(Transaction& txn, const Origin& from, const Place& place) {
  NodeId here = place.directory;
  while (here) {
    if (here == from.id) {
      return fail(Code::invalid_argument, from.path, ": cannot be cloned into itself (",
                  place.path(), ")");
    }
    NOKV_ASSIGN(DirectoryState * state, txn.directory(here));
    here = state->record.parent;
  }
  return {};
}

// Clones are free, so many of one another could count more than any sum holds.
// Errors: resource_exhausted.
Result<> check_sums(Transaction& txn, const Origin& from, const Place& place) {
  constexpr uint64_t kMost = uint64_t{1} << 60;
  const codec::Totals& below = from.directory->totals;
  NOKV_TRY(txn.settle());
  NodeId here = place.directory;
  while (here) {
    NOKV_ASSIGN(DirectoryState * state, txn.directory(here));
    const codec::Totals& totals = state->record.totals;
    if (totals.bytes + below.bytes > kMost ||
        totals.files + totals.directories + below.files + below.directories > kMost) {
      return fail(Code::resource_exhausted, place.path(), ": with the clone's ", below.bytes,
                  " bytes in ", below.files + below.directories,
                  " entries more would lie below one directory than the limit of ", kMost);
    }
    here = state->record.parent;
  }
  return {};
}

struct Made {
  NodeId root;
  uint64_t version = 0;  // that it shows
  codec::Totals below;
};

// What a rollback of the directory replaces.
Result<Replaced> replaced_by_rollback(Transaction& txn, const NodeId& id) {
  NOKV_ASSIGN(DirectoryState * state, txn.directory(id));
  return Replaced{state->record.quota, txn.context().pending.before(id)};
}

// A clone of `from` whose root has this parent and name; who names it is the caller's.
Result<Made> make_clone(Transaction& txn, const Origin& from, const NodeId& parent,
                        const std::string& name, const std::optional<Replaced>& replaced) {
  const codec::Directory& source = *from.directory;
  bool now = from.version == kNow;
  if (now) NOKV_TRY(txn.check_unchanged());
  codec::Totals totals = source.totals;
  see_hops_through(last_clone(from.id), from.id, totals);
  uint32_t hops = totals.hops;
  if (hops > NodeId::kHopsMax) {
    return std::unexpected(
        Error(Code::resource_exhausted, str(from.path, ": a clone of it would be the ", hops,
                                            "th within others; the limit is ", NodeId::kHopsMax))
            .with_hint("copy it with: nokv cp -r"));
  }
  uint64_t clone = txn.new_id();
  codec::CloneRecord record{last_clone(from.id), now ? txn.version() - 1 : from.version, from.id};
  record.root = seen_through(clone, record.parent, from.id);
  record.pin = txn.pin_at(record.version, now ? txn.now_ns() : from.time_ns, from.id, from.path);
  NOKV_TRY(txn.put(codec::clone_key(clone), codec::encoded(record)));
  size_t enough = txn.context().chain_max + 1;
  NOKV_ASSIGN(size_t length, chain_length(txn.view(), record, enough));
  if (length >= enough) txn.set(codec::number_key(Table::flattening, clone), "");
  DirectoryState state;
  state.record = source;
  state.record.parent = parent;
  state.record.name = name;
  state.record.since = txn.version();
  state.record.attributes.ctime_ns = txn.now_ns();
  state.record.totals.newest = txn.version();
  state.record.totals.hops = totals.hops;
  state.record.totals.foreign_hops = totals.foreign_hops;
  if (replaced) state.record.quota = replaced->quota;
  Made out{record.root, record.version, state.record.totals};
  txn.context().pending.add_directory(record.root, std::move(state),
                                      replaced ? &replaced->before : nullptr);
  txn.forget_paths();
  return out;
}

// The whole of a file as it was, under the name it has now.
Result<OperationResult> restore_file(Transaction& txn, const Origin& from,
                                     const Transaction::Spot& spot, bool keep_undo) {
  OperationResult out{spot.path(), spot.id()};
  out.undo_version = txn.undo_pin(keep_undo, spot.id(), spot.path(), &spot.place);
  NOKV_ASSIGN(auto file, txn.file(*spot.found.entry));
  codec::Body old = file.inode.body;
  file.inode = *from.inode;
  file.inode.attributes.ctime_ns = txn.now_ns();
  txn.stamp(file.inode.body);
  NOKV_TRY(copy_chunks(txn, from, spot.id(), file.inode.body));
  if (file.in_dentry && file.inode.body.body_number != 0) NOKV_TRY(txn.keep_place(spot));
  if (old.body_number != 0) txn.set(codec::detached_key(spot.id(), old.body_number), "");
  NOKV_TRY(txn.put_file(spot, file, old.size));
  NOKV_TRY(txn.publishes(spot.id()));
  codec::Event event{codec::EventKind::rolled_back, false, spot.path(), "", spot.id(), Kind::file};
  event.old_generation = old.generation;
  event.generation = out.generation = txn.version();
  event.size = out.size = file.inode.body.size;
  out.digest = file.inode.body.digest;
  NOKV_TRY(txn.file_event(spot, file, std::move(event)));
  return out;
}

Result<OperationResult> roll_back_root(Transaction& txn, const Origin& from, bool keep_undo) {
  NOKV_ASSIGN(NodeId old, txn.tree().root());
  OperationResult out{"/", {}};
  out.undo_version = txn.undo_pin(keep_undo, old, "/");
  NOKV_ASSIGN(auto replaced, replaced_by_rollback(txn, old));
  NOKV_ASSIGN(auto made, make_clone(txn, from, {}, "", replaced));
  NOKV_TRY(txn.end_directory(old));
  txn.set(codec::table_key(Table::root), codec::encoded(codec::RootRecord{made.root}));
  out.id = made.root;
  out.snapshot_version = made.version;
  return out;
}

void rolled_back_event(Transaction& txn, const OperationResult& done) {
  txn.event({codec::EventKind::rolled_back, true, done.path, "", done.id, codec::Kind::directory});
}

// Puts a clone of the directory `from` where `spot` is; of a directory there the quota stays.
Result<OperationResult> put_in_place(Transaction& txn, const Origin& from,
                                     const Transaction::Spot& spot, bool keep_undo) {
  std::optional<Replaced> replaced;
  if (spot.found.is_directory()) {
    NOKV_ASSIGN(replaced, replaced_by_rollback(txn, spot.id()));
  }
  NOKV_ASSIGN(uint64_t undo, take_away(txn, spot, keep_undo));
  NOKV_ASSIGN(Found there, txn.lookup(spot.place.directory, spot.place.name));
  NOKV_ASSIGN(auto out, put_clone(txn, from, spot.place, there, replaced));
  rolled_back_event(txn, out);
  out.created = false;
  out.undo_version = undo;
  return out;
}

Result<OperationResult> replace_by_clone(Transaction& txn, Origin from,
                                         const Transaction::Spot& spot, bool keep_undo) {
  if (!spot.found.is_directory()) {
    return fail(Code::not_directory, spot.path(), ": is no directory, as ", from.path, " is");
  }
  if (from.version == kNow) {
    if (from.id == spot.id()) {
      return fail(Code::invalid_argument, from.path, ": cannot be replaced by its own clone");
    }
    // What is taken away may hold the source: it is cloned as it was just before.
    NOKV_TRY(txn.check_unchanged());
    from.version = txn.version() - 1;
    from.time_ns = txn.now_ns();
  }
  return put_in_place(txn, from, spot, keep_undo);
}

}  // namespace

Result<OperationResult> put_clone(Transaction& txn, const Origin& from, const Place& place,
                                  const Found& there, const std::optional<Replaced>& replaced) {
  NOKV_TRY(check_outside(txn, from, place));
  NOKV_TRY(check_sums(txn, from, place));
  NOKV_ASSIGN(auto made, make_clone(txn, from, place.directory, place.name, replaced));
  txn.put_dentry(place, there, {made.root, Kind::directory, {}});
  txn.count(place, 1, made.root, Kind::directory, 0, &made.below);
  OperationResult out{place.path(), made.root, true};
  out.snapshot_version = made.version;
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::Clone& op) {
  NOKV_ASSIGN(auto from, origin(txn, op.from, op.from_at, true));
  const codec::Attributes& attributes =
      from.is_directory() ? from.directory->attributes : from.inode->attributes;
  NOKV_ASSIGN(Place place, txn.place(op.to, op.parents, {attributes.uid, attributes.gid}));
  NOKV_ASSIGN(Found there, txn.lookup(place.directory, place.name));
  if (there && !op.replace) return fail(Code::already_exists, place.path(), ": it exists");
  if (!from.is_directory()) {
    NOKV_ASSIGN(auto out, share(txn, from, place, {.keep_undo = op.keep_undo}));
    out.snapshot_version = from.version == kNow ? txn.version() - 1 : from.version;
    return out;
  }
  if (there) return replace_by_clone(txn, std::move(from), {place, there}, op.keep_undo);
  NOKV_ASSIGN(auto out, put_clone(txn, from, place, there));
  txn.event({codec::EventKind::cloned, true, out.path, from.path, out.id, Kind::directory});
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::Rollback& op) {
  NOKV_ASSIGN(auto spot, txn.existing(op.target, false));
  NOKV_ASSIGN(auto from, origin(txn, {spot.path(), {}}, op.at, false));
  if (from.version == kNow) {  // it is as it was
    OperationResult out{spot.path(), spot.id()};
    out.snapshot_version = txn.version() - 1;
    return out;
  }
  if (spot.is_root()) {
    NOKV_ASSIGN(auto out, roll_back_root(txn, from, op.keep_undo));
    rolled_back_event(txn, out);
    return out;
  }
  if (!from.is_directory() && !spot.found.is_directory() &&
      from.inode->kind == spot.found.entry->kind && from.inode->kind == Kind::file) {
    NOKV_ASSIGN(auto out, restore_file(txn, from, spot, op.keep_undo));
    out.snapshot_version = from.version;
    return out;
  }
  if (from.is_directory()) return put_in_place(txn, from, spot, op.keep_undo);
  NOKV_ASSIGN(uint64_t undo, take_away(txn, spot, op.keep_undo));
  if (spot.found.is_directory()) {
    txn.event({codec::EventKind::removed, true, spot.path(), "", spot.id(), Kind::directory});
  }
  NOKV_ASSIGN(auto out, share(txn, from, spot.place, {}));
  out.snapshot_version = from.version;
  out.created = false;
  out.undo_version = undo;
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::Undelete& op) {
  const codec::Target& as = op.as.path.empty() && !op.as.id ? op.target : op.as;
  std::string at = op.at;
  if (at.empty()) {
    NOKV_ASSIGN(uint64_t version,
                newest_with(txn.context().applied, txn.context().pins, op.target.path));
    at = str("v", version);
  }
  NOKV_ASSIGN(auto from, origin(txn, op.target, at, false));
  NOKV_ASSIGN(Place place, txn.place(as, true));
  NOKV_ASSIGN(Found there, txn.lookup(place.directory, place.name));
  if (there) {
    return std::unexpected(Error(Code::already_exists, str(place.path(), ": the name is taken"))
                               .with_hint("give another one with --as PATH"));
  }
  uint64_t version = from.version == kNow ? txn.version() - 1 : from.version;
  OperationResult out;
  if (from.is_directory()) {
    NOKV_ASSIGN(out, put_clone(txn, from, place, there));
    txn.event({codec::EventKind::cloned, true, out.path, from.path, out.id, Kind::directory});
  } else {
    NOKV_ASSIGN(out, share(txn, from, place, {}));
  }
  out.snapshot_version = version;
  return out;
}

}  // namespace nokv::meta::planning
