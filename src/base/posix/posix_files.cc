#include "base/posix/posix_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/posix/system_error.h"

namespace nokv {
namespace {

constexpr size_t kReadUnasked = 64 << 10;  // a buffer this small is made without asking the size
constexpr size_t kTransferMax = 1 << 30;   // Linux moves at most 2 GiB per call

// Fails with errno. Take it before anything else can change errno.
std::unexpected<Error> fail_errno(const auto&... what) {
  int error_number = errno;
  return std::unexpected(system_error(error_number, str(what...)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
  if (path.find('\0') != std::string::npos) {
    return fail(Code::invalid_argument, "open ", path.c_str(), "...: a zero byte in the path");
  }
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno("open ", path);
  return Descriptor(fd);
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::string> read_at(uint64_t offset, size_t size) const override {
    if (size > kReadUnasked) {
      NOKV_ASSIGN(uint64_t end, this->size());
      size = static_cast<size_t>(std::min<uint64_t>(size, end > offset ? end - offset : 0));
    }
    std::string out;
    int error_number = 0;
    out.resize_and_overwrite(
        size, [&](char* to, size_t) { return read_to(to, size, offset, error_number); });
    if (error_number != 0) {
      return std::unexpected(
          system_error(error_number, str("read ", path_, " at ", offset + out.size())));
    }
    return out;
  }

  Result<> write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t done = ::pwrite(fd_.get(), bytes.data(), std::min(bytes.size(), kTransferMax),
                              static_cast<off_t>(offset));
      if (done < 0) {
        if (errno == EINTR) continue;
        return fail_errno("write ", path_, " at ", offset);
      }
      offset += static_cast<uint64_t>(done);
      bytes.remove_prefix(static_cast<size_t>(done));
    }
    return {};
  }

  Result<> sync() override {
    // Not repeated on EINTR or anything else: a second fdatasync may say yes to what was dropped.
    if (::fdatasync(fd_.get()) != 0) return fail_errno("sync ", path_);
    return {};
  }

  Result<uint64_t> size() const override {
    struct stat st{};
    if (::fstat(fd_.get(), &st) != 0) return fail_errno("stat ", path_);
    return static_cast<uint64_t>(st.st_size);
  }

  Result<> truncate(uint64_t size) override {
    int done = 0;
    do {
      done = ::ftruncate(fd_.get(), static_cast<off_t>(size));
    } while (done != 0 && errno == EINTR);
    if (done != 0) return fail_errno("truncate ", path_, " to ", size);
    return {};
  }

 private:
  // Returns how many bytes came; sets `error_number` when a read failed.
  size_t read_to(char* to, size_t size, uint64_t offset, int& error_number) const {
    size_t got = 0;
    while (got < size) {
      ssize_t done = ::pread(fd_.get(), to + got, std::min(size - got, kTransferMax),
                             static_cast<off_t>(offset + got));
      if (done == 0) break;
      if (done > 0) {
        got += static_cast<size_t>(done);
      } else if (errno != EINTR) {
        error_number = errno;
        break;
      }
    }
    return got;
  }

  Descriptor fd_;
  std::string path_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::write:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT;
    case OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFiles::open(const std::string& path, OpenMode mode) {
  NOKV_ASSIGN(Descriptor fd, open_descriptor(path, flags_of(mode)));
  if (mode == OpenMode::read) {  // the other modes fail for a directory by themselves
    struct stat st{};
    if (::fstat(fd.get(), &st) != 0) return fail_errno("stat ", path);
    if (S_ISDIR(st.st_mode)) return std::unexpected(system_error(EISDIR, str("open ", path)));
  }
  return std::make_unique<PosixFile>(std::move(fd), path);
}

Result<> PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename ", from, " to ", to);
  return {};
}

Result<> PosixFiles::rename_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  // Filesystems without the flag (NFS) have hard links.
  if (errno == EINVAL && ::link(from.c_str(), to.c_str()) == 0) return remove(from);
  return fail_errno("rename ", from, " to new ", to);
}

Result<> PosixFiles::remove(const std::string& path) {
  // A directory fails with EISDIR. A symbolic link is removed itself.
  if (::unlink(path.c_str()) == 0) return {};
  if (errno == EISDIR && ::rmdir(path.c_str()) == 0) return {};
  return fail_errno("remove ", path);
}

Result<bool> PosixFiles::exists(const std::string& path) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return fail_errno("stat ", path);
}

Result<FileInfo> PosixFiles::stat(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return fail_errno("stat ", path);
  int64_t modified_ns = int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
  return FileInfo{static_cast<uint64_t>(st.st_size), modified_ns, S_ISDIR(st.st_mode)};
}

Result<std::vector<std::string>> PosixFiles::list(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(dir, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return std::unexpected(system_error(error.value(), str("list ", dir)));
  std::sort(names.begin(), names.end());
  return names;
}

Result<> PosixFiles::make_dirs(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return std::unexpected(system_error(error.value(), str("make directory ", dir)));
  return {};
}

Result<> PosixFiles::sync_dir(const std::string& dir) {
  NOKV_ASSIGN(Descriptor fd, open_descriptor(dir, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("sync directory ", dir);
  return {};
}

Result<std::unique_ptr<FileLock>> PosixFiles::lock(const std::string& path) {
  NOKV_ASSIGN(Descriptor fd, open_descriptor(path, O_RDWR | O_CREAT));
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &whole) != 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return fail(Code::failed_precondition, "lock ", path, ": another process holds it");
    }
    return fail_errno("lock ", path);
  }
  return std::make_unique<PosixFileLock>(std::move(fd));
}

Result<uint64_t> PosixFiles::free_bytes(const std::string& dir) {
  struct statvfs st{};
  if (::statvfs(dir.c_str(), &st) != 0) return fail_errno("free space of ", dir);
  return uint64_t{st.f_bavail} * st.f_frsize;
}

}  // namespace nokv
