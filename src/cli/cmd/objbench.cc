#include <string>
#include <utility>
#include <vector>

#include "bench/objects.h"
#include "cli/bench_table.h"
#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

Result<bench::ObjectBenchOptions> options_of(Context& context) {
  bench::ObjectBenchOptions options{.quick = context.args.has("quick"),
                                    .deadline = context.settings.duration("deadline"),
                                    .stop = context.doors.stop};
  if (context.args.has("sizes")) options.sizes.clear();
  for (const auto& text : comma_separated(context.args.all("sizes"))) {
    NOKV_ASSIGN(uint64_t size, parse_size(text));
    if (size == 0 || size > bench::kObjectBytesMax) {
      return fail(Code::invalid_argument, "--sizes: an object has 1 to ", bench::kObjectBytesMax,
                  " bytes, not ", text);
    }
    options.sizes.push_back(size);
  }
  if (context.args.has("concurrency")) options.at_once.clear();
  for (const auto& text : comma_separated(context.args.all("concurrency"))) {
    NOKV_ASSIGN(uint64_t count, parse_number(text));
    if (count == 0 || count > bench::kObjectsAtOnceMax) {
      return fail(Code::invalid_argument, "--concurrency: 1 to ", bench::kObjectsAtOnceMax,
                  " requests at once, not ", text);
    }
    options.at_once.push_back(static_cast<int>(count));
  }
  if (options.sizes.empty() || options.at_once.empty()) {
    return fail(Code::invalid_argument, "there is nothing to measure");
  }
  return options;
}

Result<Exit> run(Context& context) {
  NOKV_ASSIGN(bench::ObjectBenchOptions options, context.as_usage(options_of(context)));
  NOKV_ASSIGN(auto objects, context.doors.open_objects(context.settings));
  if (context.dry_run()) {
    context.out.note(str("would put, get and delete objects in ", objects->store().description()));
    return Exit::done;
  }
  NOKV_TRY(objects->credentials());
  context.out.note(objects->store().description());
  BenchTable table(context.out, context.doors.env.clock, "objbench");
  NOKV_ASSIGN(auto summary, bench::run_object_bench(context.doors.env, objects->store(), options,
                                                    table.listener()));
  return exit_of_rows(summary);
}

}  // namespace

Command objbench_row() {
  return {
      .name = "objbench",
      .group = Group::upkeep,
      .summary = "measure an object store alone",
      .text =
          "Puts, gets and deletes objects in the store that --object-backend and the other "
          "--object-* options name, with the credentials that a server would use; no server "
          "is needed. The objects lie below nokv-bench-XXXXXXXX/ and are removed at the end.\n\n"
          "One row for each size and number of requests at once: objects or bytes a second, "
          "the latencies' 50th and 99th percentile, and the floor: an echo of as many bytes "
          "over loopback. A row that failed has no value, and the exit code is then 3.",
      .positionals = {},
      .options = {{.name = "quick", .help = "one short run of each row"},
                  {.name = "sizes",
                   .value = "SIZE,...",
                   .kind = ValueKind::text,
                   .help = "of the objects (4k,1m,4m)",
                   .repeated = true},
                  {.name = "concurrency",
                   .value = "N,...",
                   .kind = ValueKind::text,
                   .help = "requests at once (1,16)",
                   .repeated = true}},
      .examples = {{"nokv objbench --quick", "The local directory"},
                   {"nokv --object-backend s3 --object-bucket models objbench",
                    "A bucket, before it is used"},
                   {"nokv objbench --sizes 4m --concurrency 1,4,16,64", ""}},
      .run = run};
}

}  // namespace nokv::cli
