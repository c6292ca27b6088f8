// What people write on a command line for numbers, sizes, durations, modes, names and paths.
#include "cli/values.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "cli/mode.h"
#include "cli/name_text.h"
#include "cli/paths.h"

namespace nokv::cli {
namespace {

void numbers(std::string_view text) {
  if (auto number = parse_number(text)) {
    check(parse_number(std::to_string(*number)).value() == *number, "a number");
  }
  if (auto size = parse_size(text)) {
    check(parse_size(std::to_string(*size)).value() == *size, "a size");
  }
  if (auto duration = parse_duration(text)) {
    check(*duration >= Duration::zero(), "a duration is not negative");
    check(parse_duration(duration_text(*duration)).value() == *duration, "a duration");
  }
  if (auto mode = changed_mode(text, 0644, false)) check(*mode <= 07777, "12 bits");
}

void names(std::string_view text) {
  check(name_bytes(name_text(text)) == text, "a name in JSON");
  std::string shown = name_shown(text);
  check(name_bytes(shown) == text, "a name on a terminal");
  check(std::ranges::none_of(shown, [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
        "nothing moves the cursor");
  (void)shell_quoted(text);
  (void)printable(text);
}

void paths(std::string_view text) {
  auto parsed = parse_path(text);
  if (!parsed) return;
  const std::string& path = parsed->path;
  check(path.starts_with('/') && path.find("//") == std::string::npos, "a path is in its form");
  check(path == "/" || !path.ends_with('/'), "no slash at its end");
  if (parsed->generation == 0) return;
  auto again = parse_path(citation(path, parsed->generation));
  check(again && again->path == path && again->generation == parsed->generation, "a citation");
}

}  // namespace
}  // namespace nokv::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  nokv::cli::numbers(text);
  nokv::cli::names(text);
  nokv::cli::paths(text);
  return 0;
}
