// The objects of `--json`, field by field as docs/cli-json.md pins them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/json.h"
#include "codec/rpc.h"

namespace nokv::cli {

// "sha256:3a7b..."; empty without a digest.
std::string digest_text(const codec::Digest& digest);
// "file", "directory", ...
std::string_view kind_name(codec::Kind kind);
// "created", "published", ...
std::string_view change_name(codec::EventKind kind);

// `version` is the one it was read at.
JsonObject entry_json(const codec::Entry& entry, std::string_view path, uint64_t version);

// What `put`, `append`, `edit`, `publish` did to one path.
JsonObject written_json(std::string_view path, const codec::OperationResult& result,
                        uint64_t version, std::string_view undo);
// What the other verbs did.
JsonObject changed_json(std::string_view path, uint64_t version, std::string_view undo);
struct Restored {
  std::string path;
  std::string from;
  uint64_t version = 0;
  uint64_t at = 0;
  std::string undo;
};
JsonObject restored_json(const Restored& it);

JsonObject snapshot_json(const codec::SnapshotInfo& it);
JsonObject log_json(const codec::LogEntry& it);
// `cursor` stands right behind it.
JsonObject event_json(const codec::WatchEvent& it, std::string_view cursor);
JsonObject problem_json(const codec::Problem& it);
JsonObject fsck_summary_json(const codec::FsckReply& it);
JsonObject gc_json(const codec::GcReply& it);
JsonObject usage_json(std::string_view path, const codec::Totals& totals);
JsonObject quota_json(const codec::QuotaInfo& it, uint64_t version);
JsonObject space_json(const codec::SpaceRow& it);
JsonObject status_json(std::string_view url, const codec::StatusReply& it);
JsonObject xattr_json(std::string_view path, std::string_view name, std::string_view value);
JsonObject policy_json(const codec::RetentionPolicy& it, uint64_t version);

struct Got {
  std::string path;
  std::string local;
  uint64_t size = 0;
  std::string digest;
  uint64_t generation = 0;
};
JsonObject got_json(const Got& it);

struct ExportedFile {
  std::string path;
  std::string to;
  codec::Body body;
  bool copied = false;  // it was not there
};
JsonObject exported_json(const ExportedFile& it);

struct ImportedFile {
  std::string path;
  std::string from;
  codec::ListedObject object;
  uint64_t generation = 0;
  bool imported = false;  // it was not there
};
JsonObject imported_json(const ImportedFile& it);

// What an export or import did: `bytes` are those of `files`.
struct TransferCount {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t there = 0;  // the same was there already
  uint64_t failed = 0;
  uint64_t version = 0;  // that was read; of the last one that was written, 0: nothing was to do
};
// `direction` is "to" or "from", `other` what lies there.
JsonObject transfer_json(std::string_view path, std::string_view direction, std::string_view other,
                         const TransferCount& it);

struct LoadedTree;
// What `load` made.
JsonObject loaded_json(const LoadedTree& it);

JsonObject backup_json(const codec::BackupInfo& it);
// What `backup` made.
JsonObject backup_made_json(const codec::BackupReply& it);

struct Check {
  std::string name;
  std::string status;  // passed, warned, failed
  std::string detail;
  std::string fix;
};
JsonObject check_json(const Check& it);

// "1s:1m,10s:10m", or "none".
std::string moments_text(const codec::RetentionPolicy& policy);

// "drwxr-xr-x".
std::string mode_text(codec::Kind kind, uint32_t mode);

}  // namespace nokv::cli
