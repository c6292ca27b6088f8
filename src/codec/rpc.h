// The requests and answers of the namespace, as they travel. docs/formats/rpc.md
//
// A method is a number in the envelope (codec/envelope.h); the body is one of these structs. One
// `Commit` carries any number of operations that happen together or not at all; everything else
// reads. Every field's default is zero, for a zero is not sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "codec/message.h"
#include "codec/redo.h"

namespace nokv::codec {

enum class Method : uint32_t {
  ping = 1,         // empty → empty
  init = 2,         // InitRequest → StatusReply
  status = 3,       // empty → StatusReply
  commit = 4,       // CommitRequest → CommitReply
  stat = 5,         // StatRequest → StatReply
  list = 6,         // ListRequest → ListReply
  open = 7,         // OpenRequest → OpenReply
  plan = 8,         // PlanRequest → BodyPlan
  access = 9,       // AccessRequest → BlobAccess
  put_block = 10,   // PutBlockRequest → empty
  get_block = 11,   // GetBlockRequest → Bytes
  snapshots = 12,   // SnapshotsRequest → SnapshotsReply
  log = 13,         // LogRequest → LogReply
  space = 14,       // empty → SpaceReply
  gc = 15,          // GcRequest → GcReply
  fsck = 16,        // FsckRequest → FsckReply
  checkpoint = 17,  // empty → empty
  policy = 18,      // empty → PolicyReply
  sync = 19,        // SyncRequest → SyncReply
  stats = 20,       // empty → Bytes (JSON)
};

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
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.mode);
    f(3, self.uid);
    f(4, self.gid);
    f(5, self.parents);
    f(6, self.exist_ok);
  }
};

// Bytes that travel in the request, or blobs put before under an upload session.
struct NewBody {
  uint64_t size = 0;
  std::string bytes;                 // size <= kInlineMax
  uint64_t upload = 0;               // else: the session, and
  uint64_t first_blob = 0;           // the first of blob_count(size) consecutive blobs
  std::vector<uint32_t> block_crcs;  // CRC-32C of each 4 MiB block of the body (inline: of it all)
  Digest digest;
  std::string content_type;
  std::string producer;
  static void fields(auto& self, auto& f) {
    f(1, self.size);
    f(2, self.bytes);
    f(3, self.upload);
    f(4, self.first_blob);
    f(5, self.block_crcs);
    f(6, self.digest);
    f(7, self.content_type);
    f(8, self.producer);
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
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.kind);
    f(3, self.link_target);
    f(4, self.rdev);
    f(5, self.mode);
    f(6, self.uid);
    f(7, self.gid);
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
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.follow);
    f(3, self.mode);
    f(4, self.uid);
    f(5, self.gid);
    f(6, self.mtime_ns);
    f(7, self.mtime_now);
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

// Brings a file back as it was at a version that can still be read, under its name or another.
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
  static void fields(auto& self, auto& f) {
    f(1, self.from);
    f(2, self.from_at);
    f(3, self.to);
    f(4, self.exists);
    f(5, self.if_generation);
    f(6, self.parents);
    f(7, self.keep_undo);
  }
};

using Operation = std::variant<Mkdir, Publish, Append, MakeNode, Link, Rename, Remove,
                               SetAttributes, SetXattr, Check, SnapshotCreate, SnapshotRemove,
                               SnapshotRenew, SetPolicy, OpenUpload, CloseUpload, Undelete, Copy>;

// One operation in its envelope: field 1 is the first alternative, and so on.
struct OperationBox {
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
  bool dry_run = false;  // decide, answer, change nothing
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
  uint64_t snapshot_version = 0;
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
  }
};

struct CommitReply {
  uint64_t version = 0;  // of the record; generations that it made are this
  int64_t time_ns = 0;
  std::vector<OperationResult> results;  // one for each operation
  uint64_t synced = 0;                   // early: versions up to here are durable
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.time_ns);
    f(3, self.results);
    f(4, self.synced);
  }
};

// ---- reading

// When to read: now, or what `at` says (a snapshot's name, v123, a time, an age).
struct ReadAt {
  std::string at;
  uint64_t min_version = 0;  // wait until this version is readable
  uint64_t view = 0;         // the version of an earlier answer that is still held for pages
  static void fields(auto& self, auto& f) {
    f(1, self.at);
    f(2, self.min_version);
    f(3, self.view);
  }
};

struct Entry {
  std::string path;  // as asked for; empty in listings
  std::string name;
  NodeId id;
  NodeId parent;
  Kind kind = Kind::none;
  Attributes attributes;
  uint32_t links = 0;
  Body body;             // files
  std::string target;    // symlinks
  uint64_t entries = 0;  // directories
  Totals totals;
  std::vector<Xattr> xattrs;
  static void fields(auto& self, auto& f) {
    f(1, self.path);
    f(2, self.name);
    f(3, self.id);
    f(4, self.parent);
    f(5, self.kind);
    f(6, self.attributes);
    f(7, self.links);
    f(8, self.body);
    f(9, self.target);
    f(10, self.entries);
    f(11, self.totals);
    f(12, self.xattrs);
  }
};

// An Error in an answer that holds several.
struct Failure {
  Code code = Code::ok;
  std::string message;
  std::string hint;
  static void fields(auto& self, auto& f) {
    f(1, self.code);
    f(2, self.message);
    f(3, self.hint);
  }
};

struct StatRequest {
  std::vector<Target> targets;  // at most 1,000
  ReadAt at;
  bool follow = false;  // the last component too
  static void fields(auto& self, auto& f) {
    f(1, self.targets);
    f(2, self.at);
    f(3, self.follow);
  }
};

struct StatResult {
  Failure failure;
  Entry entry;
  static void fields(auto& self, auto& f) {
    f(1, self.failure);
    f(2, self.entry);
  }
};

struct StatReply {
  uint64_t version = 0;
  int64_t time_ns = 0;  // log time of that version
  std::vector<StatResult> results;
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.time_ns);
    f(3, self.results);
  }
};

struct ListRequest {
  Target target;
  ReadAt at;
  std::string after;   // names that sort after it
  uint32_t limit = 0;  // at most 10,000; 0: 1,000
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.at);
    f(3, self.after);
    f(4, self.limit);
  }
};

struct ListReply {
  uint64_t version = 0;
  int64_t time_ns = 0;
  uint64_t view = 0;  // ask for the next page with it: same version; held for a minute after use
  Entry directory;
  std::vector<Entry> entries;  // by name, bytewise
  bool more = false;
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.time_ns);
    f(3, self.view);
    f(4, self.directory);
    f(5, self.entries);
    f(6, self.more);
  }
};

// Where a run of a file's bytes is. `length` bytes at `offset`; without a blob they are zeros.
struct PlanExtent {
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t blob = 0;
  uint64_t blob_offset = 0;
  uint64_t blob_bytes = 0;           // the whole blob
  std::vector<uint32_t> block_crcs;  // of the whole blob
  std::string bytes;                 // of an inline blob: the extent itself
  static void fields(auto& self, auto& f) {
    f(1, self.offset);
    f(2, self.length);
    f(3, self.blob);
    f(4, self.blob_offset);
    f(5, self.blob_bytes);
    f(6, self.block_crcs);
    f(7, self.bytes);
  }
};

// How clients reach objects of blobs, object by object: name = prefix + blob_object_name().
struct BlobAccess {
  std::string directory;          // a directory that the client may share; may be empty
  std::vector<std::string> urls;  // presigned, one for each block asked for; may be empty
  bool through_server = false;    // put_block and get_block
  int64_t expires_ns = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.directory);
    f(2, self.urls);
    f(3, self.through_server);
    f(4, self.expires_ns);
  }
};

struct BodyPlan {
  std::vector<PlanExtent> extents;  // in order, covering [offset, offset + length) of the request
  BlobAccess access;                // URLs for the blocks touched, in order
  int64_t deadline_ns = 0;          // after this wall time open again; a Unix time
  bool more = false;                // ask for the rest from where it ends
  static void fields(auto& self, auto& f) {
    f(1, self.extents);
    f(2, self.access);
    f(3, self.deadline_ns);
    f(4, self.more);
  }
};

struct OpenRequest {
  Target target;
  ReadAt at;
  uint64_t generation = 0;  // refuse another one (aborted); 0: any
  uint64_t offset = 0;      // the plan begins here
  uint64_t length = 0;      // 0: four blobs' worth
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.at);
    f(3, self.generation);
    f(4, self.offset);
    f(5, self.length);
  }
};

struct OpenReply {
  uint64_t version = 0;
  int64_t time_ns = 0;
  Entry entry;
  BodyPlan plan;
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.time_ns);
    f(3, self.entry);
    f(4, self.plan);
  }
};

// Access to blocks of blobs in an open upload, for writing.
struct AccessRequest {
  uint64_t upload = 0;
  uint64_t first_blob = 0;
  uint64_t bytes = 0;        // of the body that begins there
  uint32_t first_block = 0;  // counted through all blobs of the body
  uint32_t blocks = 0;       // at most 256
  static void fields(auto& self, auto& f) {
    f(1, self.upload);
    f(2, self.first_blob);
    f(3, self.bytes);
    f(4, self.first_block);
    f(5, self.blocks);
  }
};

struct PutBlockRequest {
  uint64_t upload = 0;
  uint64_t blob = 0;
  uint32_t block = 0;
  uint32_t crc = 0;
  std::string bytes;
  static void fields(auto& self, auto& f) {
    f(1, self.upload);
    f(2, self.blob);
    f(3, self.block);
    f(4, self.crc);
    f(5, self.bytes);
  }
};

struct GetBlockRequest {
  uint64_t blob = 0;
  uint32_t block = 0;
  uint64_t offset = 0;  // in the block
  uint64_t length = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.blob);
    f(2, self.block);
    f(3, self.offset);
    f(4, self.length);
  }
};

struct Bytes {
  std::string bytes;
  static void fields(auto& self, auto& f) { f(1, self.bytes); }
};

struct SnapshotsRequest {
  Target target;
  bool all_pins = false;  // moments, undo pins and clones too
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.all_pins);
  }
};

struct SnapshotInfo {
  std::string name;  // empty for pins that are no snapshots
  uint64_t id = 0;
  PinKind kind = PinKind::snapshot;
  std::string path;
  uint64_t version = 0;
  int64_t time_ns = 0;
  int64_t expires_ns = 0;
  std::vector<Label> labels;
  static void fields(auto& self, auto& f) {
    f(1, self.name);
    f(2, self.id);
    f(3, self.kind);
    f(4, self.path);
    f(5, self.version);
    f(6, self.time_ns);
    f(7, self.expires_ns);
    f(8, self.labels);
  }
};

struct SnapshotsReply {
  std::vector<SnapshotInfo> snapshots;  // by version
  static void fields(auto& self, auto& f) { f(1, self.snapshots); }
};

struct LogRequest {
  Target target;
  uint32_t limit = 0;  // 0: 100
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.limit);
  }
};

struct LogEntry {
  std::string path;
  uint64_t generation = 0;
  uint64_t size = 0;
  Digest digest;
  int64_t time_ns = 0;
  std::string principal;
  EventKind change = EventKind::none;
  bool readable = false;
  std::string at;  // an --at that reads it, when readable
  static void fields(auto& self, auto& f) {
    f(1, self.path);
    f(2, self.generation);
    f(3, self.size);
    f(4, self.digest);
    f(5, self.time_ns);
    f(6, self.principal);
    f(7, self.change);
    f(8, self.readable);
    f(9, self.at);
  }
};

struct LogReply {
  std::vector<LogEntry> entries;  // newest first
  bool more = false;
  static void fields(auto& self, auto& f) {
    f(1, self.entries);
    f(2, self.more);
  }
};

// ---- the server

struct InitRequest {
  RetentionPolicy policy;  // empty ladder and undo_ns 0: the defaults
  static void fields(auto& self, auto& f) { f(1, self.policy); }
};

struct StatusReply {
  bool initialised = false;
  bool created = false;  // by this very init
  uint64_t version = 0;
  int64_t time_ns = 0;
  std::string server_version;
  std::string object_store;        // description
  std::string object_store_error;  // the last one; empty: fine so far
  std::string directory;           // --meta
  Totals totals;
  static void fields(auto& self, auto& f) {
    f(1, self.initialised);
    f(2, self.created);
    f(3, self.version);
    f(4, self.time_ns);
    f(5, self.server_version);
    f(6, self.object_store);
    f(7, self.object_store_error);
    f(8, self.directory);
    f(9, self.totals);
  }
};

struct SpaceRow {
  std::string reason;  // live, snapshot, moments, undo, clone, dead, uploading
  std::string name;
  uint64_t bytes = 0;
  uint64_t files = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.reason);
    f(2, self.name);
    f(3, self.bytes);
    f(4, self.files);
  }
};

struct SpaceReply {
  std::vector<SpaceRow> rows;
  static void fields(auto& self, auto& f) { f(1, self.rows); }
};

struct GcRequest {
  bool now = false;                 // do a whole pass and answer after it
  std::optional<int64_t> grace_ns;  // for this pass
  static void fields(auto& self, auto& f) {
    f(1, self.now);
    f(2, self.grace_ns);
  }
};

struct GcReply {
  uint64_t blobs_deleted = 0;
  uint64_t objects_deleted = 0;
  uint64_t bytes_deleted = 0;
  uint64_t records_freed = 0;
  uint64_t uploads_closed = 0;
  uint64_t pending = 0;  // dead blobs still in their grace period
  static void fields(auto& self, auto& f) {
    f(1, self.blobs_deleted);
    f(2, self.objects_deleted);
    f(3, self.bytes_deleted);
    f(4, self.records_freed);
    f(5, self.uploads_closed);
    f(6, self.pending);
  }
};

struct FsckRequest {
  Target target;
  bool read_data = false;
  bool orphans = false;
  bool repair = false;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.read_data);
    f(3, self.orphans);
    f(4, self.repair);
  }
};

struct Problem {
  std::string code;
  std::string severity;  // error, warning
  std::string path;
  std::string id;
  std::string detail;
  std::string repair;  // what --repair does or did; empty: nothing is safe
  static void fields(auto& self, auto& f) {
    f(1, self.code);
    f(2, self.severity);
    f(3, self.path);
    f(4, self.id);
    f(5, self.detail);
    f(6, self.repair);
  }
};

struct FsckReply {
  std::vector<Problem> problems;  // the first 10,000
  uint64_t checked = 0;
  uint64_t problem_count = 0;
  uint64_t repaired = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.problems);
    f(2, self.checked);
    f(3, self.problem_count);
    f(4, self.repaired);
  }
};

struct PolicyReply {
  RetentionPolicy policy;
  static void fields(auto& self, auto& f) { f(1, self.policy); }
};

struct SyncRequest {
  uint64_t version = 0;  // wait until it is durable; 0: all that was planned so far
  static void fields(auto& self, auto& f) { f(1, self.version); }
};

struct SyncReply {
  uint64_t synced = 0;
  static void fields(auto& self, auto& f) { f(1, self.synced); }
};

// "blobs/<2 hex>/<blob id, 16 hex>/<block, decimal>": the object of one block of a blob.
std::string blob_object_name(uint64_t blob, uint32_t block);

}  // namespace nokv::codec
