#include "meta/plan/plan.h"

namespace nokv::meta::planning {

Result<OperationResult> run(Transaction& txn, const codec::MakeNode& op) {
  NOKV_TRY(check_mode(op.mode));
  NOKV_TRY(check_xattrs(op.xattrs));
  using codec::Kind;
  bool special = op.kind == Kind::fifo || op.kind == Kind::socket || op.kind == Kind::block ||
                 op.kind == Kind::character;
  if (!special && op.kind != Kind::symlink) {
    return fail(Code::invalid_argument, "kind ", static_cast<int>(op.kind),
                " is neither a symbolic link nor a special file");
  }
  if (op.kind == Kind::symlink) {
    if (op.link_target.empty() || op.link_target.find('\0') != std::string::npos) {
      return fail(Code::invalid_argument, "a symbolic link needs a target without NUL");
    }
    if (op.link_target.size() > codec::kSymlinkMax) {
      return fail(Code::resource_exhausted, "a symbolic link target of ", op.link_target.size(),
                  " bytes; the limit is ", codec::kSymlinkMax);
    }
  }
  NOKV_ASSIGN(Place place, txn.place(op.target));
  NOKV_ASSIGN(Found found, txn.lookup(place.directory, place.name));
  if (found) return fail(Code::already_exists, place.path(), ": it exists");
  int64_t now = txn.now_ns();
  codec::Inode inode{op.kind,
                     {op.mode, op.uid, op.gid, op.mtime_ns.value_or(now), op.ctime_ns.value_or(now),
                      op.btime_ns.value_or(now), op.rdev}};
  inode.xattrs = op.xattrs;
  if (op.kind == Kind::symlink) inode.target = op.link_target;
  NodeId id{txn.new_id(), place.directory.hops};
  txn.put_dentry(place, found, {id, op.kind, std::move(inode)});
  txn.count(place, 1, id, op.kind, 0);
  txn.event({codec::EventKind::created, false, place.path(), "", id, op.kind});
  return OperationResult{place.path(), id, true};
}

}  // namespace nokv::meta::planning
