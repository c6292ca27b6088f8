#include <memory>
#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/load_tree.h"
#include "cli/local_tree.h"
#include "cli/name_text.h"
#include "cli/progress.h"
#include "cli/render.h"

namespace nokv::cli {
namespace {

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  LoadTree what{.resume = args.has("resume")};
  if (!args.positionals().empty()) {
    NOKV_ASSIGN(what.to, context.path(args.positional(0)));
    context.about(what.to);
  }
  auto in = context.doors.in;
  if (args.has("from") && args.text("from") != "-") {
    NOKV_ASSIGN(std::shared_ptr<LocalSource> file, LocalSource::open(args.text("from")));
    in = [file](std::span<char> buffer) { return file->read(buffer); };
  }
  NOKV_ASSIGN(Client * client, context.client());
  bool some = false;
  Progress progress(context.out, context.doors.env.clock, "load");
  auto loaded = load_tree(context, *client, in, what, progress, some);
  if (!loaded && some) {
    Error error = std::move(loaded).error();
    std::string hint = error.hint().empty() ? "once that is mended, --resume goes on where it ended"
                                            : error.hint();
    context.report(std::move(error).within("partly loaded").with_hint(std::move(hint)), what.to);
    return Exit::partly;
  }
  if (!loaded) return std::unexpected(std::move(loaded).error());
  if (context.out.json()) {
    context.out.line(loaded_json(*loaded));
  } else {
    context.out.line(str(name_shown(loaded->to), context.dry_run() ? ": would load " : ": loaded ",
                         loaded->nodes, " entries, ", context.out.size(loaded->bytes)));
  }
  return Exit::done;
}

}  // namespace

Command load_row() {
  return {.name = "load",
          .group = Group::upkeep,
          .summary = "make a directory of what 'nokv dump' wrote",
          .text =
              "Reads a dump and makes PATH, or the path that was dumped, with all that was in it: "
              "names, attributes, times, extended attributes, links, special files and bodies as "
              "they were; node ids and generations are new. PATH must not be there, or be empty. "
              "Snapshots that the dump lists are not made.\n\n"
              "A dump without bodies is loaded only into the namespace it was made of: files share "
              "the bytes that are there. Names are made in transactions of some thousand, in the "
              "dump's order, so an interrupted load leaves the beginning of it: --resume passes "
              "over what is there and the same, and refuses what differs.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0}},
          .options = {{.name = "from",
                       .value = "FILE",
                       .kind = ValueKind::local,
                       .help = "read FILE instead of standard input"},
                      {.name = "resume", .help = "go on with a load that was interrupted"}},
          .examples = {{"nokv load /runs-again --from runs.dump", ""}},
          .run = run};
}

}  // namespace nokv::cli
