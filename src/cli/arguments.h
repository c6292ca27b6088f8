// What a command line says, checked against the table of commands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env/clock.h"
#include "base/result.h"
#include "cli/command.h"

namespace nokv::cli {

// Options that were given, each with its values in order (a flag has one empty value), and the
// rest. Asking for an option that the table does not have aborts: it is our own mistake.
class Arguments {
 public:
  const Command& command() const { return *command_; }
  const std::vector<std::string>& positionals() const { return positionals_; }
  const std::string& positional(size_t i) const { return positionals_.at(i); }

  bool has(std::string_view name) const;
  // The last value, or "".
  const std::string& text(std::string_view name) const;
  const std::vector<std::string>& all(std::string_view name) const;
  // The last value; none when the option was not given. Values were checked when parsed.
  std::optional<uint64_t> number(std::string_view name) const;
  std::optional<uint64_t> size(std::string_view name) const;
  std::optional<Duration> duration(std::string_view name) const;

  // A global option as given on the command line; settings are asked of Settings instead.
  const std::map<std::string, std::vector<std::string>, std::less<>>& globals() const {
    return globals_;
  }
  bool global_flag(std::string_view name) const { return globals_.contains(name); }

 private:
  friend class Parser;

  const Command* command_ = nullptr;
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
  std::map<std::string, std::vector<std::string>, std::less<>> globals_;
  std::vector<std::string> positionals_;
};

// What the line asks for: a command, or to be told about one.
struct ParsedLine {
  enum class What : uint8_t {
    run,
    help,
    version
  };
  What what = What::run;
  std::string topic;  // help: a command, a family, or ""
  Arguments arguments;
};

// `words` is argv without the program's name. Errors: invalid_argument with a hint (near misses);
// `failed_command` then names the command as far as it was understood.
Result<ParsedLine> parse_line(const std::vector<std::string>& words, std::string& failed_command);

// Whether `words` ask for JSON, however wrong the rest of them is: errors of usage are told so too.
bool asks_for_json(const std::vector<std::string>& words);

// Checks one value as the parser does. Errors: invalid_argument.
Result<> check_value(const Option& option, std::string_view value);

}  // namespace nokv::cli
