// What the values of the engine's tables say. docs/formats/records.md
//
// A value of a versioned table begins with `birth` (varint), the version that wrote it; the rest,
// and values of the other tables, are these structs (codec/message.h). A past record's value is
// the live value it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/message.h"
#include "codec/node_id.h"

namespace nokv::codec {

// Sizes fixed by the format: a body's layout is a function of them.
constexpr uint64_t kBlockBytes = 4 << 20;     // one object holds at most this much of a blob
constexpr uint64_t kBlobBytes = 64 << 20;     // and one blob this much of a body
constexpr uint64_t kChunkBytes = kBlobBytes;  // and one chunk record describes this much of a file
constexpr uint32_t kBodyBlobsMax = 4096;      // of a body published in one piece: 256 GiB

// Limits of names. What exceeds one is refused with a message that names it.
constexpr size_t kNameMax = 255;
constexpr size_t kPathMax = 4096;
constexpr size_t kDepthMax = 1024;
constexpr size_t kXattrsMax = 64 << 10;  // all names and values of a node together
constexpr size_t kSymlinkMax = 4095;

enum class Kind : uint8_t {
  none = 0,  // a whiteout: what an older layer shows here is gone
  file = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  socket = 5,
  block = 6,
  character = 7,
};

struct Attributes {
  uint32_t mode = 0;  // the 12 permission bits
  uint32_t uid = 0;
  uint32_t gid = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  int64_t btime_ns = 0;
  uint64_t rdev = 0;

  bool operator==(const Attributes&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.mode);
    f(2, self.uid);
    f(3, self.gid);
    f(4, self.mtime_ns);
    f(5, self.ctime_ns);
    f(6, self.btime_ns);
    f(7, self.rdev);
  }
};

struct Xattr {
  std::string name;
  std::string value;
  bool operator==(const Xattr&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.name);
    f(2, self.value);
  }
};

enum class DigestKind : uint8_t {
  none = 0,
  sha256 = 1,
  xxh3_128 = 2
};

struct Digest {
  DigestKind kind = DigestKind::none;
  std::string bytes;  // 32 or 16
  bool operator==(const Digest&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.kind);
    f(2, self.bytes);
  }
};

// What a file contains. Bytes [0, base_size) lie in the inline blob, or in consecutive blobs of
// kBlobBytes from `blob` on; chunk records of `body_number`, where there are any, replace whole
// chunks of that and hold the rest. What nothing describes reads as zeros.
struct Body {
  uint64_t size = 0;
  uint64_t generation = 0;  // the version that published it
  uint64_t base_size = 0;
  uint64_t blob = 0;         // 0: none (base_size is 0)
  bool is_inline = false;    // `blob` lies in the inline table
  uint64_t body_number = 0;  // 0: no chunk records
  Digest digest;             // of a body published in one piece
  std::string content_type;
  std::string producer;
  std::string principal;  // who published this generation
  std::string etag;       // of an imported body: that of the object it is

  bool operator==(const Body&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.size);
    f(2, self.generation);
    f(3, self.base_size);
    f(4, self.blob);
    f(5, self.is_inline);
    f(6, self.body_number);
    f(7, self.digest);
    f(8, self.content_type);
    f(9, self.producer);
    f(10, self.principal);
    f(11, self.etag);
  }
};

inline uint64_t blob_count(uint64_t bytes) { return (bytes + kBlobBytes - 1) / kBlobBytes; }
inline uint32_t block_count(uint64_t bytes) {
  return static_cast<uint32_t>((bytes + kBlockBytes - 1) / kBlockBytes);
}

// All that is known of a node that is not a directory.
struct Inode {
  Kind kind = Kind::none;
  Attributes attributes;
  Body body;           // files
  std::string target;  // symlinks
  std::vector<Xattr> xattrs;

  bool operator==(const Inode&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.kind);
    f(2, self.attributes);
    f(3, self.body);
    f(4, self.target);
    f(5, self.xattrs);
  }
};

// Exact sums over everything below a directory, itself not counted. A file counts once for each
// of its names.
struct Totals {
  uint64_t files = 0;  // all that is no directory
  uint64_t directories = 0;
  uint64_t bytes = 0;
  uint64_t newest = 0;  // the last version that changed anything below, or the directory
  // At least the hops of any node at or below: of those whose last hop is of the same clone as the
  // directory's, and of the others. Never lowered.
  uint32_t hops = 0;
  uint32_t foreign_hops = 0;

  bool operator==(const Totals&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.files);
    f(2, self.directories);
    f(3, self.bytes);
    f(4, self.newest);
    f(5, self.hops);
    f(6, self.foreign_hops);
  }
};

// What may lie below a directory at most, itself not counted, as its totals say. 0: no limit.
struct Quota {
  uint64_t max_bytes = 0;
  uint64_t max_entries = 0;  // files and directories together

  explicit operator bool() const { return max_bytes != 0 || max_entries != 0; }
  bool operator==(const Quota&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.max_bytes);
    f(2, self.max_entries);
  }
};

// Value of the dentry table.
struct Dentry {
  NodeId child;
  Kind kind = Kind::none;      // none: a whiteout, and nothing else is set
  std::optional<Inode> inode;  // of a node with one name; directories and others have a node record

  bool operator==(const Dentry&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.child);
    f(2, self.kind);
    f(3, self.inode);
  }
};

// What only directories have.
struct Directory {
  Attributes attributes;
  std::vector<Xattr> xattrs;
  NodeId parent;       // none: the root
  std::string name;    // in the parent
  uint64_t since = 0;  // the version at which `parent` or `name` last changed
  uint64_t entries = 0;
  Totals totals;
  // Of a large directory: what changed in it after this version has rows in the changed table.
  // 0: not kept, for it can be listed at little cost.
  uint64_t changes_since = 0;
  Quota quota;

  bool operator==(const Directory&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.attributes);
    f(2, self.xattrs);
    f(3, self.parent);
    f(4, self.name);
    f(5, self.since);
    f(6, self.entries);
    f(7, self.totals);
    f(8, self.changes_since);
    f(9, self.quota);
  }
};

// Value of the node table: a directory, or a file with more names than one. Neither: a whiteout.
struct NodeRecord {
  std::optional<Directory> directory;
  std::optional<Inode> inode;
  uint32_t links = 0;  // of `inode`: the number of its rows in the link table

  bool is_whiteout() const { return !directory && !inode; }
  bool operator==(const NodeRecord&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.directory);
    f(2, self.inode);
    f(3, self.links);
  }
};

// Value of the link table: the row is all it says. A file that has a node record of its own has
// all its rows; one in a clone that has none has those of its source that the clone shows.
struct LinkRecord {
  static void fields(auto& /*self*/, auto& /*f*/) {}
};

// Value of the moved table: where a file with one name is, once it was renamed or has chunk
// records.
struct MovedRecord {
  NodeId parent;
  std::string name;
  NodeId first_parent;     // the directory it was in before its first rename,
  std::string first_name;  // and its name there
  static void fields(auto& self, auto& f) {
    f(1, self.parent);
    f(2, self.name);
    f(3, self.first_parent);
    f(4, self.first_name);
  }
};

// A run of a file's bytes in a blob.
struct Extent {
  uint64_t offset = 0;  // in the chunk
  uint64_t length = 0;
  uint64_t blob = 0;
  uint64_t blob_offset = 0;
  bool is_inline = false;
  static void fields(auto& self, auto& f) {
    f(1, self.offset);
    f(2, self.length);
    f(3, self.blob);
    f(4, self.blob_offset);
    f(5, self.is_inline);
  }
};

// Value of the chunk table: the whole of one chunk, in order, without overlaps.
struct ChunkRecord {
  std::vector<Extent> extents;
  static void fields(auto& self, auto& f) { f(1, self.extents); }
};

// Value of the clone table.
struct CloneRecord {
  uint64_t parent = 0;   // the parent clone; 0: none
  uint64_t version = 0;  // that it shows
  NodeId source;
  NodeId root;
  uint64_t pin = 0;  // keeps `source` as it was at `version`
  static void fields(auto& self, auto& f) {
    f(1, self.parent);
    f(2, self.version);
    f(3, self.source);
    f(4, self.root);
    f(5, self.pin);
  }
};

// Value of the clone_life table: what still names a node of the clone from outside it.
struct CloneLife {
  uint64_t live = 0;   // live dentries, and the root record
  uint64_t past = 0;   // past dentries, and pins whose scope lies in the clone
  uint64_t pin = 0;    // as in the clone record
  uint64_t ended = 0;  // the version at which the clone record became past; 0: it is live
  static void fields(auto& self, auto& f) {
    f(1, self.live);
    f(2, self.past);
    f(3, self.pin);
    f(4, self.ended);
  }
};

// One generation that a flattened clone can be read through to: the parent clone of the clone that
// many steps back, and the version that this shows.
struct FlatStep {
  uint64_t parent = 0;  // 0: none, the last step
  uint64_t version = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.parent);
    f(2, self.version);
  }
};

// What a clone is read through to, the nearest generation first. Once it is `whole`, a record that
// the clone has none of its own for is asked for where its shortcut leads, or without one at the
// last step that the node's hop has.
struct FlatClone {
  bool whole = false;
  std::vector<FlatStep> line;
  static void fields(auto& self, auto& f) {
    f(1, self.whole);
    f(2, self.line);
  }
};

// Value of the shortcut table: the nearest generation that may have a record of its own there.
struct Shortcut {
  uint32_t steps = 0;  // from 1 on
  static void fields(auto& self, auto& f) { f(1, self.steps); }
};

// Value of the root table: where resolution of paths begins.
struct RootRecord {
  NodeId id;
  static void fields(auto& self, auto& f) { f(1, self.id); }
};

enum class BlobState : uint8_t {
  live = 0,
  dead = 1
};

// A run of bytes in an object of somebody else's: read where it lies, never written or deleted. An
// object that has another ETag or size by now is another one, and none of its bytes is given.
struct External {
  std::string store;  // "s3://BUCKET"
  std::string key;
  std::string etag;     // without quotes
  uint64_t size = 0;    // of the whole object
  uint64_t offset = 0;  // where in it the run begins

  bool operator==(const External&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.store);
    f(2, self.key);
    f(3, self.etag);
    f(4, self.size);
    f(5, self.offset);
  }
};

// Value of the blob table. A blob without a record, in the range of an open upload, is being
// uploaded; when it is published it gets one, once.
struct BlobRecord {
  BlobState state = BlobState::live;
  uint64_t references = 0;  // records, live and past, that mention it
  uint64_t bytes = 0;
  uint64_t upload = 0;
  std::vector<uint32_t> block_crcs;  // CRC-32C of each block
  int64_t dead_ns = 0;               // log time of its death
  std::optional<External> external;  // where its bytes are; then neither upload nor CRCs
  static void fields(auto& self, auto& f) {
    f(1, self.state);
    f(2, self.references);
    f(3, self.bytes);
    f(4, self.upload);
    f(5, self.block_crcs);
    f(6, self.dead_ns);
    f(7, self.external);
  }
};

// Value of the inline table: a small blob, whole. It goes with its last reference.
struct InlineRecord {
  uint64_t references = 0;
  uint32_t crc = 0;  // CRC-32C of bytes
  std::string bytes;
  static void fields(auto& self, auto& f) {
    f(1, self.references);
    f(2, self.crc);
    f(3, self.bytes);
  }
};

enum class PinKind : uint8_t {
  snapshot = 0,
  moment = 1,
  undo = 2,
  clone = 3
};

// Value of the pin table: the tree below `scope` stays readable as it was at `version`.
struct PinRecord {
  uint64_t version = 0;
  NodeId scope;
  PinKind kind = PinKind::snapshot;
  int64_t time_ns = 0;     // log time of `version`
  int64_t expires_ns = 0;  // 0: never
  bool going = false;      // may not be read or pinned any more; its records are being refiled
  std::string path;        // of the scope when the pin was made
  NodeId parent;           // of a scope that is a file: the directory and the name it had
  std::string name;
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.scope);
    f(3, self.kind);
    f(4, self.time_ns);
    f(5, self.expires_ns);
    f(6, self.going);
    f(7, self.path);
    f(8, self.parent);
    f(9, self.name);
  }
};

struct Label {
  std::string key;
  std::string value;
  static void fields(auto& self, auto& f) {
    f(1, self.key);
    f(2, self.value);
  }
};

// Value of the snapshot table.
struct SnapshotRecord {
  uint64_t pin = 0;
  uint64_t version = 0;
  NodeId scope;
  std::string path;
  int64_t time_ns = 0;  // log time of `version`
  int64_t created_ns = 0;
  int64_t expires_ns = 0;  // 0: never
  std::vector<Label> labels;
  static void fields(auto& self, auto& f) {
    f(1, self.pin);
    f(2, self.version);
    f(3, self.scope);
    f(4, self.path);
    f(5, self.time_ns);
    f(6, self.created_ns);
    f(7, self.expires_ns);
    f(8, self.labels);
  }
};

using SessionId = std::array<uint8_t, 16>;
inline std::string_view session_bytes(const SessionId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

// The ids [first, end).
struct IdRange {
  uint64_t first = 0;
  uint64_t end = 0;
  bool has(uint64_t id) const { return id >= first && id < end; }
  static void fields(auto& self, auto& f) {
    f(1, self.first);
    f(2, self.end);
  }
};

// Value of the session table.
struct SessionRecord {
  int64_t opened_ns = 0;
  std::string principal;
  // Reserved for its early requests, ascending. Of two ranges the first may still be in requests
  // that are sent again; when a third is reserved, durably, nothing can be sent again that has ids
  // of the first.
  std::vector<IdRange> ids;
  static void fields(auto& self, auto& f) {
    f(1, self.opened_ns);
    f(2, self.principal);
    f(3, self.ids);
  }
};

// Value of the request table: the first result of a request, kept until it is acknowledged.
struct RequestRecord {
  uint64_t sequence = 0;
  uint64_t acked_below = 0;
  uint64_t version = 0;
  std::string result;
  uint64_t next_id = 0;  // the next unused one of those reserved for the session; 0: it has none
  static void fields(auto& self, auto& f) {
    f(1, self.sequence);
    f(2, self.acked_below);
    f(3, self.version);
    f(4, self.result);
    f(5, self.next_id);
  }
};

// Value of the upload table: the right to publish the blobs [first_blob, first_blob + count).
struct UploadRecord {
  uint64_t first_blob = 0;
  uint32_t count = 0;
  int64_t opened_ns = 0;
  int64_t closed_ns = 0;   // 0: open
  uint32_t published = 0;  // of them; when all are, the record goes
  uint32_t passes = 0;     // how often the objects nobody published were deleted
  static void fields(auto& self, auto& f) {
    f(1, self.first_blob);
    f(2, self.count);
    f(3, self.opened_ns);
    f(4, self.closed_ns);
    f(5, self.passes);
    f(6, self.published);
  }
};

// How moments are thinned out, and what is kept for undo.
struct LadderStep {
  int64_t every_ns = 0;
  int64_t for_ns = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.every_ns);
    f(2, self.for_ns);
  }
};
struct RetentionPolicy {
  std::vector<LadderStep> ladder;  // finest first; empty: no moments
  int64_t undo_ns = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.ladder);
    f(2, self.undo_ns);
  }
};

// Value of the state table: what one shard is, and how far the engine has come. Written by every
// group.
struct StateRecord {
  uint64_t version = 0;
  std::array<uint8_t, 16> digest{};  // of the log's chain after `version`
  int64_t time_ns = 0;               // the log clock
  uint64_t next_id = 0;              // the next unused origin, blob, clone, pin or upload id
  RetentionPolicy policy;
  int64_t created_ns = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.version);
    f(2, self.digest);
    f(3, self.time_ns);
    f(4, self.next_id);
    f(5, self.policy);
    f(6, self.created_ns);
  }
};

// A value of a versioned table: birth, then the record.
template <class T>
std::string versioned_value(uint64_t birth, const T& record) {
  std::string out;
  put_varint(out, birth);
  encode(record, out);
  return out;
}
// Takes the birth off; the rest is the record.
inline bool take_birth(std::string_view& value, uint64_t& birth) {
  return take_varint(value, birth);
}

}  // namespace nokv::codec
