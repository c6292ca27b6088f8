// Fills a data directory from a backup, without a server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backup/repository.h"
#include "base/env/env.h"
#include "base/log_event.h"
#include "engine/engine_kind.h"

namespace nokv::server {

struct RestoreOptions {
  std::string directory;  // missing, empty, or of a restore that was cut off
  std::string from;       // the backups' URL: what they need is kept from the start
  // Empty: the newest backup to the end of its log. Else a version ("v123"), a time, an age, or
  // the id of a backup.
  std::string at;
  std::shared_ptr<engine::EngineKind> engine_kind;  // none: RocksDB
  uint64_t log_segment_bytes = 64ULL << 20;
  std::function<void(uint64_t bytes)> read;  // of the backup, as it comes; may be empty
};

struct Restored {
  std::string backup;
  std::string namespace_id;
  uint64_t version = 0;  // what is there again
  int64_t time_ns = 0;   // its log time
  uint64_t bytes = 0;    // read
};

// Checks every byte it reads, applies the log, and has the shard look at what it made. The
// directory holds no namespace before all of it is there and durable. Blocks.
// Errors: not_found (no backup there; none that reaches `at`: the message says what they hold),
// already_exists (the directory is not empty), failed_precondition (in use), invalid_argument
// (`at`), data_loss (a backup that is damaged or not whole: the message names it and the object),
// those of the store and the files.
Result<Restored> restore(const Env& env, backup::Repository& repository, EventSink& events,
                         const RestoreOptions& options);

}  // namespace nokv::server
