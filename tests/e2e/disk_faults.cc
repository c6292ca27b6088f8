// Loaded before the C library (LD_PRELOAD): the disk fails as a file says.
//
// The file named by NOKV_DISK_FAULT, looked at for every call, holds "ERRNO PART": writes, or with
// "sync" before it syncs, of files whose path contains PART then fail with that errno. No file, no
// faults. With "hold", syncs of such files do not return until the rule is gone.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

template <class F>
F* next(const char* name) {
  // The one way from an object pointer to a function's.
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

// The errno for a call of that kind on `fd`; 0 lets it through, -1 has it ask again.
int fault_now(int fd, bool sync) {
  const char* rule_path = std::getenv("NOKV_DISK_FAULT");
  if (rule_path == nullptr) return 0;
  int rule_fd = ::open(rule_path, O_RDONLY | O_CLOEXEC);
  if (rule_fd < 0) return 0;
  char rule[256] = {};
  ssize_t size = ::read(rule_fd, rule, sizeof rule - 1);
  ::close(rule_fd);
  if (size <= 0) return 0;
  char kind[16] = {};
  char part[200] = {};
  int error = 0;
  if (std::sscanf(rule, "%15s %d %199s", kind, &error, part) != 3) return 0;
  bool hold = std::strcmp(kind, "hold") == 0;
  if (sync != (hold || std::strcmp(kind, "sync") == 0)) return 0;
  std::string link = "/proc/self/fd/" + std::to_string(fd);
  char path[4096] = {};
  if (::readlink(link.c_str(), path, sizeof path - 1) < 0) return 0;
  if (std::strstr(path, part) == nullptr) return 0;
  return hold ? -1 : error;
}

int fault(int fd, bool sync) {
  for (;;) {
    int error = fault_now(fd, sync);
    if (error >= 0) return error;
    ::usleep(10'000);
  }
}

template <class Result, class Call>
Result unless_fault(int fd, bool sync, const Call& call) {
  if (int error = fault(fd, sync); error != 0) {
    errno = error;
    return -1;
  }
  return call();
}

}  // namespace

// The names are the C library's.
extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  return unless_fault<ssize_t>(
      fd, false, [&] { return next<ssize_t(int, const void*, size_t)>("write")(fd, data, size); });
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  return unless_fault<ssize_t>(fd, false, [&] {
    return next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64")(fd, data, size, at);
  });
}

ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t at) {
  return unless_fault<ssize_t>(fd, false, [&] {
    return next<ssize_t(int, const struct iovec*, int, off64_t)>("pwritev64")(fd, parts, count, at);
  });
}

int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  return unless_fault<int>(fd, false, [&] {
    return next<int(int, int, off64_t, off64_t)>("fallocate64")(fd, mode, at, size);
  });
}

int fdatasync(int fd) {
  return unless_fault<int>(fd, true, [&] { return next<int(int)>("fdatasync")(fd); });
}

int fsync(int fd) {
  return unless_fault<int>(fd, true, [&] { return next<int(int)>("fsync")(fd); });
}

}  // extern "C"
