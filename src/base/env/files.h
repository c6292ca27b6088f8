// The local disk, as the program may see it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nokv {

// An open file. One thread at a time may write; reads may run beside it. Every call blocks.
// Errors: resource_exhausted when the disk or quota is full, data_loss for EIO, else unavailable;
// every message names the path and the system's words.
class File {
 public:
  virtual ~File() = default;

  // Up to `size` bytes at `offset`; shorter only at the end of the file.
  virtual Result<std::string> read_at(uint64_t offset, size_t size) const = 0;

  // All of `bytes`, or an error after which any part of the range may have changed.
  virtual Result<> write_at(uint64_t offset, std::string_view bytes) = 0;

  // Content and size are on the device when it returns (fdatasync). After an error nothing is
  // known of what was written since the last success: do not retry.
  virtual Result<> sync() = 0;

  virtual Result<uint64_t> size() const = 0;
  virtual Result<> truncate(uint64_t size) = 0;
};

// Held while it lives; the system drops it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct FileInfo {
  uint64_t size = 0;
  int64_t modified_ns = 0;  // Unix time
  bool is_directory = false;
};

enum class OpenMode : uint8_t {
  read,        // must exist
  write,       // must exist; reads and writes
  create,      // made when missing; reads and writes
  create_new,  // already_exists when it is there; reads and writes
};

// Thread-safe; every call blocks. Paths are absolute, or relative to the working directory.
// Errors are those of File, and not_found, already_exists, permission_denied.
class Files {
 public:
  virtual ~Files() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;

  // Replaces `to`. Durable once sync_dir() of the directory returned.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  // As rename(), but already_exists when `to` is there: of several at once one wins.
  virtual Result<> rename_new(const std::string& from, const std::string& to);
  // A file or an empty directory.
  virtual Result<> remove(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Follows links.
  virtual Result<FileInfo> stat(const std::string& path);
  // Names without "." and "..", sorted.
  virtual Result<std::vector<std::string>> list(const std::string& dir) = 0;
  // With missing parents; fine when it is there already.
  virtual Result<> make_dirs(const std::string& dir) = 0;
  // Names made, renamed or removed in `dir` are on the device when it returns.
  virtual Result<> sync_dir(const std::string& dir) = 0;
  // Takes an exclusive lock on the file, made when missing. Errors: failed_precondition when
  // another process or another lock of this process holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  // Bytes that can still be written below `dir`.
  virtual Result<uint64_t> free_bytes(const std::string& dir) = 0;
};

// The whole file. Errors: resource_exhausted when it is longer than `limit`.
Result<std::string> read_file(Files& files, const std::string& path, uint64_t limit);

// `path` holds `bytes`, wholly and durably, or what it held before: temporary file, sync, rename,
// sync of the directory.
Result<> write_file_atomic(Files& files, const std::string& path, std::string_view bytes);

// As make_dirs(), and the names of `dir` and of each parent that was missing are on the device.
Result<> make_durable_dirs(Files& files, const std::string& dir);

// Removes `path` and what lies below it; fine when it is missing.
Result<> remove_tree(Files& files, const std::string& path);

}  // namespace nokv
