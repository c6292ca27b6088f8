#include "cli/help.h"

#include <utility>

#include "base/env/files.h"
#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/near_miss.h"
#include "cli/version.h"

namespace nokv::cli {
namespace {

Result<> write_pages(Context& context, const std::string& directory) {
  Files& files = context.doors.env.files;
  NOKV_TRY(files.make_dirs(directory));
  NOKV_TRY(write_file_atomic(files, directory + "/nokv.1", man_overview()));
  for (const auto& it : commands()) {
    NOKV_TRY(write_file_atomic(files, str(directory, "/", page_name(it), ".1"), man_page(it)));
  }
  return {};
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  std::string topic;
  for (const auto& it : args.positionals()) topic += (topic.empty() ? "" : " ") + it;
  if (args.has("man-directory")) {
    NOKV_TRY(write_pages(context, args.text("man-directory")));
    return Exit::done;
  }
  if (args.has("markdown")) {
    context.out.write(help_markdown());
    return Exit::done;
  }
  const Command* command = find_command(topic);
  if (command != nullptr) {
    context.out.write(args.has("man") ? man_page(*command) : help_command(*command));
  } else if (topic.empty()) {
    context.out.write(args.has("man") ? man_overview() : help_overview());
  } else if (is_family(topic)) {
    context.out.write(help_family(topic));
  } else {
    std::vector<std::string> names;
    for (const auto& it : commands()) names.emplace_back(it.name);
    std::string near = near_miss(topic, names);
    return context.usage(Error(Code::invalid_argument, str("unknown command '", topic, "'"))
                             .with_hint(near.empty() ? "'nokv help' lists the commands"
                                                     : str("did you mean '", near, "'?")));
  }
  return Exit::done;
}

Result<Exit> completion(Context& context) {
  const std::string& shell = context.args.positional(0);
  if (shell == "bash") {
    context.out.write(bash_completion());
  } else if (shell == "zsh") {
    context.out.write(zsh_completion());
  } else if (shell == "fish") {
    context.out.write(fish_completion());
  } else {
    std::string near = near_miss(shell, {"bash", "zsh", "fish"});
    return context.usage(Error(Code::invalid_argument, str("no completion for '", shell, "'"))
                             .with_hint(near.empty() ? "there are bash, zsh and fish"
                                                     : str("did you mean '", near, "'?")));
  }
  return Exit::done;
}

Result<Exit> version(Context& context) {
  if (!context.out.json()) {
    context.out.line(version_line());
    return Exit::done;
  }
  // What this build writes and reads; docs/formats has each.
  JsonObject formats;
  for (const auto& [name, number] : kFormats) formats.add(name, number);
  context.out.line(JsonObject()
                       .add("version", version_number())
                       .add("commit", commit_hash())
                       .add("formats", formats));
  return Exit::done;
}

}  // namespace

Command help_row() {
  return {.name = "help",
          .group = Group::tool,
          .summary = "explain commands",
          .text = "",
          .positionals = {{.name = "COMMAND", .min = 0, .max = 2}},
          .options = {{.name = "man", .help = "as a page for man(1), in roff"},
                      {.name = "man-directory",
                       .value = "DIR",
                       .kind = ValueKind::local,
                       .help = "write all pages into a directory"},
                      {.name = "markdown", .help = "all commands, as docs/cli.md"}},
          .examples = {{"nokv help snapshot create", ""}},
          .run = run};
}

Command completion_row() {
  return {.name = "completion",
          .group = Group::tool,
          .summary = "print a shell's completion script",
          .text = "",
          .positionals = {{.name = "bash|zsh|fish"}},
          .options = {},
          .examples = {{"source <(nokv completion bash)", ""}},
          .run = completion};
}

Command version_row() {
  return {.name = "version",
          .group = Group::tool,
          .summary = "show which nokv this is",
          .text = "",
          .positionals = {},
          .options = {},
          .examples = {{"nokv version --json", ""}},
          .run = version};
}

}  // namespace nokv::cli
