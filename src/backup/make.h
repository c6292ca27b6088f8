// Makes one backup: the files of a checkpoint and the log around it, of which only what is not
// there yet is put.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "backup/repository.h"
#include "log/log_store.h"

namespace nokv::backup {

// What is backed up.
struct Source {
  std::string namespace_id;
  std::string directory;  // of the checkpoint: nothing in it changes
  // The checkpoint holds at least `files_version`, which was reached by `files_digest`, and at
  // most `version`, which is durable.
  uint64_t files_version = 0;
  log::ChainDigest files_digest{};
  uint64_t version = 0;
  int64_t time_ns = 0;   // log time of it
  uint64_t next_id = 0;  // no id from here on was given out by then
};

// Blocks. `before_manifest` is called when all but the manifest is there; `stopped` ends the work
// early (cancelled). Gives the new manifest, or
// the newest one when nothing changed since.
// Errors: failed_precondition (the place holds backups of another namespace), data_loss (a
// manifest there is damaged), those of the store, the files and the log.
Result<codec::BackupManifest> make(
    const Env& env, Repository& repository, log::LogStore& log, const Source& source,
    const std::function<Result<>(const codec::BackupManifest&)>& before_manifest,
    const std::function<bool()>& stopped);

}  // namespace nokv::backup
