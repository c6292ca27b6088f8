// Requests and answers that are about the server: state, space, upkeep, checks, backups, other
// buckets. docs/formats/rpc.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec/message.h"
#include "codec/operation.h"
#include "codec/record.h"

namespace nokv::codec {

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
  std::string namespace_id;     // 32 hex digits
  std::string backup_to;        // where scheduled backups go; empty: there are none
  uint64_t backup_version = 0;  // that the newest backup holds; 0: none is known
  int64_t backup_time_ns = 0;   // log time of that version
  std::string backup_error;     // of the last attempt; empty: fine so far
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
    f(10, self.namespace_id);
    f(11, self.backup_to);
    f(12, self.backup_version);
    f(13, self.backup_time_ns);
    f(14, self.backup_error);
  }
};

struct SpaceRow {
  std::string reason;  // live, snapshot, moments, undo, clone, dead, uploading, imported
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

struct BackupRequest {
  std::string to;  // a URL; empty: where the server is set to put them
  static void fields(auto& self, auto& f) { f(1, self.to); }
};

// One backup that can be restored.
struct BackupInfo {
  std::string id;
  uint64_t version = 0;      // what it holds
  int64_t time_ns = 0;       // log time of that version
  uint64_t log_version = 0;  // it can be restored at any version from `version` up to this
  int64_t log_time_ns = 0;
  uint64_t bytes = 0;  // of its files, those that it shares with others included
  static void fields(auto& self, auto& f) {
    f(1, self.id);
    f(2, self.version);
    f(3, self.time_ns);
    f(4, self.log_version);
    f(5, self.log_time_ns);
    f(6, self.bytes);
  }
};

struct BackupReply {
  BackupInfo backup;
  std::string to;            // description of where it is
  uint64_t objects_put = 0;  // that were not there already
  uint64_t bytes_put = 0;
  static void fields(auto& self, auto& f) {
    f(1, self.backup);
    f(2, self.to);
    f(3, self.objects_put);
    f(4, self.bytes_put);
  }
};

struct BackupsRequest {
  std::string to;
  static void fields(auto& self, auto& f) { f(1, self.to); }
};

struct BackupsReply {
  std::vector<BackupInfo> backups;  // oldest first
  std::string to;
  static void fields(auto& self, auto& f) {
    f(1, self.backups);
    f(2, self.to);
  }
};

// Removes one backup, and what no other one needs; answers what is left.
struct BackupRemoveRequest {
  std::string to;
  std::string id;  // empty: the place is forgotten, whose backups were deleted otherwise
  static void fields(auto& self, auto& f) {
    f(1, self.to);
    f(2, self.id);
  }
};

// Objects of a bucket that the server may import from, page by page.
struct ListObjectsRequest {
  std::string store;   // "s3://BUCKET"
  std::string prefix;  // keys that begin with it
  std::string after;   // and sort after this one
  uint32_t limit = 0;  // at most 1,000; 0: 1,000
  static void fields(auto& self, auto& f) {
    f(1, self.store);
    f(2, self.prefix);
    f(3, self.after);
    f(4, self.limit);
  }
};

struct ListedObject {
  std::string key;
  uint64_t size = 0;
  std::string etag;
  int64_t modified_ns = 0;  // Unix time
  static void fields(auto& self, auto& f) {
    f(1, self.key);
    f(2, self.size);
    f(3, self.etag);
    f(4, self.modified_ns);
  }
};

struct ListObjectsReply {
  std::vector<ListedObject> objects;  // in the order of their keys
  bool more = false;                  // ask again after the last key
  static void fields(auto& self, auto& f) {
    f(1, self.objects);
    f(2, self.more);
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

}  // namespace nokv::codec
