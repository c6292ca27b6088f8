#include "base/posix/process.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/posix/system_error.h"

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

namespace {

// A file without a name that holds `bytes`, at its beginning; -1 when none can be made.
int memory_file(std::string_view bytes) {
  int fd = ::memfd_create("input", MFD_CLOEXEC);
  while (fd >= 0 && !bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ::close(fd);
      return -1;
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  if (fd >= 0) ::lseek(fd, 0, SEEK_SET);
  return fd;
}

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    bool replaced = std::ranges::any_of(variables, [&](const auto& variable) {
      return text.substr(0, text.find('=')) == variable.first;
    });
    if (!replaced) out.emplace_back(text);
  }
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  return out;
}

}  // namespace

Result<int> run_shell(const std::string& command, std::string_view input,
                      const std::vector<std::pair<std::string, std::string>>& variables) {
  int fd = memory_file(input);
  if (fd < 0) return std::unexpected(system_error(errno, "standard input of a command"));
  std::vector<std::string> environment = environment_with(variables);
  std::vector<char*> pointers;
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  std::string shell = "/bin/sh";
  std::string flag = "-c";
  std::string line = command;
  char* words[] = {shell.data(), flag.data(), line.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO);
  // What this process ignores or blocks is its own affair.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  int error = ::posix_spawn(&child, shell.c_str(), &files, &attributes, words, pointers.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  ::close(fd);
  if (error != 0) return std::unexpected(system_error(error, "/bin/sh"));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::unexpected(system_error(errno, "waiting for a command"));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }
bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

// Not getrusage(): its peak is carried over from the program that started this one.
uint64_t peak_rss_bytes() { return status_bytes("VmHWM"); }
uint64_t rss_bytes() { return status_bytes("VmRSS"); }

}  // namespace nokv
