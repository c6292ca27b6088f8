// Settings: what flags, the environment, the config file and the defaults say, with the origin of
// each. One row of global_options() is one setting.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/env/clock.h"
#include "base/env/files.h"
#include "base/result.h"
#include "cli/arguments.h"

namespace nokv::cli {

struct Setting {
  std::string value;
  std::string origin;  // "default", "config /path", "environment NOKV_STORE", "flag --store"
};

// What the process's surroundings say; tests pass their own.
struct Surroundings {
  std::function<std::optional<std::string>(const std::string& name)> environment;
  bool superuser = false;
};

// A value. Reading a setting that is not in the table aborts.
class Settings {
 public:
  // Reads the config file: --config, else NOKV_CONFIG, else $XDG_CONFIG_HOME/nokv/config.toml (or
  // ~/.config/...), else /etc/nokv/config.toml; without the first two a missing file is fine.
  // Errors: invalid_argument (an unknown name, a value of the wrong kind: with file and line),
  // not_found.
  static Result<Settings> load(Files& files, const Surroundings& surroundings,
                               const Arguments& arguments);

  const Setting& get(std::string_view name) const;
  const std::string& text(std::string_view name) const { return get(name).value; }
  bool flag(std::string_view name) const { return text(name) == "true"; }
  bool is_default(std::string_view name) const { return get(name).origin == "default"; }
  uint64_t number(std::string_view name) const;
  Duration duration(std::string_view name) const;

  // The namespace to use: --store, or the server that --server-bind names where that was said
  // more strongly (a flag before the environment, that before the config file).
  Setting store() const;

  // The config file that was read; empty when there is none.
  const std::string& config_file() const { return config_file_; }

  // All, in the order of the table.
  const std::vector<std::pair<std::string, Setting>>& all() const { return settings_; }

 private:
  Setting& at(std::string_view name);
  Result<> take_config(Files& files, const Surroundings& surroundings, const Arguments& arguments);

  std::vector<std::pair<std::string, Setting>> settings_;
  std::string config_file_;
};

// A config file's values by name, as text. `where` names the file in errors. (toml_file.cc)
struct TomlValue {
  std::string value;
  uint32_t line = 0;
};
Result<std::map<std::string, TomlValue>> parse_toml(std::string_view text, std::string_view where);

}  // namespace nokv::cli
