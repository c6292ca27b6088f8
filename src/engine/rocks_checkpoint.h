// Copies of a RocksDB engine's files that a rotten byte of the engine cannot reach.
//
// docs/formats/checkpoint.md has the layout. A checkpoint is a directory of its own; siblings below
// one parent share the table files that are the same (a hard link from one checkpoint to the next,
// never to the engine), so each is copied once. A directory is a checkpoint only when it is whole:
// it is written under another name and renamed last.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace rocksdb {
class DB;
}

namespace nokv::engine {

// A file of a checkpoint, as its manifest tells it.
struct CheckpointFile {
  std::string name;
  uint64_t size = 0;
  std::string crc32c{};  // of the content, 8 hex digits
};

// Flushes `db` and copies the files of this moment to `dir`, each read back and compared. Blocks.
// Errors: already_exists; data_loss names the engine's file that does not match its checksum (or
// the copy); resource_exhausted and unavailable leave nothing at `dir`.
Result<> write_checkpoint(rocksdb::DB& db, const std::string& dir);

// Reads every file of the checkpoint. Blocks. Errors: not_found when `dir` is no checkpoint,
// data_loss names the file that is damaged or missing.
Result<> verify_checkpoint(const std::string& dir);

// Copies the checkpoint to the directory `into`, where RocksEngine::open() then finds its state.
// `into` must be missing or empty; it is made only when every file was good. Blocks.
// Errors: those of verify_checkpoint(), already_exists, resource_exhausted, unavailable.
Result<> restore_checkpoint(const std::string& dir, const std::string& into);

// The manifest's bytes and back; only for these functions and their tests.
std::string encode_checkpoint_manifest(const std::vector<CheckpointFile>& files);
Result<std::vector<CheckpointFile>> decode_checkpoint_manifest(std::string_view bytes);

// Whether an engine is in `dir`. Errors: data_loss when files of one are there, but not the one
// that names the others: an empty engine must not be made in their place.
Result<bool> engine_files_complete(const std::string& dir);

// The name of the directory `dir` is on the device when it returns.
Result<> sync_parent(const std::string& dir);

}  // namespace nokv::engine
