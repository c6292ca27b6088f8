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

Result<Exit> run(Context& context) {
  std::vector<std::string> paths = context.args.positionals();
  if (paths.empty()) paths.emplace_back("/");
  Output& out = context.out;
  return for_each_path(context, paths, [&](Client& client, const ReadArgument& what) -> Result<> {
    NOKV_ASSIGN(auto stat,
                client.stat({.path = what.path}, {.at = what.at, .call = context.call()}));
    context.shows(stat.version, stat.time_ns);
    codec::Totals totals = stat.entry.totals;
    if (stat.entry.kind != codec::Kind::directory) {
      totals = {.files = 1, .directories = 0, .bytes = stat.entry.body.size};
    }
    if (out.json()) {
      out.line(usage_json(what.path, totals));
    } else {
      std::string size = out.size(totals.bytes);
      std::string padding(size.size() < 10 ? 10 - size.size() : 0, ' ');
      out.line(str(padding, size, "  ", totals.files, " files  ", totals.directories,
                   " directories  ", name_shown(what.path)));
    }
    return {};
  });
}

}  // namespace

Command du_row() {
  return {.name = "du",
          .group = Group::files,
          .summary = "show how much lies below directories",
          .text =
              "Exact, and as fast for a million files as for one: the totals are kept up to date. "
              "A file with several names counts once for each. What the past still holds is in "
              "'nokv df --why'.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0, .max = kAnyNumber}},
          .options = {at_option()},
          .examples = {{"nokv du /runs/1 /runs/2", ""}},
          .run = run};
}

}  // namespace nokv::cli
