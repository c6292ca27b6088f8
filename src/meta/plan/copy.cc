#include "meta/at.h"
#include "meta/plan/plan.h"

namespace nokv::meta::planning {

using codec::Kind;

Result<Origin> origin(Transaction& txn, const codec::Target& target, const std::string& at,
                      bool follow) {
  Origin out;
  out.path = target.path;
  if (!at.empty()) {
    const PlanContext& context = txn.context();
    NOKV_ASSIGN(auto moment, resolve_at(context.applied, context.pins, context.policy, at,
                                        target.path, txn.now_ns()));
    if (moment.version != kNow) {
      out.version = moment.version;
      out.time_ns = moment.time_ns;
      NOKV_ASSIGN(auto found, resolve_path_at(context.applied, moment, target.path, follow));
      out.id = found.id();
      Tree tree(context.applied, moment.version);
      if (found.dentry.kind == Kind::directory) {
        NOKV_ASSIGN(auto node, tree.node(out.id));
        if (!node || !node->directory) return damaged(codec::node_key(out.id));
        out.directory = std::move(node->directory);
        NOKV_ASSIGN(auto path, tree.path_of(out.id, moment.scope, moment.path));
        if (path) out.path = *std::move(path);
      } else {
        NOKV_ASSIGN(out.inode, tree.inode(found.dentry));
      }
      return out;
    }
  }
  NOKV_ASSIGN(auto spot, txn.existing(target, follow));
  out.path = spot.path();
  out.id = spot.id();
  if (spot.is_root() || spot.found.is_directory()) {
    NOKV_ASSIGN(DirectoryState * state, txn.directory(out.id));
    out.directory = state->record;
  } else {
    NOKV_ASSIGN(auto file, txn.file(*spot.found.entry));
    out.inode = std::move(file.inode);
  }
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
  if (from.inode->kind != Kind::file) {
    if (there) return fail(Code::already_exists, place.path(), ": it exists");
    NodeId id{txn.new_id(), place.directory.hops};
    txn.put_dentry(place, there, {id, from.inode->kind, *from.inode});
    txn.count(place, 1, id, from.inode->kind, 0);
    txn.event({codec::EventKind::created, false, place.path(), "", id, from.inode->kind});
    return OperationResult{place.path(), id, true};
  }
  if (old && old->kind != Kind::file) {
    return fail(Code::failed_precondition, place.path(), ": not a regular file");
  }
  NewFile file;
  file.body = from.inode->body;
  txn.stamp(file.body);
  file.mode = from.inode->attributes.mode;
  file.uid = from.inode->attributes.uid;
  file.gid = from.inode->attributes.gid;
  file.mtime_ns = from.inode->attributes.mtime_ns;
  file.xattrs = from.inode->xattrs;
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
  if (again.in_dentry) NOKV_TRY(txn.keep_place(spot));
  NOKV_TRY(txn.put_file(spot, again, again.inode.body.size));
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::Copy& op) {
  NOKV_ASSIGN(auto from, origin(txn, op.from, op.from_at, !op.no_follow));
  if (from.is_directory()) return fail(Code::is_directory, from.path, ": is a directory");
  const codec::Attributes& attributes = from.inode->attributes;
  NOKV_ASSIGN(Place place, txn.place(op.to, op.parents, {attributes.uid, attributes.gid}));
  return share(txn, from, place, {op.exists, op.if_generation, op.keep_undo});
}

}  // namespace nokv::meta::planning
