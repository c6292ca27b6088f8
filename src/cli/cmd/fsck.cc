#include <algorithm>

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

void print(Output& out, const codec::FsckReply& reply) {
  for (const auto& it : reply.problems) {
    if (out.json()) {
      out.line(problem_json(it));
      continue;
    }
    std::string where = it.path.empty() ? it.id : name_shown(it.path);
    out.line(str(it.severity, " ", it.code, " ", where, ": ", printable(it.detail)));
    if (!it.repair.empty()) out.line(str("  repair: ", printable(it.repair)));
  }
  if (out.json()) return out.line(fsck_summary_json(reply));
  if (reply.problem_count > reply.problems.size()) {
    out.line(str("... and ", reply.problem_count - reply.problems.size(), " more"));
  }
  out.line(str("checked ", reply.checked, ", problems ", reply.problem_count, ", repaired ",
               reply.repaired));
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  codec::FsckRequest request{.read_data = args.has("read-data"),
                             .orphans = args.has("orphans"),
                             .repair = args.has("repair") && !context.dry_run()};
  if (!args.positionals().empty()) {
    NOKV_ASSIGN(request.target.path, context.path(args.positional(0)));
    context.about(request.target.path);
  }
  if (request.repair) NOKV_TRY(context.confirm("repair what can be repaired safely?"));
  NOKV_ASSIGN(Client * client, context.client());
  client::CallOptions call = context.call();
  call.deadline = std::max<Duration>(*call.deadline, std::chrono::hours(24));
  NOKV_ASSIGN(auto reply, client->fsck(request, call));
  print(context.out, reply);
  return reply.problem_count > reply.repaired ? Exit::refused : Exit::done;
}

}  // namespace

Command fsck_row() {
  return {
      .name = "fsck",
      .group = Group::upkeep,
      .summary = "check the namespace, and repair it",
      .text =
          "Compares records with each other, and bodies with the object store. Ends with 1 when "
          "problems are left. --repair does what cannot lose anything; each problem says "
          "what that is.",
      .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0}},
      .options = {{.name = "read-data",
                   .help = "read every body, and verify its checksums and digest"},
                  {.name = "orphans",
                   .help = "list the store once, and report objects that no record knows"},
                  {.name = "repair", .help = "do what each problem's repair says"}},
      .examples = {{"nokv fsck --read-data /runs/1", ""}},
      .run = run};
}

}  // namespace nokv::cli
