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

Result<Exit> tell(Context& context, const Restored& it, std::string_view what) {
  if (context.out.json()) {
    context.out.line(restored_json(it));
  } else {
    context.out.line(
        str(name_shown(it.path), context.dry_run() ? ": would be " : ": ", "brought back", what));
    if (!context.dry_run()) context.out.note(str("undo: ", it.undo));
  }
  return Exit::done;
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  Restored it;
  NOKV_ASSIGN(it.from, context.path(args.positional(0)));
  it.path = it.from;
  if (args.has("as")) {
    NOKV_ASSIGN(it.path, context.path(args.text("as")));
  }
  const std::string& at = args.text("at");
  NOKV_ASSIGN(Client * client, context.client());
  context.about(it.from);
  codec::Undelete undelete{.target = {.path = it.from}, .at = at};
  if (it.path != it.from) undelete.as.path = it.path;
  auto done = client->undelete(std::move(undelete), context.write_options());
  if (!done) return std::unexpected(std::move(done).error());
  it.version = done->version;
  it.at = done->result.snapshot_version;
  // Only a file has a generation.
  bool file = done->result.generation != 0;
  it.undo = str(file ? "nokv rm " : "nokv rm -r ", path_argument(it.path));
  return tell(context, it, file ? str(", ", context.out.size(done->result.size)) : std::string());
}

}  // namespace

Command undelete_row() {
  return {
      .name = "undelete",
      .group = Group::time,
      .summary = "bring back what was removed",
      .text =
          "Without --at it comes back as it was last; a directory of any size at once. The name "
          "must be free: --as gives another. What was replaced comes back by 'nokv rollback'.",
      .positionals = {{.name = "PATH", .kind = ValueKind::path}},
      .options =
          {at_option("as it was: a snapshot, v123, a time, an age"),
           {.name = "as", .value = "PATH", .kind = ValueKind::path, .help = "under that name"}},
      .examples = {{"nokv undelete /runs/1/config.yaml", ""},
                   {"nokv undelete /runs/1 --at v1234 --as /runs/1-back", ""}},
      .run = run};
}

}  // namespace nokv::cli
