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

Result<> cat_one(Context& context, Client& client, const ReadArgument& what) {
  NOKV_ASSIGN(auto reader, open_argument(context, client, what));
  OutputSink sink(context.out);
  NOKV_TRY(reader->copy_to(sink));
  return {};
}

Result<Exit> run(Context& context) {
  return for_each_path(
      context, context.args.positionals(),
      [&](Client& client, const ReadArgument& what) { return cat_one(context, client, what); });
}

}  // namespace

Command cat_row() {
  return {.name = "cat",
          .group = Group::files,
          .summary = "write files to standard output",
          .text =
              "Each file is one whole generation, and every byte was checked against its "
              "checksum before it is written. PATH may be a citation.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
          .options = {at_option()},
          .examples = {{"nokv cat /runs/1/checkpoint.bin > restored.bin", ""},
                       {"nokv cat --at nightly /runs/1/metrics.jsonl",
                        "As the snapshot 'nightly' has it"}},
          .run = run};
}

}  // namespace nokv::cli
