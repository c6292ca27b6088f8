// What a program asks about, and of, its own process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace nokv {

// Signals as calls on a thread of their own, where anything may be done, not only what is safe in
// a signal handler. Make it first in main(): the signals are blocked in the calling thread and in
// every thread started after, so that none of them dies of one.
class SignalThread {
 public:
  // Blocks `signals` (SIGTERM, SIGINT, ...). One that arrives before start() waits for it.
  explicit SignalThread(const std::vector<int>& signals);

  // Ends the thread and gives the signals back to the calling thread. Must not be called from the
  // callback.
  ~SignalThread();

  // Calls `received` with the number of each signal that arrives, one at a time. Call it once.
  void start(std::function<void(int signal)> received);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A write to a closed pipe or socket is an error there instead of the process's end.
void ignore_broken_pipes();

// Files and directories made from now on are readable by this user only.
void keep_new_files_private();

// Memory of large buffers that were freed is kept for the next ones (up to 512 MiB) instead of
// given back at once: getting it again costs more than filling it. For programs that move bodies.
// Call it before there are other threads.
void keep_freed_memory();

// Raises the limit of open files to what the system lets this user have; returns it.
uint64_t raise_open_files_limit();

// An environment variable; none also when the program runs with raised privileges.
std::optional<std::string> environment_variable(const std::string& name);

// Runs `command` with /bin/sh and waits for it. `input` is its standard input, all of it at once;
// `variables` are added to the environment, or take the place of what has their names. Gives the
// exit code, or 128 + the signal that ended it. Blocks. Errors: unavailable (it cannot be started).
Result<int> run_shell(const std::string& command, std::string_view input,
                      const std::vector<std::pair<std::string, std::string>>& variables);

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();

// Memory that this process has held at most, and holds now; 0 when the system does not tell.
uint64_t peak_rss_bytes();
uint64_t rss_bytes();

}  // namespace nokv
