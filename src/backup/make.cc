#include "backup/make.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "codec/redo.h"

namespace nokv::backup {

using codec::BackupFile;
using codec::BackupLog;
using codec::BackupManifest;

namespace {

constexpr size_t kLogObjectBytes = 4 << 20;

// Groups on their way into objects.
class LogWriter {
 public:
  LogWriter(Repository& repository, BackupManifest& manifest, log::ChainDigest before)
      : repository_(repository), manifest_(manifest), digest_(before) {}

  // Errors: data_loss when the group does not follow.
  Result<> add(const log::Reader::Entry& entry) {
    if (piece_.groups.empty()) piece_.before = digest_;
    log::ChainDigest after = log::chain(digest_, entry.group);
    if (after != entry.after.digest) return not_on_chain(entry.group.first.value());
    digest_ = after;
    bytes_ += entry.group.bytes.size();
    piece_.groups.push_back(
        {entry.group.first.value(), entry.group.last.value(), entry.group.bytes});
    return bytes_ >= kLogObjectBytes ? flush() : Result<>();
  }

  Result<> flush() {
    if (piece_.groups.empty()) return {};
    // The last record tells time and ids.
    codec::RedoGroup redo;
    const auto& last = piece_.groups.back();
    if (!codec::decode(last.bytes, redo) || redo.records.empty()) {
      return fail(Code::data_loss, "the log's group of version ", last.first, " cannot be decoded");
    }
    BackupLog log{.first = piece_.groups.front().first, .last = last.last};
    manifest_.log_version = log.last;
    manifest_.log_time_ns = log.last_ns = redo.records.back().time_ns;
    manifest_.log_digest = digest_;
    manifest_.next_id = std::max(manifest_.next_id, redo.records.back().next_id);
    NOKV_ASSIGN(log.object, repository_.put_part(PartKind::log, codec::encoded(piece_)));
    manifest_.log.push_back(log);
    piece_ = {};
    bytes_ = 0;
    return {};
  }

  static std::unexpected<Error> not_on_chain(uint64_t version) {
    return fail(Code::data_loss, "version ", version, " does not follow what was backed up");
  }

 private:
  Repository& repository_;
  BackupManifest& manifest_;
  log::ChainDigest digest_;
  codec::BackupGroups piece_;
  size_t bytes_ = 0;
};

class Maker {
 public:
  Maker(const Env& env, Repository& repository, log::LogStore& log, const Source& source,
        const std::function<bool()>& stopped)
      : env_(env), repository_(repository), log_(log), source_(source), stopped_(stopped) {}

  Result<BackupManifest> run(
      const std::function<Result<>(const BackupManifest&)>& before_manifest) {
    NOKV_ASSIGN(auto there, repository_.manifests());
    for (const auto& it : there) {
      if (it.namespace_id == source_.namespace_id) continue;
      return fail(Code::failed_precondition, repository_.description(),
                  ": holds backups of another namespace (", it.namespace_id, ")");
    }
    out_.id = id_at(source_.time_ns);
    if (!there.empty() && there.back().id == out_.id) return there.back();  // nothing changed
    out_.namespace_id = source_.namespace_id;
    out_.files_version = source_.files_version;
    out_.version = source_.version;
    out_.time_ns = source_.time_ns;
    out_.next_id = source_.next_id;
    NOKV_TRY(repository_.look());
    NOKV_TRY(add_log(there));
    NOKV_TRY(add_files());
    NOKV_TRY(repository_.settle());
    NOKV_TRY(before_manifest(out_));
    NOKV_TRY(repository_.put_manifest(out_));
    return out_;
  }

 private:
  Result<> go_on() const {
    return stopped_() ? fail(Code::cancelled, "the server is stopping") : Result<>();
  }

  // Goes on where the newest backup's log ends, if that is on this log's chain; else begins anew.
  Result<> add_log(const std::vector<BackupManifest>& there) {
    if (!there.empty()) {
      NOKV_ASSIGN(bool goes_on, continue_log(there.back(), there.front()));
      if (goes_on) return {};
    }
    out_.lineage = hex(hash_of(str(env_.random.next(), " ", env_.random.next())));
    out_.log.clear();
    out_.log_version = source_.files_version;
    out_.log_digest = source_.files_digest;
    out_.log_time_ns = source_.time_ns;  // when nothing follows, that is the version
    NOKV_ASSIGN(auto reader, log_.read(Version{source_.files_version + 1}));
    LogWriter writer(repository_, out_, source_.files_digest);
    return copy_log(*reader, writer);
  }

  Result<bool> continue_log(const BackupManifest& newest, const BackupManifest& oldest) {
    if (newest.log_version > source_.version || log_.oldest().value() > newest.log_version + 1) {
      return false;
    }
    NOKV_ASSIGN(auto reader, log_.read(Version{newest.log_version + 1}));
    NOKV_ASSIGN(auto first, reader->next());
    if (first) {
      if (first->group.first.value() != newest.log_version + 1 ||
          log::chain(newest.log_digest, first->group) != first->after.digest) {
        return false;
      }
    } else if (newest.log_version != source_.files_version ||
               newest.log_digest != source_.files_digest) {
      return false;
    }
    out_.lineage = newest.lineage;
    out_.next_id = std::max(out_.next_id, newest.next_id);
    out_.log_version = newest.log_version;
    out_.log_time_ns = newest.log_time_ns;
    out_.log_digest = newest.log_digest;
    for (const auto& log : newest.log) {
      if (log.last >= oldest.files_version) out_.log.push_back(log);
    }
    LogWriter writer(repository_, out_, newest.log_digest);
    if (first) NOKV_TRY(writer.add(*first));
    NOKV_TRY(copy_log(*reader, writer));
    return true;
  }

  Result<> copy_log(log::Reader& reader, LogWriter& writer) {
    for (;;) {
      NOKV_TRY(go_on());
      NOKV_ASSIGN(auto entry, reader.next());
      if (!entry) break;
      NOKV_TRY(writer.add(*entry));
    }
    NOKV_TRY(writer.flush());
    if (out_.log_version >= source_.version) return {};
    return fail(Code::data_loss, "the log ends at version ", out_.log_version, ", before ",
                source_.version);
  }

  Result<> add_files() {
    NOKV_ASSIGN(auto names, env_.files.list(source_.directory));
    for (const std::string& name : names) {
      std::string path = str(source_.directory, "/", name);
      NOKV_ASSIGN(auto file, env_.files.open(path, OpenMode::read));
      BackupFile out{.name = name};
      for (uint64_t offset = 0;;) {
        NOKV_TRY(go_on());
        NOKV_ASSIGN(std::string bytes, file->read_at(offset, codec::kBackupPartBytes));
        if (bytes.empty()) break;
        offset += bytes.size();
        bool last = bytes.size() < codec::kBackupPartBytes;
        NOKV_ASSIGN(auto part, repository_.put_part(PartKind::file, std::move(bytes)));
        out.parts.push_back(part);
        if (last) break;
      }
      out_.files.push_back(std::move(out));
    }
    return {};
  }

  Env env_;
  Repository& repository_;
  log::LogStore& log_;
  const Source& source_;
  const std::function<bool()>& stopped_;
  BackupManifest out_;
};

}  // namespace

Result<BackupManifest> make(const Env& env, Repository& repository, log::LogStore& log,
                            const Source& source,
                            const std::function<Result<>(const BackupManifest&)>& before_manifest,
                            const std::function<bool()>& stopped) {
  return Maker(env, repository, log, source, stopped).run(before_manifest);
}

}  // namespace nokv::backup
