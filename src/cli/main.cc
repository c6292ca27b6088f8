// nokv: the command.
#include <cerrno>
#include <csignal>
#include <stop_token>
#include <string>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "base/posix/posix_env.h"
#include "base/posix/process.h"
#include "base/posix/system_error.h"
#include "cli/context.h"
#include "cli/wire_up.h"

namespace {

// Set by the signal's handler, for which there is no other way.
std::stop_source* interrupted = nullptr;

void interrupt(int signal) {
  // A second one ends the process at once.
  std::signal(signal, SIG_DFL);
  if (interrupted != nullptr) interrupted->request_stop();
}

nokv::Result<> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) {
      return nokv::fail(nokv::Code::cancelled, "nobody reads the output");
    }
    if (n < 0) return std::unexpected(nokv::system_error(errno, "standard output"));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  using nokv::Env;
  using nokv::PosixEnv;
  using nokv::Result;
  namespace cli = nokv::cli;
  std::vector<std::string> words(argv + 1, argv + argc);
  nokv::ignore_broken_pipes();
  PosixEnv posix;
  Env env = posix.env();
  std::stop_source stop;
  interrupted = &stop;
  cli::Surroundings surroundings{nokv::environment_variable, ::geteuid() == 0};
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, interrupt);  // but for `serve`
  cli::Doors doors{.env = env, .surroundings = surroundings};
  doors.out = [](std::string_view bytes) { return write_all(STDOUT_FILENO, bytes); };
  doors.err = [](std::string_view bytes) { return write_all(STDERR_FILENO, bytes); };
  doors.in = [&stop](std::span<char> buffer) -> Result<size_t> {
    for (;;) {
      // Waits in steps: an interrupt must be noticed although nothing comes.
      pollfd ready{STDIN_FILENO, POLLIN, 0};
      int polled = ::poll(&ready, 1, 100);
      if (stop.stop_requested()) return nokv::fail(nokv::Code::cancelled, "interrupted");
      if (polled == 0) continue;
      ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) return std::unexpected(nokv::system_error(errno, "standard input"));
    }
  };
  doors.in_terminal = nokv::stdin_is_terminal();
  doors.out_terminal = nokv::stdout_is_terminal();
  doors.err_terminal = nokv::stderr_is_terminal();
  doors.open_store = [&](const std::string& url, const cli::Settings& settings, bool may_create) {
    nokv::keep_freed_memory();
    return cli::open_store(env, surroundings, url, settings, may_create);
  };
  doors.open_objects = [&](const cli::Settings& settings) {
    return cli::open_objects_for(env, surroundings, settings);
  };
  doors.open_place = [&](const cli::ObjectPlace& place, const cli::Settings& settings) {
    return cli::open_place(env, surroundings, place, settings);
  };
  doors.serve = [&](cli::Context& context, const cli::ServeOptions& options) {
    return cli::serve(env, context, options);
  };
  doors.run_shell = nokv::run_shell;
  doors.stop = stop.get_token();
  return cli::run_command_line(words, doors);
}
