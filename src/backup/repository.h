// The backups below one prefix of an object store. docs/formats/backup.md
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/env/env.h"
#include "base/result.h"
#include "codec/backup.h"
#include "object/object_store.h"
#include "object/waiter.h"

namespace nokv::backup {

// XXH3-128, big-endian.
codec::BackupHash hash_of(std::string_view bytes);
// 32 hex digits.
std::string hex(const codec::BackupHash& hash);

// The id of the backup of a version with this log time.
std::string id_at(int64_t time_ns);

std::string encode_manifest(const codec::BackupManifest& manifest);
// Errors: data_loss (damaged), failed_precondition (of a newer format).
Result<codec::BackupManifest> decode_manifest(std::string_view bytes);

enum class PartKind : uint8_t {
  file,
  log
};

struct PartName {
  PartKind kind = PartKind::file;
  codec::BackupPart part;
  auto operator<=>(const PartName&) const = default;
};

class PartReader;

// Home: one thread, which may block; never one that completes the store's calls.
// Errors of all: those of the store, and what is said.
class Repository {
 public:
  // `prefix` is empty or ends with '/'. Everything outlives the repository.
  Repository(const Env& env, object::ObjectStore& store, std::string prefix)
      : env_(env), store_(store), prefix_(std::move(prefix)) {}

  // "s3 bucket b at http://…, below backups/".
  std::string description() const;

  // Ids, oldest first.
  Result<std::vector<std::string>> ids();
  // Errors: not_found, data_loss, failed_precondition; the message names the backup.
  Result<codec::BackupManifest> manifest(const std::string& id);
  // All of them, oldest first. Errors: as manifest().
  Result<std::vector<codec::BackupManifest>> manifests();

  // Learns which parts are there, so that put_part() leaves them.
  Result<> look();
  // Puts the bytes unless an object of that name and length is there. Several are on their way at
  // once: settle() waits for them. Errors: also those of parts put before.
  Result<codec::BackupPart> put_part(PartKind kind, std::string bytes);
  Result<> settle();
  PartReader read(std::vector<PartName> parts);

  // After settle(): the backup is there when this returns.
  Result<> put_manifest(const codec::BackupManifest& manifest);
  Result<> remove_manifest(const std::string& id);
  // Removes the parts that none of these name.
  Result<> remove_rest(const std::vector<codec::BackupManifest>& kept);

  struct Counters {
    uint64_t objects_put = 0;
    uint64_t bytes_put = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  friend class PartReader;

  struct OnItsWay {
    std::string key;
    object::Waiter<> put;
  };

  std::string key_of(PartKind kind, const codec::BackupHash& hash) const;
  Clock::Instant deadline() const;
  Result<std::vector<object::ObjectInfo>> list(const std::string& below);
  Result<> put(std::string key, std::string bytes);
  Result<> settle_one();

  Env env_;
  object::ObjectStore& store_;
  const std::string prefix_;
  std::set<std::pair<std::string, uint64_t>> there_;  // keys and lengths of parts
  std::deque<OnItsWay> on_its_way_;
  Counters counters_;
};

// Parts one after another, while the next ones are on their way. Home: that of its repository,
// which outlives it.
class PartReader {
 public:
  // The bytes of the next part; called at most as often as there are parts, also after errors.
  // Errors: data_loss when it is missing, or not what it says; those of the store.
  Result<std::string> next();

 private:
  friend class Repository;
  PartReader(Repository& repository, std::vector<PartName> parts)
      : repository_(repository), parts_(std::move(parts)) {}

  Repository& repository_;
  std::vector<PartName> parts_;
  size_t next_ = 0;                                       // of parts_
  std::deque<object::Waiter<std::string>> on_their_way_;  // from next_ on
};

}  // namespace nokv::backup
