#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/render.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

Result<Exit> tell(Context& context, const Restored& it, std::string_view what) {
  if (context.out.json()) {
    context.out.line(restored_json(it));
    return Exit::done;
  }
  context.out.line(
      str(name_shown(it.path), ": ", context.dry_run() ? "would be " : "", what, " v", it.at));
  if (!it.undo.empty() && !context.dry_run()) context.out.note(str("undo: ", it.undo));
  return Exit::done;
}

Result<Exit> run_clone(Context& context) {
  const Arguments& args = context.args;
  Restored it;
  NOKV_ASSIGN(it.from, context.path(args.positional(0)));
  NOKV_ASSIGN(it.path, context.path(args.positional(1)));
  NOKV_ASSIGN(Client * client, context.client());
  context.about(it.from);
  auto done = client->clone({.from = {.path = it.from},
                             .from_at = args.text("at"),
                             .to = {.path = it.path},
                             .parents = args.has("parents"),
                             .replace = args.has("replace"),
                             .keep_undo = args.has("replace")},
                            context.write_options());
  if (!done) return std::unexpected(std::move(done).error());
  it.version = done->version;
  it.at = done->result.snapshot_version;
  uint64_t undo = done->result.undo_version;
  it.undo = undo == 0 ? str("nokv rm -r ", path_argument(it.path))
                      : str("nokv rollback ", path_argument(it.path), " --to v", undo);
  return tell(context, it, str("cloned from ", name_shown(it.from), " at"));
}

Result<Exit> run_rollback(Context& context) {
  const Arguments& args = context.args;
  Restored it;
  NOKV_ASSIGN(it.path, context.path(args.positional(0)));
  it.from = it.path;
  if (!args.has("to")) return context.usage("--to says which version it goes back to");
  NOKV_ASSIGN(Client * client, context.client());
  context.about(it.path);
  if (context.doors.in_terminal && !context.dry_run()) {
    NOKV_TRY(context.confirm(
        str("roll ", name_shown(it.path), " back to how it was at ", args.text("to"), "?")));
  }
  auto done =
      client->rollback({.target = {.path = it.path}, .at = args.text("to"), .keep_undo = true},
                       context.write_options());
  if (!done) {
    Error error = std::move(done).error();
    if (error.code() == Code::not_found && error.hint().empty()) {
      error = std::move(error).with_hint(
          str("what was removed comes back by: nokv undelete ", path_argument(it.path)));
    }
    return std::unexpected(std::move(error));
  }
  it.version = done->version;
  it.at = done->result.snapshot_version;
  uint64_t undo = done->result.undo_version;
  if (undo != 0) it.undo = str("nokv rollback ", path_argument(it.path), " --to v", undo);
  return tell(context, it, "rolled back to");
}

}  // namespace

Command clone_row() {
  return {
      .name = "clone",
      .group = Group::time,
      .summary = "make a writable copy of a directory of any size, at once",
      .text =
          "Nothing is copied: the clone shows what SRC is, or was --at a version that is kept, "
          "and what is changed in either later does not show in the other. DST must not exist; "
          "with --replace what is there gives place, and is kept for the undo window. "
          "'nokv diff SRC DST' shows how they differ, 'nokv merge DST' brings changes back.",
      .positionals = {{.name = "SRC", .kind = ValueKind::path},
                      {.name = "DST", .kind = ValueKind::path}},
      .options = {at_option("as it was: a snapshot, v123, a time, an age"),
                  {.name = "parents", .letter = 'p', .help = "make missing directories above DST"},
                  {.name = "replace", .help = "DST may exist, a directory where SRC is one"}},
      .examples = {{"nokv clone /datasets/base /agents/7", ""},
                   {"nokv clone --at before-training /runs/1 /runs/1-again", ""}},
      .run = run_clone};
}

Command rollback_row() {
  return {.name = "rollback",
          .group = Group::time,
          .summary = "put a directory or file back as it was",
          .text =
              "At once, whatever the size, and for everybody at the same moment. What was there is "
              "kept for the undo window; the command line that brings it back is printed. Open "
              "files and watches below a directory that is rolled back are told.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path}},
          .options = {{.name = "to",
                       .value = "AT",
                       .kind = ValueKind::at,
                       .help = "the version: a snapshot, v123, a time, an age"}},
          .examples = {{"nokv rollback /agents/7 --to 10m", ""},
                       {"nokv rollback /runs/1/config.yaml --to v1234", ""}},
          .run = run_rollback};
}

}  // namespace nokv::cli
