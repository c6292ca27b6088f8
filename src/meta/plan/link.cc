#include "meta/plan/plan.h"

namespace nokv::meta::planning {

Result<OperationResult> run(Transaction& txn, const codec::Link& op) {
  NOKV_ASSIGN(auto from, txn.existing(op.from, false));
  if (from.is_root() || from.found.is_directory()) {
    return fail(Code::is_directory, from.path(), ": a directory has one name");
  }
  NOKV_ASSIGN(Place to, txn.place(op.to));
  NOKV_ASSIGN(Found there, txn.lookup(to.directory, to.name));
  if (there) return fail(Code::already_exists, to.path(), ": it exists");
  NOKV_ASSIGN(auto file, txn.file(*from.found.entry));
  NOKV_TRY(txn.make_linkable(from, file));
  ++file.links;
  file.inode.attributes.ctime_ns = txn.now_ns();
  NodeId id = from.id();
  NOKV_TRY(txn.put_inode(id, file.inode, file.links));
  NOKV_TRY(
      txn.put(codec::link_key(id, to.directory, to.name), codec::encoded(codec::LinkRecord())));
  NOKV_TRY(txn.file_changed(id, 0));
  txn.put_dentry(to, there, {id, file.inode.kind, {}});
  txn.count(to, 1, id, file.inode.kind, file.inode.body.size);
  codec::Event event{codec::EventKind::linked, false, to.path(), from.path(), id, file.inode.kind};
  event.generation = file.inode.body.generation;
  event.size = file.inode.body.size;
  txn.event(std::move(event));
  return OperationResult{to.path(), id, true};
}

}  // namespace nokv::meta::planning
