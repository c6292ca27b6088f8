#include "cli/render.h"

#include "cli/load_tree.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

JsonObject totals_json(const codec::Totals& totals) {
  return JsonObject()
      .add("files", totals.files)
      .add("directories", totals.directories)
      .add("bytes", totals.bytes);
}

// A time that is not there is null: its field keeps its type otherwise.
void add_time(JsonObject& object, std::string_view name, int64_t unix_ns) {
  if (unix_ns == 0) {
    object.add_null(name);
  } else {
    object.add(name, rfc3339(unix_ns));
  }
}

void add_undo(JsonObject& object, std::string_view undo) {
  if (!undo.empty()) object.add("undo", undo);
}

}  // namespace

std::string digest_text(const codec::Digest& digest) {
  switch (digest.kind) {
    case codec::DigestKind::none:
      return {};
    case codec::DigestKind::sha256:
      return "sha256:" + hex(digest.bytes);
    case codec::DigestKind::xxh3_128:
      return "xxh3-128:" + hex(digest.bytes);
  }
  return {};
}

std::string_view kind_name(codec::Kind kind) {
  switch (kind) {
    case codec::Kind::file:
      return "file";
    case codec::Kind::directory:
      return "directory";
    case codec::Kind::symlink:
      return "symlink";
    case codec::Kind::fifo:
      return "fifo";
    case codec::Kind::socket:
      return "socket";
    case codec::Kind::block:
      return "block";
    case codec::Kind::character:
      return "character";
    case codec::Kind::none:
      break;
  }
  return "none";
}

std::string_view change_name(codec::EventKind kind) {
  using enum codec::EventKind;
  switch (kind) {
    case created:
      return "created";
    case published:
      return "published";
    case attributes:
      return "attributes";
    case xattr:
      return "xattr";
    case renamed:
      return "renamed";
    case linked:
      return "linked";
    case removed:
      return "removed";
    case cloned:
      return "cloned";
    case rolled_back:
      return "rolled_back";
    case snapshot_created:
      return "snapshot_created";
    case snapshot_removed:
      return "snapshot_removed";
    case moment:
      return "moment";
    case none:
      break;
  }
  return "none";
}

JsonObject entry_json(const codec::Entry& entry, std::string_view path, uint64_t version) {
  JsonObject object;
  object.add("path", name_text(path))
      .add("name", name_text(base_name(path)))
      .add("kind", kind_name(entry.kind))
      .add("id", entry.id.text());
  if (entry.kind == codec::Kind::file) {
    object.add("size", entry.body.size);
  } else if (entry.kind == codec::Kind::symlink) {
    object.add("size", entry.target.size());
  } else {
    object.add("size", 0);
  }
  const auto& attributes = entry.attributes;
  object.add("mode", attributes.mode)
      .add("uid", attributes.uid)
      .add("gid", attributes.gid)
      .add("nlink", entry.links)
      .add("mtime", rfc3339(attributes.mtime_ns))
      .add("ctime", rfc3339(attributes.ctime_ns))
      .add("btime", rfc3339(attributes.btime_ns));
  if (entry.kind == codec::Kind::file) {
    object.add("generation", entry.body.generation)
        .add("content_type", entry.body.content_type)
        .add("producer", entry.body.producer)
        .add("digest", digest_text(entry.body.digest));
    if (!entry.body.etag.empty()) object.add("etag", entry.body.etag);
  }
  if (entry.kind == codec::Kind::symlink) object.add("target", name_text(entry.target));
  if (entry.kind == codec::Kind::directory) {
    object.add("entries", entry.entries).add("totals", totals_json(entry.totals));
    if (entry.quota) {
      object.add("quota", JsonObject()
                              .add("max_bytes", entry.quota.max_bytes)
                              .add("max_entries", entry.quota.max_entries));
    }
  }
  if (entry.cloned_from) {
    JsonObject from;
    from.add("version", entry.cloned_from->version);
    if (!entry.cloned_from->path.empty()) from.add("path", name_text(entry.cloned_from->path));
    object.add("cloned_from", from);
  }
  JsonObject xattrs;
  for (const auto& it : entry.xattrs) xattrs.add(name_text(it.name), base64(it.value));
  object.add("xattrs", xattrs).add("fields", JsonObject()).add("version", version);
  if (entry.kind == codec::Kind::file) {
    object.add("citation", citation(path, entry.body.generation));
  }
  return object;
}

JsonObject written_json(std::string_view path, const codec::OperationResult& result,
                        uint64_t version, std::string_view undo) {
  uint64_t generation = result.generation == 0 ? version : result.generation;
  JsonObject object;
  object.add("path", name_text(path))
      .add("generation", generation)
      .add("size", result.size)
      .add("digest", digest_text(result.digest))
      .add("version", version)
      .add("created", result.created)
      .add("citation", citation(path, generation));
  add_undo(object, undo);
  return object;
}

JsonObject changed_json(std::string_view path, uint64_t version, std::string_view undo) {
  JsonObject object;
  object.add("path", name_text(path)).add("version", version);
  add_undo(object, undo);
  return object;
}

JsonObject restored_json(const Restored& it) {
  JsonObject object;
  object.add("path", name_text(it.path))
      .add("from", name_text(it.from))
      .add("version", it.version)
      .add("at", it.at);
  add_undo(object, it.undo);
  return object;
}

JsonObject snapshot_json(const codec::SnapshotInfo& it) {
  JsonObject object;
  object.add("name", name_text(it.name))
      .add("id", it.id)
      .add("path", name_text(it.path))
      .add("version", it.version);
  add_time(object, "time", it.time_ns);
  add_time(object, "expires", it.expires_ns);
  JsonObject labels;
  for (const auto& label : it.labels) labels.add(label.key, label.value);
  object.add("labels", labels);
  switch (it.kind) {
    case codec::PinKind::snapshot:
      object.add("kind", "snapshot");
      break;
    case codec::PinKind::moment:
      object.add("kind", "moment");
      break;
    case codec::PinKind::undo:
      object.add("kind", "undo");
      break;
    case codec::PinKind::clone:
      object.add("kind", "clone");
      break;
  }
  return object;
}

JsonObject log_json(const codec::LogEntry& it) {
  JsonObject object;
  object.add("path", name_text(it.path))
      .add("generation", it.generation)
      .add("size", it.size)
      .add("digest", digest_text(it.digest))
      .add("time", rfc3339(it.time_ns))
      .add("principal", it.principal)
      .add("change", change_name(it.change))
      .add("readable", it.readable)
      .add("citation", citation(it.path, it.generation));
  if (!it.at.empty()) object.add("at", it.at);
  return object;
}

JsonObject event_json(const codec::WatchEvent& it, std::string_view cursor) {
  const codec::Event& event = it.event;
  return JsonObject()
      .add("cursor", cursor)
      .add("change", change_name(event.kind))
      .add("covers_subtree", event.covers_subtree)
      .add("path", name_text(event.path))
      .add("old_path", name_text(event.old_path))
      .add("id", event.id.text())
      .add("kind", kind_name(event.node_kind))
      .add("generation", event.generation)
      .add("old_generation", event.old_generation)
      .add("size", event.size)
      .add("time", rfc3339(it.time_ns))
      .add("principal", it.principal)
      .add("version", it.version);
}

JsonObject problem_json(const codec::Problem& it) {
  return JsonObject()
      .add("code", it.code)
      .add("severity", it.severity)
      .add("path", name_text(it.path))
      .add("id", it.id)
      .add("detail", printable(it.detail))
      .add("repair", printable(it.repair));
}

JsonObject fsck_summary_json(const codec::FsckReply& it) {
  return JsonObject()
      .add("checked", it.checked)
      .add("problems", it.problem_count)
      .add("repaired", it.repaired);
}

JsonObject gc_json(const codec::GcReply& it) {
  return JsonObject()
      .add("blobs_deleted", it.blobs_deleted)
      .add("objects_deleted", it.objects_deleted)
      .add("bytes_deleted", it.bytes_deleted)
      .add("records_freed", it.records_freed)
      .add("uploads_closed", it.uploads_closed)
      .add("pending", it.pending);
}

JsonObject usage_json(std::string_view path, const codec::Totals& totals) {
  return JsonObject().add("path", name_text(path)).add("totals", totals_json(totals));
}

JsonObject quota_json(const codec::QuotaInfo& it, uint64_t version) {
  return JsonObject()
      .add("path", name_text(it.path))
      .add("max_bytes", it.quota.max_bytes)
      .add("bytes", it.totals.bytes)
      .add("max_entries", it.quota.max_entries)
      .add("entries", it.totals.files + it.totals.directories)
      .add("version", version);
}

JsonObject space_json(const codec::SpaceRow& it) {
  return JsonObject()
      .add("reason", it.reason)
      .add("name", name_text(it.name))
      .add("bytes", it.bytes)
      .add("files", it.files);
}

JsonObject status_json(std::string_view url, const codec::StatusReply& it) {
  JsonObject object;
  object.add("url", url)
      .add("version", it.version)
      .add("initialised", it.initialised)
      .add("object_store", it.object_store)
      .add("object_store_error", printable(it.object_store_error))
      .add("server_version", it.server_version)
      .add("directory", name_text(it.directory));
  add_time(object, "time", it.time_ns);
  object.add("totals", totals_json(it.totals))
      .add("namespace", it.namespace_id)
      .add("backup_to", printable(it.backup_to))
      .add("backup_version", it.backup_version);
  add_time(object, "backup_time", it.backup_time_ns);
  return object.add("backup_error", printable(it.backup_error));
}

JsonObject backup_json(const codec::BackupInfo& it) {
  JsonObject object;
  object.add("id", it.id).add("version", it.version);
  add_time(object, "time", it.time_ns);
  object.add("log_version", it.log_version);
  add_time(object, "log_time", it.log_time_ns);
  return object.add("bytes", it.bytes);
}

JsonObject backup_made_json(const codec::BackupReply& it) {
  JsonObject object = backup_json(it.backup);
  return object.add("to", printable(it.to))
      .add("objects_put", it.objects_put)
      .add("bytes_put", it.bytes_put);
}

JsonObject xattr_json(std::string_view path, std::string_view name, std::string_view value) {
  return JsonObject()
      .add("path", name_text(path))
      .add("name", name_text(name))
      .add("value", base64(value));
}

JsonObject policy_json(const codec::RetentionPolicy& it, uint64_t version) {
  JsonObject object;
  object.add("moments", moments_text(it)).add("undo", duration_text(Duration{it.undo_ns}));
  if (version != 0) object.add("version", version);
  return object;
}

JsonObject loaded_json(const LoadedTree& it) {
  return JsonObject()
      .add("path", name_text(it.to))
      .add("from", name_text(it.from))
      .add("entries", it.nodes)
      .add("passed_over", it.passed_over)
      .add("bytes", it.bytes)
      .add("version", it.version);
}

JsonObject got_json(const Got& it) {
  return JsonObject()
      .add("path", name_text(it.path))
      .add("local", name_text(it.local))
      .add("size", it.size)
      .add("digest", it.digest)
      .add("generation", it.generation);
}

JsonObject exported_json(const ExportedFile& it) {
  return JsonObject()
      .add("path", name_text(it.path))
      .add("to", name_text(it.to))
      .add("size", it.body.size)
      .add("digest", digest_text(it.body.digest))
      .add("generation", it.body.generation)
      .add("copied", it.copied);
}

JsonObject imported_json(const ImportedFile& it) {
  return JsonObject()
      .add("path", name_text(it.path))
      .add("from", name_text(it.from))
      .add("size", it.object.size)
      .add("etag", printable(it.object.etag))
      .add("generation", it.generation)
      .add("imported", it.imported);
}

JsonObject transfer_json(std::string_view path, std::string_view direction, std::string_view other,
                         const TransferCount& it) {
  return JsonObject()
      .add("path", name_text(path))
      .add(direction, name_text(other))
      .add("files", it.files)
      .add("bytes", it.bytes)
      .add("there", it.there)
      .add("failed", it.failed)
      .add("version", it.version);
}

JsonObject check_json(const Check& it) {
  return JsonObject()
      .add("name", it.name)
      .add("status", it.status)
      .add("detail", printable(it.detail))
      .add("fix", it.fix);
}

std::string moments_text(const codec::RetentionPolicy& policy) {
  std::string text;
  for (const auto& it : policy.ladder) {
    text += str(text.empty() ? "" : ",", duration_text(Duration{it.every_ns}), ":",
                duration_text(Duration{it.for_ns}));
  }
  return text.empty() ? "none" : text;
}

std::string mode_text(codec::Kind kind, uint32_t mode) {
  constexpr std::string_view kKinds = "?-dlpsbc";
  constexpr std::string_view kBits = "rwxrwxrwx";
  std::string text(1, kKinds[std::min<size_t>(static_cast<size_t>(kind), kKinds.size() - 1)]);
  for (size_t i = 0; i < kBits.size(); ++i) text += (mode >> (8 - i) & 1U) != 0 ? kBits[i] : '-';
  auto special = [&](uint32_t bit, size_t at, char with_x, char without_x) {
    if ((mode & bit) != 0) text[at] = text[at] == 'x' ? with_x : without_x;
  };
  special(04000, 3, 's', 'S');
  special(02000, 6, 's', 'S');
  special(01000, 9, 't', 'T');
  return text;
}

}  // namespace nokv::cli
