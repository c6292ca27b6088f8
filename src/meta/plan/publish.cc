#include "meta/plan/plan.h"

namespace nokv::meta::planning {

namespace {

constexpr int kSymlinksMax = 40;

// Where a body named `target` goes, and what is there: symlinks at its end are followed, also to
// what is missing.
Result<Transaction::Spot> file_spot(Transaction& txn, const codec::Publish& op) {
  codec::Target target = op.target;
  for (int i = 0; i < kSymlinksMax; ++i) {
    NOKV_ASSIGN(Place place, txn.place(target, op.parents, {op.uid, op.gid}));
    NOKV_ASSIGN(Found found, txn.lookup(place.directory, place.name));
    if (!found || found.entry->kind != codec::Kind::symlink) {
      return Transaction::Spot{std::move(place), std::move(found)};
    }
    NOKV_ASSIGN(auto link, txn.file(*found.entry));
    // By name, over the directory's own path: it may lead up, and to what is not there yet.
    NOKV_ASSIGN(auto parts, symlink_path(place.directory_path, link.inode.target));
    target = codec::Target{path_text(parts), {}};
  }
  return fail(Code::failed_precondition, op.target.path, ": more than ", kSymlinksMax,
              " symbolic links");
}

}  // namespace

Result<OperationResult> put_body(Transaction& txn, const Transaction::Spot& spot, NewFile file) {
  const auto& [place, found] = spot;
  Transaction::File written;
  int64_t mtime = file.mtime_ns.value_or(txn.now_ns());
  int64_t ctime = file.ctime_ns.value_or(txn.now_ns());
  OperationResult out{place.path()};
  out.generation = file.body.generation;
  out.size = file.body.size;
  out.digest = file.body.digest;
  codec::Event event{codec::EventKind::published, false, place.path(), "", {}, codec::Kind::file};
  event.generation = file.body.generation;
  event.size = file.body.size;
  if (!found) {
    codec::Inode inode{
        codec::Kind::file,
        {file.mode, file.uid, file.gid, mtime, ctime, file.btime_ns.value_or(txn.now_ns())}};
    inode.xattrs = std::move(file.xattrs);
    inode.body = std::move(file.body);
    out.created = true;
    out.id = NodeId{txn.new_id(), place.directory.hops};
    uint64_t size = inode.body.size;
    txn.put_dentry(place, found, {out.id, codec::Kind::file, std::move(inode)});
    txn.count(place, 1, out.id, codec::Kind::file, size);
    event.kind = codec::EventKind::created;
  } else {
    out.id = found.entry->child;
    out.undo_version = txn.undo_pin(file.keep_undo, out.id, place.path(), &place);
    NOKV_ASSIGN(auto old, txn.file(*found.entry));
    if (old.inode.body.body_number != 0) {  // its chunk records describe what is replaced
      txn.set(codec::detached_key(out.id, old.inode.body.body_number), "");
    }
    event.old_generation = old.inode.body.generation;
    uint64_t old_size = old.inode.body.size;
    old.inode.body = std::move(file.body);
    old.inode.attributes.mtime_ns = mtime;
    old.inode.attributes.ctime_ns = ctime;
    NOKV_TRY(txn.put_file(spot, old, old_size));
    written = std::move(old);
  }
  NOKV_TRY(txn.publishes(out.id));
  event.id = out.id;
  NOKV_TRY(txn.file_event(spot, written, std::move(event)));
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::Publish& op) {
  NOKV_TRY(check_mode(op.mode));
  NOKV_TRY(check_xattrs(op.xattrs));
  NOKV_ASSIGN(auto spot, file_spot(txn, op));
  const auto& [place, found] = spot;
  if (found.is_directory()) return fail(Code::is_directory, place.path(), ": is a directory");
  std::optional<codec::Inode> there;
  if (found) {
    NOKV_ASSIGN(auto file, txn.file(*found.entry));
    if (file.inode.kind != codec::Kind::file) {
      return fail(Code::failed_precondition, place.path(), ": not a regular file");
    }
    there = std::move(file.inode);
  }
  NOKV_TRY(check_precondition(place.path(), there, op.exists, op.if_generation));
  NOKV_ASSIGN(auto body, txn.take_body(op.body));
  return put_body(txn, spot,
                  {std::move(body), op.mode, op.uid, op.gid, op.mtime_ns, op.xattrs, op.keep_undo,
                   op.ctime_ns, op.btime_ns});
}

}  // namespace nokv::meta::planning
