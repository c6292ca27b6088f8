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
  const Arguments& args = context.args;
  NOKV_ASSIGN(std::string path, context.path(args.positional(0)));
  uint64_t limit = args.number("number").value_or(100);
  if (limit == 0 || limit > UINT32_MAX) return context.usage("-n takes a number above 0");
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  NOKV_ASSIGN(auto log,
              client->log({.target = {.path = path}, .limit = static_cast<uint32_t>(limit)},
                          context.call()));
  Output& out = context.out;
  Table table({2});
  for (auto& it : log.entries) {
    if (it.path.empty()) it.path = path;
    if (out.json()) {
      out.line(log_json(it));
    } else {
      table.row({std::to_string(it.generation), short_time(it.time_ns), out.size(it.size),
                 std::string(change_name(it.change)), it.readable ? str("--at ", it.at) : "gone",
                 printable(it.principal), it.path == path ? "" : name_shown(it.path)});
    }
  }
  table.print(out);
  if (log.more) out.note("older generations are not shown; -n shows more");
  return Exit::done;
}

}  // namespace

Command log_row() {
  return {.name = "log",
          .group = Group::time,
          .summary = "list the generations of a file",
          .text =
              "Newest first, each with the --at that still reads it. Also those that the file had "
              "under other names, before it was renamed or a directory above it was: they are "
              "read under the name that is shown at the end of the line.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path}},
          .options = {{.name = "number",
                       .letter = 'n',
                       .value = "N",
                       .kind = ValueKind::number,
                       .help = "at most N (100 without more)"}},
          .examples = {{"nokv log -n 5 /runs/1/config.yaml", ""}},
          .run = run};
}

}  // namespace nokv::cli
