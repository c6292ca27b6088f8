#include "cli/help.h"

#include <algorithm>
#include <array>

namespace nokv::cli {
namespace {

constexpr size_t kWidth = 96;
constexpr std::array kGroups = {Group::server, Group::files, Group::time, Group::upkeep,
                                Group::tool};

constexpr std::string_view kIntro =
    "nokv keeps files for agents and training jobs: versioned, snapshotted, published all or "
    "nothing. A server keeps the names; bodies lie in a directory or an S3 store.";

std::string padded(std::string_view text, size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

std::string option_line(const Option& option, size_t title_width) {
  std::string title = option_title(option);
  std::string help(option.help);
  std::string lines = wrapped(help, title_width + 4, kWidth);
  std::string head = "  " + padded(title, title_width) + "  ";
  return head + lines.substr(std::min(head.size(), lines.size()));
}

std::string option_block(const std::vector<const Option*>& options) {
  size_t width = 0;
  for (const Option* it : options) width = std::max(width, option_title(*it).size());
  std::string out;
  for (const Option* it : options) out += option_line(*it, width);
  return out;
}

std::string global_block(bool server) {
  std::vector<const Option*> options;
  for (const auto& it : global_options()) {
    if (it.server == server) options.push_back(&it.option);
  }
  return option_block(options);
}

std::string paragraphs(std::string_view text, size_t indent) {
  std::string out;
  while (!text.empty()) {
    size_t end = text.find("\n\n");
    if (!out.empty()) out += "\n";
    out += wrapped(text.substr(0, end), indent, kWidth);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
  }
  return out;
}

}  // namespace

std::string option_title(const Option& option) {
  std::string title;
  if (option.letter != 0) title += str("-", std::string(1, option.letter), ", ");
  title += str("--", option.name);
  if (option.kind != ValueKind::none) title += str(" ", option.value);
  return title;
}

std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  std::string line(indent, ' ');
  bool empty = true;
  auto end_line = [&] {
    out += line + "\n";
    line.assign(indent, ' ');
    empty = true;
  };
  while (!text.empty()) {
    size_t end = text.find_first_of(" \n");
    std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (word.empty()) continue;
    if (!empty && line.size() + 1 + word.size() > width) end_line();
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  if (!empty) end_line();
  return out;
}

std::string option_lines(const Command& command) {
  std::vector<const Option*> options;
  for (const auto& it : command.options) options.push_back(&it);
  return option_block(options);
}

std::string help_overview() {
  std::string out = wrapped(kIntro, 0, kWidth);
  out += "\nUsage: nokv [OPTION]... COMMAND [ARGUMENT]...\n";
  size_t width = 0;
  for (const auto& it : commands()) width = std::max(width, it.name.size());
  for (Group group : kGroups) {
    std::string rows;
    for (const auto& it : commands()) {
      if (it.group == group) rows += str("  ", padded(it.name, width), "  ", it.summary, "\n");
    }
    if (!rows.empty()) out += str("\n", group_name(group), ":\n", rows);
  }
  out += "\nOptions of every command, before or after its name:\n" + global_block(false);
  out += "\nOptions of the server, and of a namespace opened with --store file:///DIR:\n" +
         global_block(true);
  out += "\n'nokv help COMMAND' explains a command, 'nokv config show' the settings in use.\n";
  return out;
}

std::string help_command(const Command& command) {
  std::string out =
      str(command.name, ": ", command.summary, "\n\nUsage: ", usage_line(command), "\n");
  if (!command.text.empty()) out += "\n" + paragraphs(command.text, 0);
  if (!command.options.empty()) out += "\nOptions:\n" + option_lines(command);
  if (!command.examples.empty()) {
    out += "\nExamples:\n";
    for (const auto& it : command.examples) {
      out += str("  ", it.line, "\n");
      if (!it.what.empty()) out += wrapped(it.what, 6, kWidth);
    }
  }
  out += "\n'nokv help' lists the options that every command takes.\n";
  return out;
}

std::string help_family(std::string_view name) {
  std::string out = str("Usage: nokv ", name, " COMMAND [ARGUMENT]...\n\n");
  for (const Command* it : family(name)) {
    out += str("  ", usage_line(*it).substr(5), "\n", wrapped(it->summary, 6, kWidth));
  }
  out += str("\n'nokv help ", name, " COMMAND' explains one.\n");
  return out;
}

std::string help_markdown() {
  std::string out =
      "# The `nokv` command\n\n"
      "Printed by `nokv help --markdown` from the table of commands; a test compares the two.\n\n";
  out += wrapped(kIntro, 0, 100);
  out += "\n## Options of every command\n\n```\n" + global_block(false) + "```\n";
  out += "\nOf the server, and of a namespace opened with `--store file:///DIR`:\n\n```\n" +
         global_block(true) + "```\n";
  for (Group group : kGroups) {
    out += str("\n## ", group_name(group), "\n");
    for (const auto& it : commands()) {
      if (it.group != group) continue;
      out += str("\n### ", it.name, "\n\n", it.summary, ".\n\n```\n", usage_line(it), "\n");
      if (!it.options.empty()) out += "\n" + option_lines(it);
      out += "```\n";
      if (!it.text.empty()) out += "\n" + paragraphs(it.text, 0);
      for (const auto& example : it.examples) {
        out += str("\n```\n", example.line, "\n```\n");
        if (!example.what.empty()) out += str("\n", example.what, ".\n");
      }
    }
  }
  return out;
}

}  // namespace nokv::cli
