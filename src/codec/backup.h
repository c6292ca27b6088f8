// What a backup of a namespace's metadata consists of, as it lies in an object store.
// docs/formats/backup.md
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/message.h"

namespace nokv::codec {

constexpr uint64_t kBackupPartBytes = 4 << 20;  // one object holds at most this much of a file
constexpr std::string_view kBackupMagic = "nokv-backup 1\n";

using BackupHash = std::array<uint8_t, 16>;  // XXH3-128 of an object's bytes

// A run of a file's bytes: the object that is named for its hash.
struct BackupPart {
  BackupHash hash{};
  uint64_t bytes = 0;
  auto operator<=>(const BackupPart&) const = default;
  static void fields(auto& self, auto& f) {
    f(1, self.hash);
    f(2, self.bytes);
  }
};

struct BackupFile {
  std::string name;  // in the checkpoint's directory
  std::vector<BackupPart> parts;
  static void fields(auto& self, auto& f) {
    f(1, self.name);
    f(2, self.parts);
  }
};

// Groups of the log, in one object.
struct BackupLog {
  uint64_t first = 0;  // version
  uint64_t last = 0;
  int64_t last_ns = 0;  // log time of `last`
  BackupPart object;
  static void fields(auto& self, auto& f) {
    f(1, self.first);
    f(2, self.last);
    f(3, self.last_ns);
    f(4, self.object);
  }
};

// One backup: the engine's files, and the log from before them up to `log_version`.
struct BackupManifest {
  std::string id;
  std::string namespace_id;
  std::string lineage;         // of one history: a restore to an older version begins another one
  uint64_t files_version = 0;  // the files hold at least this, and at most `version`
  uint64_t version = 0;
  int64_t time_ns = 0;  // log time of it
  uint64_t log_version = 0;
  int64_t log_time_ns = 0;
  BackupHash log_digest{};  // the log's chain digest after `log_version`
  uint64_t next_id = 0;     // no id from here on was given out by then
  std::vector<BackupFile> files;
  std::vector<BackupLog> log;  // also what reaches back to older backups; ascending
  static void fields(auto& self, auto& f) {
    f(1, self.id);
    f(2, self.namespace_id);
    f(3, self.lineage);
    f(4, self.files_version);
    f(5, self.version);
    f(6, self.time_ns);
    f(7, self.log_version);
    f(8, self.log_time_ns);
    f(9, self.log_digest);
    f(10, self.next_id);
    f(11, self.files);
    f(12, self.log);
  }
};

struct BackupGroup {
  uint64_t first = 0;
  uint64_t last = 0;
  std::string bytes;
  static void fields(auto& self, auto& f) {
    f(1, self.first);
    f(2, self.last);
    f(3, self.bytes);
  }
};

// What an object of the log holds.
struct BackupGroups {
  BackupHash before{};  // the chain digest before the first one
  std::vector<BackupGroup> groups;
  static void fields(auto& self, auto& f) {
    f(1, self.before);
    f(2, self.groups);
  }
};

}  // namespace nokv::codec
