// The config file's syntax, by toml++.
//
// toml++ 3.3 asserts that a table's name begins with a letter before it looks, and tells the
// compiler so where NDEBUG is set: `[{x}]` in a file aborts, or is undefined. Without the assertion
// the code after it reports a proper error.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <algorithm>

#include <toml++/toml.h>

#include "cli/settings.h"

namespace nokv::cli {

Result<std::map<std::string, TomlValue>> parse_toml(std::string_view text, std::string_view where) {
  toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(Code::invalid_argument, where, ":", error.source().begin.line, ": ",
                error.description());
  }
  std::map<std::string, TomlValue> values;
  for (const auto& [key, node] : parsed.table()) {
    // Names are those of the flags; underscores are taken for dashes.
    std::string name(key.str());
    std::ranges::replace(name, '_', '-');
    uint32_t line = static_cast<uint32_t>(node.source().begin.line);
    TomlValue value{.value = {}, .line = line};
    if (auto as_text = node.value_exact<std::string>()) {
      value.value = *std::move(as_text);
    } else if (auto as_bool = node.value_exact<bool>()) {
      value.value = *as_bool ? "true" : "false";
    } else if (auto as_number = node.value_exact<int64_t>()) {
      value.value = std::to_string(*as_number);
    } else {
      return fail(Code::invalid_argument, where, ":", line, ": '", name,
                  "' must be a string, a number, true or false");
    }
    values.insert_or_assign(std::move(name), std::move(value));
  }
  return values;
}

}  // namespace nokv::cli
