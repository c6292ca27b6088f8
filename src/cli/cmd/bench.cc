#include "bench/bench.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/bench_table.h"
#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/near_miss.h"

namespace nokv::cli {
namespace {

Result<std::vector<std::string>> chosen_rows(Context& context) {
  std::vector<std::string> names = comma_separated(context.args.all("rows"));
  std::vector<std::string> known;
  for (const auto& it : bench::bench_rows()) known.emplace_back(it.name);
  for (const auto& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    Error error(Code::invalid_argument, str("there is no row '", name, "'"));
    std::string near = near_miss(name, known);
    return context.usage(std::move(error).with_hint(
        near.empty() ? "nokv bench --list names them" : str("did you mean ", near, "?")));
  }
  return names;
}

Exit list_rows(Context& context) {
  Table table;
  for (const auto& it : bench::bench_rows()) {
    if (context.out.json()) {
      context.out.line(JsonObject().add("row", it.name).add("what", it.what));
    } else {
      table.row({std::string(it.name), std::string(it.what)});
    }
  }
  table.print(context.out);
  return Exit::done;
}

Result<Exit> run(Context& context) {
  if (context.args.has("list") || context.dry_run()) return list_rows(context);
  bench::BenchOptions options{.quick = context.args.has("quick"),
                              .keep = context.args.has("keep"),
                              .deadline = context.settings.duration("deadline"),
                              .stop = context.doors.stop};
  options.entries_max = options.quick ? 100'000 : 1'000'000;
  if (auto entries = context.args.number("entries")) options.entries_max = *entries;
  if (!context.args.positionals().empty()) {
    NOKV_ASSIGN(options.path, context.path(context.args.positional(0)));
    context.about(options.path);
  }
  NOKV_ASSIGN(options.rows, chosen_rows(context));
  NOKV_TRY(context.client());
  bench::BenchParts parts{.env = context.doors.env,
                          .connect = [&] { return context.store().connect(); },
                          .embedded = context.embedded()};
  BenchTable table(context.out, context.doors.env.clock, "bench");
  NOKV_ASSIGN(auto summary, bench::run_bench(parts, options, table.listener()));
  if (options.keep) context.out.note(str("kept ", summary.directory));
  return exit_of_rows(summary);
}

}  // namespace

Command bench_row() {
  return {.name = "bench",
          .group = Group::upkeep,
          .summary = "measure a namespace, each row next to its floor",
          .text =
              "Creates, looks up, lists, writes and reads below PATH (the root without one), in a "
              "directory .bench-XXXXXXXX that is removed afterwards, and writes one row for each "
              "thing measured: the median of three runs, the 50th and 99th percentile of the "
              "operations, and the floor: what the machine itself takes for the same work without "
              "nokv (an echo over TCP, fdatasync, plain requests to the object store, copies in "
              "memory), measured in the same run. The ratio is value / floor.\n\n"
              "It takes some minutes; with --quick every row is measured once, in less than 45 "
              "seconds. A row that failed has no value, and the exit code is then 3.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0}},
          .options = {{.name = "quick", .help = "every row once, in less than 45 seconds"},
                      {.name = "rows",
                       .value = "ROW,...",
                       .kind = ValueKind::text,
                       .help = "only these",
                       .repeated = true},
                      {.name = "entries",
                       .value = "N",
                       .kind = ValueKind::number,
                       .help = "no row of a larger directory (1000000, with --quick 100000)"},
                      {.name = "keep", .help = "leave what was made in the namespace"},
                      {.name = "list", .help = "name the rows, and measure nothing"}},
          .examples = {{"nokv bench --quick", ""},
                       {"nokv bench --rows create_durable,stat_depth_4 /scratch",
                        "Two rows, below /scratch"},
                       {"nokv --json bench > rows.jsonl", "One object for each row"}},
          .run = run};
}

}  // namespace nokv::cli
