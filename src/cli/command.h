// What a command is: one row of the table that help, man pages, completions and parsing read.
//
// Nothing about a command is written anywhere else: docs/cli.md, `nokv help`, the man pages and the
// three shells' completions are all printed from commands().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nokv::cli {

class Context;

// How the process ends. Scripts rely on the numbers.
enum class Exit : uint8_t {
  done = 0,
  refused = 1,      // refused, not found, damaged, over a limit: nothing changed
  usage = 2,        // found wrong before anything was sent
  partly = 3,       // what was done and what was not is listed
  unreachable = 4,  // the server or the object store does not answer
  unknown = 5,      // it may have been done
};

enum class Group : uint8_t {
  server,
  files,
  time,
  upkeep,
  tool,
};
std::string_view group_name(Group group);

// What a value is: how it is checked when parsed, and what a shell offers for it.
enum class ValueKind : uint8_t {
  none,  // a flag: takes no value
  text,
  number,
  size,      // 4096, 64k, 1.5GiB
  duration,  // 30d, 1h30m, 500ms, 0s
  path,      // in the namespace
  local,     // a local file or directory
  at,        // a snapshot, v123, a time, an age
  choice,    // one of Option::choices
};

struct Option {
  std::string_view name;   // without dashes
  char letter = 0;         // 'r' for -r
  std::string_view value;  // what help calls the value: "N"; empty for a flag
  ValueKind kind = ValueKind::none;
  std::string_view help;
  std::vector<std::string_view> choices = {};
  bool repeated = false;
};

constexpr size_t kAnyNumber = static_cast<size_t>(-1);

struct Positional {
  std::string_view name;
  ValueKind kind = ValueKind::text;
  size_t min = 1;
  size_t max = 1;
};

struct Example {
  std::string_view line;
  std::string_view what;
};

struct Command {
  std::string_view name;  // "ls", "snapshot create"
  Group group = Group::files;
  std::string_view summary;  // one line, no period
  std::string_view text;     // paragraphs divided by an empty line
  std::vector<Positional> positionals = {};
  std::vector<Option> options = {};
  std::vector<Example> examples = {};
  Result<Exit> (*run)(Context&) = nullptr;
};

// Options that every command takes, before and after its name. Those with a `setting` are settings:
// the environment and the config file say them too.
struct GlobalOption {
  Option option;
  bool setting = false;
  std::string_view env = {};
  std::string_view initial = {};  // shown as the default
  bool server = false;            // only `serve`, and the embedded namespace, look at it
};

// In the order of help. Both live as long as the process.
std::span<const Command> commands();
std::span<const GlobalOption> global_options();

// Null when there is none of that name.
const Command* find_command(std::string_view name);
const Option* find_option(const Command& command, std::string_view name);
const GlobalOption* find_global(std::string_view name);

// "snapshot" when the name begins a family of commands ("snapshot create").
bool is_family(std::string_view name);
std::vector<const Command*> family(std::string_view name);

// "nokv put [OPTION]... LOCAL... PATH".
std::string usage_line(const Command& command);

}  // namespace nokv::cli
