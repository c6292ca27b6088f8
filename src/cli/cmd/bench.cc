#include <algorithm>
#include "bench/bench.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/bench_table.h"
#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/near_miss.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

// "a,b" and repeated options alike.
std::vector<std::string> names_in(const std::vector<std::string>& texts) {
  std::vector<std::string> names;
  for (const auto& text : texts) {
    size_t at = 0;
    while (at <= text.size()) {
      size_t comma = std::min(text.find(',', at), text.size());
      if (comma > at) names.push_back(text.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return names;
}

Result<std::vector<std::string>> chosen_rows(Context& context) {
  std::vector<std::string> names = names_in(context.args.all("rows"));
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

// The row that runs, on a terminal; it is gone when the row is written.
void tell_begin(Output& out, const Clock& clock, Clock::Instant began, std::string_view row,
                size_t at, size_t all) {
  if (!out.options.progress) return;
  if (out.json()) {
    JsonObject inner;
    inner.add("what", "bench").add("row", row).add("done", at).add("total", all);
    return out.raw_err(JsonObject().add("progress", inner).text() + "\n");
  }
  std::string left;
  if (at > 0) {
    Duration each = (clock.now() - began) / static_cast<int64_t>(at);
    auto rest = std::chrono::ceil<std::chrono::seconds>(each * static_cast<int64_t>(all - at));
    left = str("  ", duration_text(rest), " left");
  }
  out.raw_err(str("\r[", at + 1, "/", all, "] ", row, left, "\x1b[K"));
}

Result<Exit> run(Context& context) {
  if (context.args.has("list")) return list_rows(context);
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
  BenchTable table(context.out);
  const Clock& clock = context.doors.env.clock;
  bool bar = context.out.options.progress && !context.out.json();
  bench::BenchListener listener{
      .begins = [&, began = clock.now()](
                    std::string_view row, size_t at,
                    size_t all) { tell_begin(context.out, clock, began, row, at, all); },
      .measured =
          [&](const bench::Row& row) {
            if (bar) context.out.raw_err("\r\x1b[K");
            table.row(row);
          }};
  NOKV_ASSIGN(auto summary, bench::run_bench(parts, options, listener));
  if (options.keep) context.out.note(str("kept ", summary.directory));
  if (summary.failed == 0) return Exit::done;
  return summary.measured > 0 ? Exit::partly : Exit::refused;
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
