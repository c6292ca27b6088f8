#include "base/posix/process.h"

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

namespace nokv {
namespace {

// A line "NAME:   123 kB" of /proc/self/status, in bytes.
uint64_t status_bytes(std::string_view name) {
  int fd = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char buffer[8192];
  ssize_t size = ::read(fd, buffer, sizeof(buffer) - 1);
  ::close(fd);
  if (size <= 0) return 0;
  buffer[size] = '\0';
  std::string_view text(buffer, static_cast<size_t>(size));
  size_t at = text.find(std::string("\n") + std::string(name) + ":");
  if (at == std::string_view::npos) return 0;
  return std::strtoull(buffer + at + name.size() + 2, nullptr, 10) * 1024;
}

}  // namespace

struct SignalThread::State {
  sigset_t signals{};
  sigset_t before{};
  int signal_fd = -1;
  int stop_fd = -1;
  std::thread thread;

  void run(const std::function<void(int)>& received) const {
    pollfd fds[2] = {{stop_fd, POLLIN, 0}, {signal_fd, POLLIN, 0}};
    for (;;) {
      if (::poll(fds, 2, -1) < 0) {
        check(errno == EINTR, "poll for signals");
        continue;
      }
      if (fds[0].revents != 0) return;
      signalfd_siginfo info{};
      if (::read(signal_fd, &info, sizeof(info)) == ssize_t{sizeof(info)}) {
        received(static_cast<int>(info.ssi_signo));
      }
    }
  }
};

SignalThread::SignalThread(const std::vector<int>& signals) : state_(std::make_unique<State>()) {
  sigemptyset(&state_->signals);
  for (int signal : signals) check(sigaddset(&state_->signals, signal) == 0, "a signal's number");
  check(pthread_sigmask(SIG_BLOCK, &state_->signals, &state_->before) == 0, "signals are blocked");
  state_->signal_fd = ::signalfd(-1, &state_->signals, SFD_CLOEXEC | SFD_NONBLOCK);
  state_->stop_fd = ::eventfd(0, EFD_CLOEXEC);
  check(state_->signal_fd >= 0 && state_->stop_fd >= 0, "descriptors for signals are there");
}

SignalThread::~SignalThread() {
  if (state_->thread.joinable()) {
    check(eventfd_write(state_->stop_fd, 1) == 0, "the signal thread is told to stop");
    state_->thread.join();
  }
  ::close(state_->signal_fd);
  ::close(state_->stop_fd);
  pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
}

void SignalThread::start(std::function<void(int signal)> received) {
  check(!state_->thread.joinable(), "the signal thread is started once");
  state_->thread =
      std::thread([state = state_.get(), received = std::move(received)] { state->run(received); });
  pthread_setname_np(state_->thread.native_handle(), "signals");
}

void ignore_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

void keep_new_files_private() { ::umask(0077); }

void keep_freed_memory() {
  // The first is the most that glibc takes.
  // NOLINTBEGIN(concurrency-mt-unsafe): the header asks for a single thread
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  // NOLINTEND(concurrency-mt-unsafe)
}

uint64_t raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = ::secure_getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }
bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

// Not getrusage(): its peak is carried over from the program that started this one.
uint64_t peak_rss_bytes() { return status_bytes("VmHWM"); }
uint64_t rss_bytes() { return status_bytes("VmRSS"); }

}  // namespace nokv
