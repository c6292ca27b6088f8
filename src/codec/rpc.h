// The requests and answers of the namespace, as they travel. docs/formats/rpc.md
//
// A method is a number in the envelope (codec/envelope.h); the body is one of these structs.
// Changes are in codec/operation.h, what is about the server in codec/rpc_upkeep.h; what is here
// reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "codec/message.h"
#include "codec/operation.h"
#include "codec/redo.h"
#include "codec/rpc_upkeep.h"

namespace nokv::codec {

enum class Method : uint32_t {
  ping = 1,    // empty → empty
  init = 2,    // InitRequest → StatusReply
  status = 3,  // empty → StatusReply
  commit = 4,  // CommitRequest → CommitReply
  stat = 5,    // StatRequest → StatReply
  list = 6,    // ListRequest → ListReply
  open = 7,    // OpenRequest → OpenReply
  // 8 was given out and never used.
  access = 9,          // AccessRequest → BlobAccess
  put_block = 10,      // PutBlockRequest → empty
  get_block = 11,      // GetBlockRequest → Bytes
  snapshots = 12,      // SnapshotsRequest → SnapshotsReply
  log = 13,            // LogRequest → LogReply
  space = 14,          // empty → SpaceReply
  gc = 15,             // GcRequest → GcReply
  fsck = 16,           // FsckRequest → FsckReply
  checkpoint = 17,     // empty → empty
  policy = 18,         // empty → PolicyReply
  sync = 19,           // SyncRequest → SyncReply
  stats = 20,          // empty → Bytes (JSON)
  watch = 21,          // WatchRequest → WatchReply
  quota = 22,          // QuotaRequest → QuotaReply
  quotas = 23,         // QuotasRequest → QuotasReply
  diff = 30,           // DiffRequest → DiffReply
  backup = 40,         // BackupRequest → BackupReply
  backups = 41,        // BackupsRequest → BackupsReply
  backup_remove = 42,  // BackupRemoveRequest → BackupsReply
  list_objects = 50,   // ListObjectsRequest → ListObjectsReply
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

// What a directory of a clone shows where it was not changed.
struct ClonedFrom {
  uint64_t version = 0;  // of the source
  NodeId id;
  std::string path;  // of the source as it is called now; empty when it is gone
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.id);
    f(3, self.path);
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
  std::optional<ClonedFrom> cloned_from;  // directories in clones, when asked for by path
  Quota quota;                            // directories
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
    f(13, self.cloned_from);
    f(14, self.quota);
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
  bool hold = false;   // a view in the answer also when this is all: for a walk of the tree
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.at);
    f(3, self.after);
    f(4, self.limit);
    f(5, self.hold);
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
  bool external = false;             // the blob lies with somebody else: only through the server,
                                     // and without checksums
  static void fields(auto& self, auto& f) {
    f(1, self.offset);
    f(2, self.length);
    f(3, self.blob);
    f(4, self.blob_offset);
    f(5, self.blob_bytes);
    f(6, self.block_crcs);
    f(7, self.bytes);
    f(8, self.external);
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

// What of a file tells its body from another.
struct BodyFacts {
  uint64_t generation = 0;
  uint64_t size = 0;
  Digest digest;
  bool operator==(const BodyFacts&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.generation);
    f(2, self.size);
    f(3, self.digest);
  }
};

enum class DifferenceKind : uint8_t {
  none = 0,
  created = 1,
  removed = 2,
  renamed = 3,     // the same node under another path
  content = 4,     // bytes of a file, target of a symlink
  attributes = 5,  // mode, owner, extended attributes; times alone are no difference
};

struct Difference {
  DifferenceKind change = DifferenceKind::none;
  std::string path;      // in b; of what was removed, in a
  std::string old_path;  // in a; empty when it is `path`
  Kind kind = Kind::none;
  BodyFacts old;  // files
  BodyFacts now;
  bool attributes_too = false;  // of content: mode, owner or extended attributes differ as well
  bool operator==(const Difference&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.change);
    f(2, self.path);
    f(3, self.old_path);
    f(4, self.kind);
    f(5, self.old);
    f(6, self.now);
    f(7, self.attributes_too);
  }
};

// What differs between a at `from` and b at `to`, page by page: `cursor` is that of the answer
// before, and all else is then ignored.
struct DiffRequest {
  Target a;
  std::string from;  // a version; empty: now
  Target b;
  std::string to;
  uint64_t min_version = 0;
  uint32_t limit = 0;  // of the page; 0: 1,000
  uint64_t cursor = 0;
  bool from_base = false;  // instead of a, the state that a and b both came from
  static void fields(auto& self, auto& f) {
    f(1, self.a);
    f(2, self.from);
    f(3, self.b);
    f(4, self.to);
    f(5, self.min_version);
    f(6, self.limit);
    f(7, self.cursor);
    f(8, self.from_base);
  }
};

struct DiffReply {
  uint64_t version_a = 0;
  uint64_t version_b = 0;
  std::vector<Difference> differences;  // a page may have none, and yet not be the last
  bool more = false;
  uint64_t cursor = 0;  // with `more`
  static void fields(auto& self, auto& f) {
    f(1, self.version_a);
    f(2, self.version_b);
    f(3, self.differences);
    f(4, self.more);
    f(5, self.cursor);
  }
};

// ---- quotas

struct QuotaInfo {
  std::string path;
  NodeId id;
  Quota quota;
  Totals totals;  // what lies below
  static void fields(auto& self, auto& f) {
    f(1, self.path);
    f(2, self.id);
    f(3, self.quota);
    f(4, self.totals);
  }
};

// The quotas that bind in a directory: its own, and those of the directories above it.
struct QuotaRequest {
  Target target;
  ReadAt at;
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.at);
  }
};

struct QuotaReply {
  uint64_t version = 0;
  int64_t time_ns = 0;
  std::vector<QuotaInfo> quotas;  // the directory, with or without a quota; then, nearest first,
                                  // those above it that have one
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.time_ns);
    f(3, self.quotas);
  }
};

// The directories at and below `target` that have a quota now, in the order of their ids: those
// with records of their own, so not what a clone shows and nobody changed there.
struct QuotasRequest {
  Target target;
  uint64_t min_version = 0;
  NodeId after;        // `next` of the page before; none: from the first
  uint32_t limit = 0;  // at most 1,000; 0: 1,000
  static void fields(auto& self, auto& f) {
    f(1, self.target);
    f(2, self.min_version);
    f(3, self.after);
    f(4, self.limit);
  }
};

struct QuotasReply {
  uint64_t version = 0;
  int64_t time_ns = 0;
  std::vector<QuotaInfo> quotas;
  bool more = false;  // a page may have none, and yet not be the last
  NodeId next;        // with `more`: where the next page begins after
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.time_ns);
    f(3, self.quotas);
    f(4, self.more);
    f(5, self.next);
  }
};

// ---- events

// A page of the events at, and unless `here_only` below, `path`. One that names no cursor is
// answered at once, with the cursor to go on from; one that does when there is something to tell
// or `wait_ns` has passed. Whoever asks from a page's cursor has that page.
struct WatchRequest {
  std::string path;        // as events tell it: from the root, no symlink is followed
  bool here_only = false;  // of what is below only the entries of `path` itself
  uint32_t kinds = 0;      // bit k: EventKind k; 0: all but moments
  std::string since;       // after: a cursor, "oldest", or what --at accepts; empty: now
  int64_t wait_ns = 0;     // at most a minute
  uint32_t limit = 0;      // events; at most 10,000; 0: 1,000
  static void fields(auto& self, auto& f) {
    f(1, self.path);
    f(2, self.here_only);
    f(3, self.kinds);
    f(4, self.since);
    f(5, self.wait_ns);
    f(6, self.limit);
  }
};

// An event, and where it stands: the `index`th of its version.
struct WatchEvent {
  uint64_t version = 0;
  uint32_t index = 0;
  int64_t time_ns = 0;  // log time
  std::string principal;
  Event event;
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.index);
    f(3, self.time_ns);
    f(4, self.principal);
    f(5, self.event);
  }
};

struct WatchReply {
  std::vector<WatchEvent> events;  // in order
  std::string cursor;              // behind everything that was looked at for this page
  std::string oldest;              // how far back watches reach now
  bool more = false;               // the newest version was not reached: ask at once
  bool ending = false;             // the server stops: ask whoever comes after it
  uint64_t version = 0;            // the newest
  Failure failure;                 // cursor_too_old; everything else is an error of the call
  static void fields(auto& self, auto& f) {
    f(1, self.events);
    f(2, self.cursor);
    f(3, self.oldest);
    f(4, self.more);
    f(5, self.ending);
    f(6, self.version);
    f(7, self.failure);
  }
};

// "blobs/<2 hex>/<blob id, 16 hex>/<block, decimal>": the object of one block of a blob.
std::string blob_object_name(uint64_t blob, uint32_t block);

}  // namespace nokv::codec
