// The machine's disk.
#pragma once

#include "base/env/files.h"

namespace nokv {

// System calls, one for one; nothing is buffered here. Files and directories are made with the
// process's umask. Locks are open-file-description locks: they hold between processes and within
// one, and end with the process. Errors besides those of Files: not_directory, is_directory,
// not_empty, and invalid_argument for a path the system does not take.
class PosixFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_new(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& dir) override;
  Result<> make_dirs(const std::string& dir) override;
  Result<> sync_dir(const std::string& dir) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& dir) override;
};

}  // namespace nokv
