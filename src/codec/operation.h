// What can be changed, and the one request that changes it. docs/formats/rpc.md
//
// One CommitRequest carries any number of operations that happen together or not at all. Every
// field's default is zero, for a zero is not sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "codec/message.h"
#include "codec/redo.h"

namespace nokv::codec {

// Operations of one transaction, at most this many, in one message of at most kMessageMax bytes.
constexpr size_t kOperationsMax = 4096;
// How far a session's sequence numbers may run ahead of the oldest unacknowledged one.
constexpr uint64_t kSessionWindow = 1024;
// A body up to this size travels inside the request and lives in the metadata engine.
constexpr uint64_t kInlineMax = 16 << 10;

// Which node is meant: a path from the root; or a path from the node `id` (an empty one is the node
// itself). A file with one name is addressed as its directory's id and its name.
struct Target {
  std::string path;
  NodeId id;
  static void fields(auto& self, auto& f) {
    f(1, self.path);
    f(2, self.id);
  }
};

// ---- operations

struct Mkdir {
  Target target;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  bool parents = false;   // make what is missing on the way
  bool exist_ok = false;  // fine when the directory is there
  // A new directory's times, where it has them from elsewhere; else the commit's. What is made in
  // it later changes them again.
  std::optional<int64_t> mtime_ns;
  std::optional<int64_t> ctime_ns;
  std::optional<int64_t> btime_ns;
  std::vector<Xattr> xattrs;  // of a new directory
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.mode);
    f(3, self.uid);
    f(4, self.gid);
    f(5, self.parents);
    f(6, self.exist_ok);
    f(7, self.mtime_ns);
    f(8, self.ctime_ns);
    f(9, self.btime_ns);
    f(10, self.xattrs);
  }
};

// Bytes that travel in the request, blobs put before under an upload session, or bytes of an object
// of somebody else's.
struct NewBody {
  uint64_t size = 0;
  std::string bytes;                 // size <= kInlineMax
  uint64_t upload = 0;               // else: the session, and
  uint64_t first_blob = 0;           // the first of blob_count(size) consecutive blobs
  std::vector<uint32_t> block_crcs;  // CRC-32C of each 4 MiB block of the body (inline: of it all)
  Digest digest;
  std::string content_type;
  std::string producer;
  std::optional<External> external;  // `size` bytes from its offset on
  static void fields(auto& self, auto& f) {
    f(1, self.size);
    f(2, self.bytes);
    f(3, self.upload);
    f(4, self.first_blob);
    f(5, self.block_crcs);
    f(6, self.digest);
    f(7, self.content_type);
    f(8, self.producer);
    f(9, self.external);
  }
};

enum class Exists : uint8_t {
  any = 0,      // create or replace
  create = 1,   // refuse an existing file
  replace = 2,  // refuse a missing one
};

// Creates a file, or gives an existing one another body. Attributes of an existing file stay but
// for mtime and ctime.
struct Publish {
  Target target;
  NewBody body;
  Exists exists = Exists::any;
  std::optional<uint64_t> if_generation;
  bool parents = false;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<int64_t> mtime_ns;  // else the commit's time
  std::vector<Xattr> xattrs;        // of a new file
  bool keep_undo = false;           // a replaced body can be brought back for the undo window
  std::optional<int64_t> ctime_ns;  // else the commit's time
  std::optional<int64_t> btime_ns;  // of a new file; else the commit's time
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.body);
    f(3, self.exists);
    f(4, self.if_generation);
    f(5, self.parents);
    f(6, self.mode);
    f(7, self.uid);
    f(8, self.gid);
    f(9, self.mtime_ns);
    f(10, self.xattrs);
    f(11, self.keep_undo);
    f(12, self.ctime_ns);
    f(13, self.btime_ns);
  }
};

struct Append {
  Target target;
  NewBody body;                     // what is added
  std::optional<uint64_t> at_size;  // refuse when the file has another size
  std::optional<uint64_t> if_generation;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.body);
    f(3, self.at_size);
    f(4, self.if_generation);
  }
};

// A symlink or special node.
struct MakeNode {
  Target target;
  Kind kind = Kind::none;
  std::string link_target;  // symlinks
  uint64_t rdev = 0;        // devices
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<int64_t> mtime_ns;  // else the commit's time, as the next two
  std::optional<int64_t> ctime_ns;
  std::optional<int64_t> btime_ns;
  std::vector<Xattr> xattrs;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.kind);
    f(3, self.link_target);
    f(4, self.rdev);
    f(5, self.mode);
    f(6, self.uid);
    f(7, self.gid);
    f(8, self.mtime_ns);
    f(9, self.ctime_ns);
    f(10, self.btime_ns);
    f(11, self.xattrs);
  }
};

struct Link {
  Target from;
  Target to;
  static void fields(auto& self, auto& f) {
    f(1, self.from);
    f(2, self.to);
  }
};

enum class RenameMode : uint8_t {
  replace = 0,
  no_replace = 1,
  exchange = 2
};

struct Rename {
  Target from;
  Target to;
  RenameMode mode = RenameMode::replace;
  bool parents = false;
  bool keep_undo = false;
  static void fields(auto& self, auto& f) {
    f(1, self.from);
    f(2, self.to);
    f(3, self.mode);
    f(4, self.parents);
    f(5, self.keep_undo);
  }
};

enum class RemoveKind : uint8_t {
  any = 0,        // a file, or a directory with all that is in it
  file = 1,       // unlink: anything but a directory
  directory = 2,  // rmdir: an empty directory
};

struct Remove {
  Target target;
  RemoveKind kind = RemoveKind::any;
  bool missing_ok = false;
  bool keep_undo = false;
  std::optional<uint64_t> if_generation;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.kind);
    f(3, self.missing_ok);
    f(4, self.keep_undo);
    f(5, self.if_generation);
  }
};

struct SetAttributes {
  Target target;
  bool follow = false;
  std::optional<uint32_t> mode;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::optional<int64_t> mtime_ns;
  bool mtime_now = false;
  std::optional<int64_t> ctime_ns;  // else the commit's time
  std::optional<int64_t> btime_ns;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.follow);
    f(3, self.mode);
    f(4, self.uid);
    f(5, self.gid);
    f(6, self.mtime_ns);
    f(7, self.mtime_now);
    f(8, self.ctime_ns);
    f(9, self.btime_ns);
  }
};

struct SetXattr {
  Target target;
  bool follow = false;
  std::string name;
  std::optional<std::string> value;  // absent: removed
  Exists exists = Exists::any;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.follow);
    f(3, self.name);
    f(4, self.value);
    f(5, self.exists);
  }
};

// Refuses the whole transaction unless it holds; changes nothing.
struct Check {
  Target target;
  std::optional<bool> exists;
  std::optional<uint64_t> generation;
  std::optional<uint64_t> newest_at_most;  // nothing at or below it changed after this version
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.exists);
    f(3, self.generation);
    f(4, self.newest_at_most);
  }
};

// Keeps a directory as it was before this record: in a transaction it comes before all changes.
struct SnapshotCreate {
  std::string name;
  Target target;
  int64_t ttl_ns = 0;  // 0: kept until removed
  std::vector<Label> labels;
  static void fields(auto& self, auto& f) {
    f(1, self.name);
    f(2, self.target);
    f(3, self.ttl_ns);
    f(4, self.labels);
  }
};

struct SnapshotRemove {
  std::string name;
  static void fields(auto& self, auto& f) { f(1, self.name); }
};

struct SnapshotRenew {
  std::string name;
  int64_t ttl_ns = 0;  // from now; 0: kept until removed
  static void fields(auto& self, auto& f) {
    f(1, self.name);
    f(2, self.ttl_ns);
  }
};

struct SetPolicy {
  RetentionPolicy policy;
  static void fields(auto& self, auto& f) { f(1, self.policy); }
};

struct OpenUpload {
  uint32_t blobs = 0;  // how many ids, at most 4,096
  static void fields(auto& self, auto& f) { f(1, self.blobs); }
};

struct CloseUpload {
  uint64_t upload = 0;
  static void fields(auto& self, auto& f) { f(1, self.upload); }
};

// Makes `to` a writable copy of a directory as it is, or was at a version that can still be read:
// in constant time, for nothing below it is written. A file is copied. Of the present it comes
// before all changes of its transaction.
struct Clone {
  Target from;
  std::string from_at;  // empty: now
  Target to;
  bool parents = false;
  bool replace = false;  // what is there already, with the same kind; else it is refused
  bool keep_undo = false;
  static void fields(auto& self, auto& f) {
    f(1, self.from);
    f(2, self.from_at);
    f(3, self.to);
    f(4, self.parents);
    f(5, self.replace);
    f(6, self.keep_undo);
  }
};

// Puts a directory or file in its place as it was at `at`; what was there can be brought back for
// the undo window.
struct Rollback {
  Target target;
  std::string at;
  bool keep_undo = false;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.at);
    f(3, self.keep_undo);
  }
};

// Brings a file or directory back as it was at a version that can still be read, under its name or
// another.
struct Undelete {
  Target target;   // what it was called then
  std::string at;  // empty: the newest version that has it
  Target as;       // empty: under `target`
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.at);
    f(3, self.as);
  }
};

// A file that shares the bytes of another: `cp` in the server.
struct Copy {
  Target from;
  std::string from_at;  // a version; empty: now
  Target to;
  Exists exists = Exists::any;
  std::optional<uint64_t> if_generation;
  bool parents = false;
  bool keep_undo = false;
  bool no_follow = false;  // of a symlink, itself
  static void fields(auto& self, auto& f) {
    f(1, self.from);
    f(2, self.from_at);
    f(3, self.to);
    f(4, self.exists);
    f(5, self.if_generation);
    f(6, self.parents);
    f(7, self.keep_undo);
    f(8, self.no_follow);
  }
};

// Keeps a directory or file as it is for the undo window: `rollback` brings it back as it was
// before this record. In a transaction it comes before all changes.
struct KeepUndo {
  Target target;
  static void fields(auto& self, auto& f) { f(1, self.target); }
};

// Sets what may lie below a directory at most. What lies there already stays, also when it is more;
// only what makes it more is refused then.
struct SetQuota {
  Target target;                      // symlinks are followed
  std::optional<uint64_t> max_bytes;  // 0: no limit; absent: as it was
  std::optional<uint64_t> max_entries;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.max_bytes);
    f(3, self.max_entries);
  }
};

using Operation =
    std::variant<Mkdir, Publish, Append, MakeNode, Link, Rename, Remove, SetAttributes, SetXattr,
                 Check, SnapshotCreate, SnapshotRemove, SnapshotRenew, SetPolicy, OpenUpload,
                 CloseUpload, Undelete, Copy, Clone, Rollback, KeepUndo, SetQuota>;

// One operation in its envelope: field 1 is the first alternative, and so on.
struct OperationBox {
  static constexpr bool kChooses = true;
  Operation op;
  static void fields(auto& self, auto& f) { f.one_of(1, self.op); }
};

enum class Durability : uint8_t {
  durable = 0,  // the reply comes when the log has it
  early = 1,    // as soon as outcome and order are decided
};

struct CommitRequest {
  SessionId session{};       // all zero: a request of its own, not repeated by anybody
  uint64_t sequence = 0;     // from 1
  uint64_t acked_below = 0;  // results below it were received
  uint64_t attach = 0;       // grows with each connection of the session
  bool open_session = false;
  bool close_session = false;
  Durability durability = Durability::durable;
  std::vector<OperationBox> operations;
  bool dry_run = false;   // decide, answer, change nothing
  uint64_t first_id = 0;  // sent again after an early answer: CommitReply::first_id
  static void fields(auto& self, auto& f) {
    f(1, self.session);
    f(2, self.sequence);
    f(3, self.acked_below);
    f(4, self.attach);
    f(5, self.open_session);
    f(6, self.close_session);
    f(7, self.durability);
    f(8, self.operations);
    f(9, self.dry_run);
    f(10, self.first_id);
  }
};

// What one operation did.
struct OperationResult {
  std::string path;  // where it took place, when it made or removed a name
  NodeId id;
  bool created = false;
  uint64_t generation = 0;
  uint64_t size = 0;
  Digest digest;
  uint64_t undo_version = 0;  // an undo pin at this version keeps what was taken away
  uint64_t upload = 0;        // OpenUpload
  uint64_t first_blob = 0;
  int64_t expires_ns = 0;
  uint64_t snapshot_version = 0;  // snapshots; Clone, Rollback, Undelete: the version it shows
  uint64_t pin = 0;               // snapshots
  static void fields(auto& self, auto& f) {
    f(1, self.path);
    f(2, self.id);
    f(3, self.created);
    f(4, self.generation);
    f(5, self.size);
    f(6, self.digest);
    f(7, self.undo_version);
    f(8, self.upload);
    f(9, self.first_blob);
    f(10, self.expires_ns);
    f(11, self.snapshot_version);
    f(12, self.pin);
  }
};

struct CommitReply {
  uint64_t version = 0;  // of the record; generations that it made are this
  int64_t time_ns = 0;
  std::vector<OperationResult> results;  // one for each operation
  uint64_t synced = 0;                   // early: versions up to here are durable
  // Early: what it made has the ids from here on, of those reserved for the session, and so it has
  // when it is sent again with this number. 0: it is durable.
  uint64_t first_id = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.time_ns);
    f(3, self.results);
    f(4, self.synced);
    f(5, self.first_id);
  }
};

}  // namespace nokv::codec
