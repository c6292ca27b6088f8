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

struct Sums {
  uint64_t live = 0;
  uint64_t past = 0;      // snapshots, moments, undo, clones
  uint64_t waiting = 0;   // dead, uploading
  uint64_t imported = 0;  // in other buckets, so in none of the above
  uint64_t files = 0;
};

Sums sums_of(const codec::SpaceReply& space) {
  Sums sums;
  for (const auto& it : space.rows) {
    if (it.reason == "live") {
      sums.live += it.bytes;
      sums.files += it.files;
    } else if (it.reason == "dead" || it.reason == "uploading") {
      sums.waiting += it.bytes;
    } else if (it.reason == "imported") {
      sums.imported += it.bytes;
    } else {
      sums.past += it.bytes;
    }
  }
  return sums;
}

void print_sums(Output& out, const Sums& it) {
  uint64_t total = it.live + it.past + it.waiting;
  if (out.json()) {
    return out.line(JsonObject()
                        .add("bytes", total)
                        .add("live", it.live)
                        .add("past", it.past)
                        .add("waiting", it.waiting)
                        .add("imported", it.imported)
                        .add("files", it.files));
  }
  Table table({0});
  table.row({out.size(it.live), str("live, in ", it.files, " files")});
  table.row({out.size(it.past), "kept for snapshots, moments and undo"});
  table.row({out.size(it.waiting), "waiting to be deleted, or being uploaded"});
  table.row({out.size(total), "in all"});
  if (it.imported > 0) table.row({out.size(it.imported), "imported: they lie in other buckets"});
  table.print(out);
}

void print_rows(Output& out, const codec::SpaceReply& space) {
  Table table({0, 1});
  for (const auto& it : space.rows) {
    if (out.json()) {
      out.line(space_json(it));
    } else {
      table.row({out.size(it.bytes), std::to_string(it.files), it.reason, name_shown(it.name)});
    }
  }
  table.print(out);
}

Result<Exit> run(Context& context) {
  NOKV_ASSIGN(Client * client, context.client());
  // All records are read for it.
  client::CallOptions call = context.call();
  call.deadline = std::max<Duration>(*call.deadline, std::chrono::hours(1));
  NOKV_ASSIGN(auto space, client->space(call));
  if (context.args.has("why")) {
    print_rows(context.out, space);
  } else {
    print_sums(context.out, sums_of(space));
  }
  return Exit::done;
}

}  // namespace

Command df_row() {
  return {
      .name = "df",
      .group = Group::files,
      .summary = "show what takes space, and why",
      .text =
          "With --why one row for each reason; together they are all that is stored. live: files "
          "of today have it. snapshot NAME: only this snapshot still shows it, so it is freed "
          "when that goes (once moments and undo pins of that time have gone too); snapshot "
          "without a name: several show it. clone PATH: only what this clone is based on still "
          "shows "
          "it, without a name what several are based on, and removed what clones are based on "
          "that only snapshots or other clones still need. moments, undo: only these show it. "
          "dead: bodies in their grace period. uploading: uploads that are not finished. imported: "
          "what lies in other buckets, whatever shows it; it is in no other row.",
      .positionals = {},
      .options = {{.name = "why", .help = "one row for each reason"}},
      .examples = {{"nokv df --why", ""}},
      .run = run};
}

}  // namespace nokv::cli
