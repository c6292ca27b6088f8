// From a request to a redo record: what each operation does, decided against the newest state.
//
// Pure: reads the view and the pending changes, asks no clock and no random numbers. One verb a
// file. Each may fail after it changed something: the whole transaction is then undone.
#pragma once

#include "codec/rpc.h"
#include "meta/transaction.h"

namespace nokv::meta {

// Plans all operations of `request` into `out`, all or none, and answers. On an error, and for a
// dry run, nothing is pending and the next id is as before. Errors: those of the operations, with
// the number of the one that failed when there are several; resource_exhausted, with
// IdSource::exceeded set, when the ids did not suffice.
Result<codec::CommitReply> plan(const PlanContext& context, uint64_t version, int64_t now_ns,
                                const codec::CommitRequest& request, codec::RedoRecord& out);

// Refuses what makes more of a directory with a quota than that allows: quota_exceeded. At the end
// of a transaction: how much it adds shows only then.
Result<> check_quotas(Transaction& txn);

// Whether `request` makes a pin, so has to begin a group.
bool begins_group(const codec::CommitRequest& request);
// Whether `request` reads an older version, so can only be planned once all before it is applied.
bool reads_applied(const codec::CommitRequest& request);

namespace planning {

using codec::OperationResult;
Result<OperationResult> run(Transaction& txn, const codec::Mkdir& op);
Result<OperationResult> run(Transaction& txn, const codec::Publish& op);
Result<OperationResult> run(Transaction& txn, const codec::Append& op);
Result<OperationResult> run(Transaction& txn, const codec::MakeNode& op);
Result<OperationResult> run(Transaction& txn, const codec::Link& op);
Result<OperationResult> run(Transaction& txn, const codec::Rename& op);
Result<OperationResult> run(Transaction& txn, const codec::Remove& op);
Result<OperationResult> run(Transaction& txn, const codec::SetAttributes& op);
Result<OperationResult> run(Transaction& txn, const codec::SetXattr& op);
Result<OperationResult> run(Transaction& txn, const codec::Check& op);
Result<OperationResult> run(Transaction& txn, const codec::SnapshotCreate& op);
Result<OperationResult> run(Transaction& txn, const codec::SnapshotRemove& op);
Result<OperationResult> run(Transaction& txn, const codec::SnapshotRenew& op);
Result<OperationResult> run(Transaction& txn, const codec::SetPolicy& op);
Result<OperationResult> run(Transaction& txn, const codec::OpenUpload& op);
Result<OperationResult> run(Transaction& txn, const codec::CloseUpload& op);
Result<OperationResult> run(Transaction& txn, const codec::Undelete& op);
Result<OperationResult> run(Transaction& txn, const codec::Copy& op);
Result<OperationResult> run(Transaction& txn, const codec::Clone& op);
Result<OperationResult> run(Transaction& txn, const codec::Rollback& op);
Result<OperationResult> run(Transaction& txn, const codec::KeepUndo& op);
Result<OperationResult> run(Transaction& txn, const codec::SetQuota& op);

// Shared by verbs that take away what has a name: unlinks the file or detaches the directory at
// `spot`; gives the version of the undo pin, if one is wanted and made.
Result<uint64_t> take_away(Transaction& txn, const Transaction::Spot& spot, bool keep_undo);

// What a path is, or was at a version that can still be read: what is copied or cloned.
struct Origin {
  NodeId id;
  std::string path;
  uint64_t version = kNow;
  int64_t time_ns = 0;                // log time of an older `version`
  std::optional<codec::Inode> inode;  // one of these
  std::optional<codec::Directory> directory;
  bool is_directory() const { return directory.has_value(); }
};
// `at` is empty for now. Errors: those of resolve_at() and of Tree::resolve().
Result<Origin> origin(Transaction& txn, const codec::Target& target, const std::string& at,
                      bool follow);

// A directory that a clone takes the place of: the place keeps its quota.
struct Replaced {
  codec::Quota quota;
  codec::Totals before;  // what lay below it when the transaction began
};

// Makes `place`, where `there` was looked up, a clone of the directory `from`; of its quota too,
// unless it takes the place of a directory. Errors: resource_exhausted (hops), invalid_argument
// (into itself).
Result<OperationResult> put_clone(Transaction& txn, const Origin& from, const Place& place,
                                  const Found& there,
                                  const std::optional<Replaced>& replaced = std::nullopt);

// Makes `place` a file that shares the bytes of `from`.
struct Destination {
  codec::Exists exists = codec::Exists::any;
  std::optional<uint64_t> if_generation;
  bool keep_undo = false;
};
Result<OperationResult> share(Transaction& txn, const Origin& from, const Place& place,
                              const Destination& how);
// Gives the body's chunk records, as they are at `from.version`, to `to` under a new body number.
Result<> copy_chunks(Transaction& txn, const Origin& from, const NodeId& to, codec::Body& body);

// Shared by verbs that give a file a body: `file` at `spot`, replacing what was found there, if
// anything was.
struct NewFile {
  codec::Body body;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<int64_t> mtime_ns;
  std::vector<codec::Xattr> xattrs;
  bool keep_undo = false;
  std::optional<int64_t> ctime_ns;
  std::optional<int64_t> btime_ns;
};
Result<OperationResult> put_body(Transaction& txn, const Transaction::Spot& spot, NewFile file);

// What `exists` and `if_generation` ask of the file at `path`.
Result<> check_precondition(const std::string& path, const std::optional<codec::Inode>& there,
                            codec::Exists exists, std::optional<uint64_t> if_generation);

Result<> check_mode(uint32_t mode);
Result<> check_xattr_name(const std::string& name);
// The limits of all of a node's extended attributes, each of a name of its own.
Result<> check_xattrs(const std::vector<codec::Xattr>& xattrs);

}  // namespace planning
}  // namespace nokv::meta
