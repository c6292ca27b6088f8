#include "meta/plan/plan.h"

namespace nokv::meta::planning {

Result<OperationResult> run(Transaction& txn, const codec::Mkdir& op) {
  NOKV_TRY(check_mode(op.mode));
  NOKV_TRY(check_xattrs(op.xattrs));
  if (op.exist_ok && op.target.path.find_first_not_of('/') == std::string::npos) {
    NOKV_ASSIGN(auto spot, txn.existing(op.target, true));
    return OperationResult{spot.path(), spot.id()};
  }
  NOKV_ASSIGN(Place place, txn.place(op.target, op.parents, {op.uid, op.gid}));
  NOKV_ASSIGN(Found found, txn.lookup(place.directory, place.name));
  if (found) {
    if (op.exist_ok && found.is_directory()) {
      return OperationResult{place.path(), found.entry->child};
    }
    return fail(Code::already_exists, place.path(), ": it exists");
  }
  int64_t now = txn.now_ns();
  codec::Attributes attributes{op.mode,
                               op.uid,
                               op.gid,
                               op.mtime_ns.value_or(now),
                               op.ctime_ns.value_or(now),
                               op.btime_ns.value_or(now)};
  NodeId id = txn.add_directory(place, found, attributes, op.xattrs);
  txn.event({codec::EventKind::created, false, place.path(), "", id, codec::Kind::directory});
  return OperationResult{place.path(), id, true};
}

}  // namespace nokv::meta::planning
