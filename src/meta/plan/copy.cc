#include "meta/at.h"
#include "meta/plan/plan.h"

namespace nokv::meta::planning {

namespace {

using codec::Kind;

struct Origin {
  codec::Inode inode;
  NodeId id;
  uint64_t version = kNow;
};

// The file `path` as it is, or as it was.
Result<Origin> origin(Transaction& txn, const codec::Target& target, const std::string& at,
                      bool follow) {
  Origin out;
  if (at.empty()) {
    NOKV_ASSIGN(auto spot, txn.existing(target, follow));
    if (spot.found.is_directory()) return fail(Code::is_directory, spot.path(), ": is a directory");
    NOKV_ASSIGN(auto file, txn.file(*spot.found.entry));
    out.inode = std::move(file.inode);
    out.id = spot.id();
    return out;
  }
  const PlanContext& context = txn.context();
  NOKV_ASSIGN(auto moment, resolve_at(context.applied, context.pins, context.policy, at,
                                      target.path, txn.now_ns()));
  out.version = moment.version;
  NOKV_ASSIGN(auto found, resolve_path_at(context.applied, moment, target.path, follow));
  if (found.dentry.kind == Kind::directory) {
    return fail(Code::is_directory, target.path, ": is a directory");
  }
  NOKV_ASSIGN(out.inode, Tree(context.applied, moment.version).inode(found.dentry));
  out.id = found.id();
  return out;
}

// Gives the body's chunk records, as they are at `from.version`, to `to` under a new body number.
Result<> copy_chunks(Transaction& txn, const Origin& from, const NodeId& to, codec::Body& body) {
  if (body.body_number == 0) return {};
  uint64_t number = body.body_number;
  body.body_number = txn.new_id();
  bool now = from.version == kNow;
  const View& view = now ? txn.view() : txn.context().applied;
  Tree tree(view, from.version);
  uint64_t chunks = (body.size + codec::kChunkBytes - 1) / codec::kChunkBytes;
  for (uint64_t i = 0; i < chunks; ++i) {
    auto index = static_cast<uint32_t>(i);
    NOKV_ASSIGN(auto raw, tree.file_record(from.id, [&](const NodeId& id) {
      return codec::chunk_key(id, number, index);
    }));
    if (raw) NOKV_TRY(txn.put(codec::chunk_key(to, body.body_number, index), raw->value));
  }
  return {};
}

struct Destination {
  codec::Exists exists = codec::Exists::any;
  std::optional<uint64_t> if_generation;
  bool keep_undo = false;
};

// Makes `place` a file that shares the bytes of `from`.
Result<OperationResult> share(Transaction& txn, const Origin& from, const Place& place,
                              const Destination& how) {
  NOKV_ASSIGN(Found there, txn.lookup(place.directory, place.name));
  if (there.is_directory()) return fail(Code::is_directory, place.path(), ": is a directory");
  std::optional<codec::Inode> old;
  if (there) {
    NOKV_ASSIGN(auto file, txn.file(*there.entry));
    old = std::move(file.inode);
  }
  NOKV_TRY(check_precondition(place.path(), old, how.exists, how.if_generation));
  if (from.inode.kind != Kind::file) {
    if (there) return fail(Code::already_exists, place.path(), ": it exists");
    NodeId id{txn.new_id(), place.directory.hops};
    txn.put_dentry(place, there, {id, from.inode.kind, from.inode});
    txn.count(place, 1, from.inode.kind, 0);
    txn.event({codec::EventKind::created, false, place.path(), "", id, from.inode.kind});
    return OperationResult{place.path(), id, true};
  }
  if (old && old->kind != Kind::file) {
    return fail(Code::failed_precondition, place.path(), ": not a regular file");
  }
  NewFile file;
  file.body = from.inode.body;
  txn.stamp(file.body);
  file.mode = from.inode.attributes.mode;
  file.uid = from.inode.attributes.uid;
  file.gid = from.inode.attributes.gid;
  file.mtime_ns = from.inode.attributes.mtime_ns;
  file.xattrs = from.inode.xattrs;
  file.keep_undo = how.keep_undo;
  uint64_t old_number = file.body.body_number;
  if (old_number == 0) return put_body(txn, {place, there}, std::move(file));
  // The chunk records need the node's id, which put_body gives: so first without, then with them.
  codec::Body whole = file.body;
  file.body.body_number = 0;
  NOKV_ASSIGN(auto out, put_body(txn, {place, there}, std::move(file)));
  NOKV_TRY(copy_chunks(txn, from, out.id, whole));
  NOKV_ASSIGN(Found made, txn.lookup(place.directory, place.name));
  Transaction::Spot spot{place, made};
  NOKV_ASSIGN(auto again, txn.file(*made.entry));
  again.inode.body.body_number = whole.body_number;
  NOKV_TRY(txn.put_file(spot, again, again.inode.body.size));
  return out;
}

}  // namespace

Result<OperationResult> run(Transaction& txn, const codec::Copy& op) {
  NOKV_ASSIGN(auto from, origin(txn, op.from, op.from_at, true));
  NOKV_ASSIGN(Place place,
              txn.place(op.to, op.parents, {from.inode.attributes.uid, from.inode.attributes.gid}));
  return share(txn, from, place, {op.exists, op.if_generation, op.keep_undo});
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
  NOKV_ASSIGN(auto out, share(txn, from, place, {}));
  out.snapshot_version = from.version == kNow ? txn.version() - 1 : from.version;
  return out;
}

}  // namespace nokv::meta::planning
