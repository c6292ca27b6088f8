#include "cli/settings.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cli/near_miss.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

constexpr uint64_t kConfigBytesMax = 1 << 20;

std::string home_path(const Surroundings& surroundings, const std::string& variable,
                      std::string_view below_home, std::string_view rest) {
  if (auto base = surroundings.environment(variable); base && base->starts_with('/')) {
    return str(*base, rest);
  }
  if (auto home = surroundings.environment("HOME"); home && !home->empty()) {
    return str(*home, below_home, rest);
  }
  return {};
}

std::string default_meta(const Surroundings& surroundings) {
  if (surroundings.superuser) return "/var/lib/nokv";
  std::string path = home_path(surroundings, "XDG_DATA_HOME", "/.local/share", "/nokv");
  return path.empty() ? "nokv-data" : path;
}

// A flag's value in the environment or the config file.
Result<std::string> flag_value(std::string_view value) {
  if (value == "true" || value == "1" || value == "yes") return "true";
  if (value == "false" || value == "0" || value == "no" || value.empty()) return "false";
  return fail(Code::invalid_argument, "'", value, "' is neither true nor false");
}

Result<std::string> checked(const Option& option, std::string value) {
  if (option.kind == ValueKind::none) return flag_value(value);
  NOKV_TRY(check_value(option, value));
  return value;
}

// Which of two settings was said more strongly: flag, environment, config file, default.
int rank(const Setting& setting) {
  if (setting.origin.starts_with("flag")) return 3;
  if (setting.origin.starts_with("environment")) return 2;
  return setting.origin == "default" ? 0 : 1;
}

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const auto& it : global_options()) {
    if (it.setting) names.emplace_back(it.option.name);
  }
  return names;
}

}  // namespace

Setting& Settings::at(std::string_view name) {
  auto found = std::ranges::find(settings_, name, [](const auto& it) { return it.first; });
  check(found != settings_.end(), "a setting has a row in the table");
  return found->second;
}

const Setting& Settings::get(std::string_view name) const {
  return const_cast<Settings*>(this)->at(name);
}

uint64_t Settings::number(std::string_view name) const { return parse_number(text(name)).value(); }

Duration Settings::duration(std::string_view name) const {
  return parse_duration(text(name)).value();
}

Setting Settings::store() const {
  const Setting& store = get("store");
  const Setting& bind = get("server-bind");
  if (rank(bind) > rank(store)) {
    std::string url = bind.value.find(':') == std::string::npos ||
                              bind.value.starts_with("unix:") || bind.value.starts_with("nokv://")
                          ? bind.value
                          : str("nokv://", bind.value);
    return {std::move(url), bind.origin};
  }
  return store;
}

Result<> Settings::take_config(Files& files, const Surroundings& surroundings,
                               const Arguments& arguments) {
  bool asked = false;
  auto from_flag = arguments.globals().find("config");
  std::string path;
  if (from_flag != arguments.globals().end()) {
    path = from_flag->second.back();
    asked = true;
  } else if (auto variable = surroundings.environment("NOKV_CONFIG"); variable) {
    path = *variable;
    asked = true;
  }
  if (asked && path.empty()) return {};  // --config= : none at all
  std::vector<std::string> candidates = {path};
  if (!asked) {
    candidates = {home_path(surroundings, "XDG_CONFIG_HOME", "/.config", "/nokv/config.toml"),
                  "/etc/nokv/config.toml"};
  }
  for (const auto& it : candidates) {
    if (it.empty()) continue;
    auto text = read_file(files, it, kConfigBytesMax);
    if (!text && !asked && text.error().code() == Code::not_found) continue;
    if (!text) return std::unexpected(std::move(text).error().within("config file"));
    config_file_ = it;
    NOKV_ASSIGN(auto values, parse_toml(*text, it));
    for (auto& [name, value] : values) {
      const GlobalOption* row = find_global(name);
      std::string where = str(it, ":", value.line);
      if (row == nullptr || !row->setting) {
        std::string near = near_miss(name, setting_names());
        return std::unexpected(
            Error(Code::invalid_argument, str(where, ": no setting '", name, "'"))
                .with_hint(near.empty() ? "'nokv config show' lists the settings"
                                        : str("did you mean '", near, "'?")));
      }
      auto good = checked(row->option, std::move(value.value));
      if (!good) return std::unexpected(std::move(good).error().within(where));
      at(name) = {*std::move(good), str("config ", it)};
    }
    return {};
  }
  return {};
}

Result<Settings> Settings::load(Files& files, const Surroundings& surroundings,
                                const Arguments& arguments) {
  Settings settings;
  for (const auto& it : global_options()) {
    if (!it.setting) continue;
    settings.settings_.emplace_back(it.option.name, Setting{std::string(it.initial), "default"});
  }
  settings.at("meta").value = default_meta(surroundings);
  NOKV_TRY(settings.take_config(files, surroundings, arguments));
  for (const auto& it : global_options()) {
    if (!it.setting) continue;
    std::string variable(it.env);
    if (auto value = surroundings.environment(variable); value) {
      auto good = checked(it.option, *std::move(value));
      if (!good) return std::unexpected(std::move(good).error().within(variable));
      settings.at(it.option.name) = {*std::move(good), str("environment ", variable)};
    }
    auto flag = arguments.globals().find(it.option.name);
    if (flag == arguments.globals().end()) continue;
    bool is_flag = it.option.kind == ValueKind::none;
    settings.at(it.option.name) = {is_flag ? "true" : flag->second.back(),
                                   str("flag --", it.option.name)};
  }
  return settings;
}

}  // namespace nokv::cli
