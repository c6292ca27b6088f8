#include "cli/local_tree.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/posix/system_error.h"

namespace nokv::cli {
namespace {

std::unexpected<Error> failed(std::string_view what, std::string_view path) {
  return std::unexpected(system_error(errno, str(what, " ", path)));
}

LocalInfo info_of(const struct stat& st) {
  LocalInfo info;
  info.kind = S_ISREG(st.st_mode)   ? LocalKind::file
              : S_ISDIR(st.st_mode) ? LocalKind::directory
              : S_ISLNK(st.st_mode) ? LocalKind::symlink
                                    : LocalKind::other;
  info.size = static_cast<uint64_t>(st.st_size);
  // setuid, setgid and sticky mean something on this machine only.
  info.mode = st.st_mode & 0777U;
  info.mtime_ns = int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
  return info;
}

// Opens one name in a directory, or fails where it would lead out of it.
int open_beneath(int directory, const std::string& name, int flags, mode_t mode = 0) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC | O_NOFOLLOW;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return ::openat(directory, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

std::string below(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : str(directory, "/", name);
}

// A name that is more than one would be resolved by the system, not by us.
Result<> single(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return fail(Code::invalid_argument, "'", name, "' is no name of a local file");
  }
  return {};
}

}  // namespace

LocalHandle::~LocalHandle() {
  if (fd_ >= 0) ::close(fd_);
}

Result<LocalInfo> local_info(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return failed("open", path);
  return info_of(st);
}

Result<std::unique_ptr<LocalSource>> LocalSource::open(const std::string& path) {
  // Without O_NONBLOCK opening a fifo would wait for its writer.
  LocalHandle handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!handle) return failed("open", path);
  return take(std::move(handle), path);
}

Result<std::unique_ptr<LocalSource>> LocalSource::take(LocalHandle handle, std::string path) {
  struct stat st{};
  if (::fstat(handle.fd(), &st) != 0) return failed("stat", path);
  LocalInfo info = info_of(st);
  if (info.kind == LocalKind::directory) {
    return fail(Code::is_directory, path, " is a directory");
  }
  if (info.kind != LocalKind::file) {
    return fail(Code::invalid_argument, path, " is no regular file");
  }
  return std::unique_ptr<LocalSource>(new LocalSource(std::move(handle), std::move(path), info));
}

Result<size_t> LocalSource::read(std::span<char> buffer) {
  ssize_t got = 0;
  do {
    got = ::read(handle_.fd(), buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return failed("read", path_);
  auto count = static_cast<size_t>(got);
  read_ += count;
  if (count > 0) {
    if (on_read) on_read(count);
    return count;
  }
  struct stat st{};
  if (::fstat(handle_.fd(), &st) != 0) return failed("stat", path_);
  LocalInfo now = info_of(st);
  if (now.size != info_.size || now.mtime_ns != info_.mtime_ns || read_ != info_.size) {
    return std::unexpected(
        Error(Code::failed_precondition, str(path_, " changed while it was read"))
            .with_hint("nothing was published; do it again once nobody writes to the file"));
  }
  return 0;
}

Result<LocalDirectory> LocalDirectory::open(const std::string& path) {
  LocalHandle handle(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle) return failed("open", path);
  return LocalDirectory(std::move(handle), path);
}

Result<std::vector<std::string>> LocalDirectory::names() const {
  // A descriptor of its own, which the stream closes and whose place nobody else moves.
  int own = ::openat(fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = own < 0 ? nullptr : ::fdopendir(own);
  if (stream == nullptr) {
    auto error = failed("list", path_);
    if (own >= 0) ::close(own);
    return error;
  }
  std::vector<std::string> result;
  errno = 0;
  while (const dirent* it = ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe): own stream
    std::string name = it->d_name;
    if (name != "." && name != "..") result.push_back(std::move(name));
    errno = 0;
  }
  int error_number = errno;
  ::closedir(stream);
  if (error_number != 0) {
    return std::unexpected(system_error(error_number, str("list ", path_)));
  }
  std::ranges::sort(result);
  return result;
}

Result<LocalInfo> LocalDirectory::info(const std::string& name) const {
  NOKV_TRY(single(name));
  struct stat st{};
  if (::fstatat(fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return failed("stat", below(path_, name));
  }
  return info_of(st);
}

Result<LocalDirectory> LocalDirectory::directory(const std::string& name) const {
  NOKV_TRY(single(name));
  LocalHandle handle(open_beneath(fd(), name, O_RDONLY | O_DIRECTORY));
  if (!handle) return failed("open", below(path_, name));
  return LocalDirectory(std::move(handle), below(path_, name));
}

Result<std::unique_ptr<LocalSource>> LocalDirectory::file(const std::string& name) const {
  NOKV_TRY(single(name));
  LocalHandle handle(open_beneath(fd(), name, O_RDONLY | O_NONBLOCK));
  if (!handle) return failed("open", below(path_, name));
  return LocalSource::take(std::move(handle), below(path_, name));
}

Result<std::string> LocalDirectory::link(const std::string& name) const {
  NOKV_TRY(single(name));
  std::string target(4096, '\0');
  ssize_t length = ::readlinkat(fd(), name.c_str(), target.data(), target.size());
  if (length < 0) return failed("read link", below(path_, name));
  target.resize(static_cast<size_t>(length));
  return target;
}

Result<LocalDirectory> LocalDirectory::make_directory(const std::string& name,
                                                      uint32_t mode) const {
  NOKV_TRY(single(name));
  if (::mkdirat(fd(), name.c_str(), (mode & 0777U) | 0700U) != 0 && errno != EEXIST) {
    return failed("make directory", below(path_, name));
  }
  return directory(name);
}

Result<> LocalDirectory::make_link(const std::string& name, const std::string& target) const {
  NOKV_TRY(single(name));
  if (::symlinkat(target.c_str(), fd(), name.c_str()) == 0) return {};
  if (errno != EEXIST) return failed("make link", below(path_, name));
  if (::unlinkat(fd(), name.c_str(), 0) != 0) return failed("replace", below(path_, name));
  if (::symlinkat(target.c_str(), fd(), name.c_str()) != 0) {
    return failed("make link", below(path_, name));
  }
  return {};
}

Result<std::unique_ptr<LocalSink>> LocalSink::create(const LocalDirectory& directory,
                                                     const std::string& name, uint32_t mode) {
  NOKV_TRY(single(name));
  static std::atomic<uint64_t> next = 0;
  std::string temporary = str(".nokv-", ::getpid(), "-", ++next, ".part");
  LocalHandle handle(
      open_beneath(directory.fd(), temporary, O_WRONLY | O_CREAT | O_EXCL, (mode & 0777U) | 0200U));
  if (!handle) return failed("create a file in", directory.path());
  return std::unique_ptr<LocalSink>(
      new LocalSink(directory, name, std::move(temporary), std::move(handle)));
}

LocalSink::~LocalSink() {
  if (!temporary_.empty()) (void)::unlinkat(directory_.fd(), temporary_.c_str(), 0);
}

Result<> LocalSink::write(std::string_view bytes) {
  if (on_write) on_write(bytes.size());
  while (!bytes.empty()) {
    ssize_t count = ::write(handle_.fd(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", below(directory_.path(), name_));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<> LocalSink::finish(std::optional<int64_t> mtime_ns) {
  if (mtime_ns) {
    timespec time{.tv_sec = *mtime_ns / 1'000'000'000, .tv_nsec = *mtime_ns % 1'000'000'000};
    timespec times[2] = {time, time};
    if (time.tv_nsec >= 0) (void)::futimens(handle_.fd(), times);
  }
  if (::renameat(directory_.fd(), temporary_.c_str(), directory_.fd(), name_.c_str()) != 0) {
    return failed("write", below(directory_.path(), name_));
  }
  temporary_.clear();
  return {};
}

}  // namespace nokv::cli
