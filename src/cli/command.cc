#include "cli/command.h"

#include <algorithm>

namespace nokv::cli {
namespace {

std::string positional_text(const Positional& it) {
  std::string text(it.name);
  if (it.max > 1) text += "...";
  return it.min == 0 ? "[" + text + "]" : text;
}

bool belongs_to(std::string_view name, std::string_view family) {
  return name.size() > family.size() && name.starts_with(family) && name[family.size()] == ' ';
}

}  // namespace

std::string_view group_name(Group group) {
  switch (group) {
    case Group::server:
      return "server";
    case Group::files:
      return "files";
    case Group::time:
      return "time";
    case Group::upkeep:
      return "upkeep";
    case Group::tool:
      return "the command itself";
  }
  return {};
}

const Command* find_command(std::string_view name) {
  auto all = commands();
  auto found = std::ranges::find(all, name, &Command::name);
  return found == all.end() ? nullptr : &*found;
}

const Option* find_option(const Command& command, std::string_view name) {
  auto found = std::ranges::find(command.options, name, &Option::name);
  return found == command.options.end() ? nullptr : &*found;
}

const GlobalOption* find_global(std::string_view name) {
  for (const auto& it : global_options()) {
    if (it.option.name == name) return &it;
  }
  return nullptr;
}

bool is_family(std::string_view name) {
  return std::ranges::any_of(commands(),
                             [&](const Command& it) { return belongs_to(it.name, name); });
}

std::vector<const Command*> family(std::string_view name) {
  std::vector<const Command*> result;
  for (const auto& it : commands()) {
    if (belongs_to(it.name, name)) result.push_back(&it);
  }
  return result;
}

std::string usage_line(const Command& command) {
  std::string line = str("nokv ", command.name);
  if (!command.options.empty()) line += " [OPTION]...";
  for (const auto& it : command.positionals) line += " " + positional_text(it);
  return line;
}

}  // namespace nokv::cli
