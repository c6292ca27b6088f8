#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

// What `rm -r` is about to take away, for the question: totals are exact, so it costs one request.
std::string question(Context& context, Client& client) {
  uint64_t files = 0;
  uint64_t bytes = 0;
  for (const auto& text : context.args.positionals()) {
    auto path = parse_path(text);
    auto stat = client.stat({.path = path ? path->path : text}, {.call = context.call()});
    if (!stat) continue;
    bool directory = stat->entry.kind == codec::Kind::directory;
    files += directory ? stat->entry.totals.files : 1;
    bytes += directory ? stat->entry.totals.bytes : stat->entry.body.size;
  }
  const auto& paths = context.args.positionals();
  return str("remove ", paths.size() == 1 ? paths[0] : str(paths.size(), " paths"), " (", files,
             files == 1 ? " file, " : " files, ", context.out.size(bytes), ")?");
}

// ": 3 files, 2 directories, 1.2 MiB" of a directory, for a dry run.
std::string amount(Context& context, Client& client, const std::string& path) {
  auto stat = client.stat({.path = path}, {.call = context.call()});
  if (!stat || stat->entry.kind != codec::Kind::directory) return {};
  const codec::Totals& totals = stat->entry.totals;
  return str(": ", totals.files, " files, ", totals.directories, " directories, ",
             context.out.size(totals.bytes));
}

Result<> remove_one(Context& context, Client& client, const std::string& path) {
  const Arguments& args = context.args;
  using enum codec::RemoveKind;
  codec::RemoveKind kind = args.has("recursive") ? any : args.has("dir") ? directory : file;
  auto removed = client.remove({.target = {.path = path},
                                .kind = kind,
                                .missing_ok = args.has("force"),
                                .keep_undo = true,
                                .if_generation = args.number("if-generation")},
                               context.write_options());
  if (!removed) {
    Error error = std::move(removed).error();
    if (error.code() == Code::is_directory && error.hint().empty()) {
      error = std::move(error).with_hint(str("'nokv rm -r ", path_argument(path), "' removes it"));
    }
    return std::unexpected(std::move(error));
  }
  // With --force nothing was there: nothing to tell.
  if (removed->result.path.empty() && !context.out.json()) return {};
  print_changed(context.out, path, removed->version,
                undo_removed(path, removed->result.undo_version), context.dry_run(),
                context.dry_run() ? str("removed", amount(context, client, path)) : "");
  return {};
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  for (const auto& it : args.positionals()) NOKV_TRY(context.path(it));
  if (args.has("if-generation") && args.positionals().size() > 1) {
    return context.usage("--if-generation goes with one PATH");
  }
  if (args.has("recursive") && !args.has("force") && context.doors.in_terminal) {
    NOKV_ASSIGN(Client * client, context.client());
    NOKV_TRY(context.confirm(question(context, *client)));
  }
  return for_each_path(context, args.positionals(), [&](Client& client, const ReadArgument& what) {
    return remove_one(context, client, what.path);
  });
}

}  // namespace

Command rm_row() {
  return {.name = "rm",
          .group = Group::files,
          .summary = "remove files and directories",
          .text =
              "A directory of any size is removed at once. What was removed can be brought back "
              "for the undo window (a day, unless 'nokv snapshot policy' says otherwise); the "
              "command line that does it is printed.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
          .options =
              {{.name = "recursive", .letter = 'r', .help = "directories with all that is in them"},
               {.name = "dir", .letter = 'd', .help = "empty directories"},
               {.name = "force", .letter = 'f', .help = "ask nothing, and missing paths are fine"},
               {.name = "if-generation",
                .value = "G",
                .kind = ValueKind::number,
                .help = "refuse unless the file's generation is G"}},
          .examples = {{"nokv rm -r /runs/1", ""}},
          .run = run};
}

}  // namespace nokv::cli
