#include <algorithm>
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
  // A dry run shows what waits, as the command does without --now.
  codec::GcRequest request{.now = !context.dry_run() && (args.has("now") || args.has("grace"))};
  if (auto grace = args.duration("grace")) request.grace_ns = grace->count();
  NOKV_ASSIGN(Client * client, context.client());
  // A whole pass takes as long as it takes.
  client::CallOptions call = context.call();
  if (request.now) call.deadline = std::max<Duration>(*call.deadline, std::chrono::hours(1));
  NOKV_ASSIGN(auto reply, client->gc(request, call));
  Output& out = context.out;
  if (out.json()) {
    out.line(gc_json(reply));
    return Exit::done;
  }
  out.line(str("deleted ", reply.blobs_deleted, " bodies, ", reply.objects_deleted, " objects, ",
               out.size(reply.bytes_deleted)));
  out.line(
      str("freed ", reply.records_freed, " records, closed ", reply.uploads_closed, " uploads"));
  out.line(str(reply.pending, " dead bodies wait for the end of their grace period"));
  return Exit::done;
}

}  // namespace

Command gc_row() {
  return {.name = "gc",
          .group = Group::upkeep,
          .summary = "show or hasten the collection of garbage",
          .text =
              "Collection runs by itself. Without more this shows what it did; --now does a whole "
              "pass and waits for it. --grace says for this pass how long a dead body must have "
              "been dead: at 0s somebody who is reading it may have to open it again.",
          .positionals = {},
          .options = {{.name = "now", .help = "do a whole pass, and answer after it"},
                      {.name = "grace",
                       .value = "TIME",
                       .kind = ValueKind::duration,
                       .help = "instead of the server's grace period, for this pass"}},
          .examples = {{"nokv gc --now --grace 0s", ""}},
          .run = run};
}

}  // namespace nokv::cli
