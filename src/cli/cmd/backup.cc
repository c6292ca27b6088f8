#include <algorithm>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/render.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

Exit print(Context& context, const codec::BackupsReply& reply) {
  Output& out = context.out;
  if (out.json()) {
    for (const auto& it : reply.backups) out.line(backup_json(it));
    return Exit::done;
  }
  Table table({1, 3});
  if (!reply.backups.empty()) {
    table.row({"ID", "VERSION", "UNTIL", "FILES"});
    for (const auto& it : reply.backups) {
      table.row({printable(it.id), str(it.version),
                 str("v", it.log_version, ", ", short_time(it.log_time_ns)), out.size(it.bytes)});
    }
  }
  table.print(out);
  out.note(str(reply.backups.size(), " backups in ", reply.to));
  return Exit::done;
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  std::string to = args.text("to");
  int asked = 0;
  for (const char* option : {"ls", "rm", "forget"}) asked += args.has(option) ? 1 : 0;
  if (asked > 1) {
    return context.usage("--ls, --rm and --forget exclude each other");
  }
  NOKV_ASSIGN(Client * client, context.client());
  // The bytes of the metadata take as long as they take.
  client::CallOptions call = context.call();
  call.deadline = std::max<Duration>(*call.deadline, std::chrono::hours(24));
  if (args.has("ls") || context.dry_run()) {
    NOKV_ASSIGN(auto reply, client->backups({to}, call));
    return print(context, reply);
  }
  if (args.has("rm")) {
    NOKV_TRY(context.confirm(str("remove the backup ", printable(args.text("rm")), "?")));
    NOKV_ASSIGN(auto reply, client->backup_remove({to, args.text("rm")}, call));
    return print(context, reply);
  }
  if (args.has("forget")) {
    NOKV_TRY(context.confirm("forget the backups, so that what only they need is deleted?"));
    NOKV_ASSIGN(auto reply, client->backup_remove({to, ""}, call));
    return print(context, reply);
  }
  NOKV_ASSIGN(auto made, client->backup({to}, call));
  Output& out = context.out;
  if (out.json()) {
    out.line(backup_made_json(made));
  } else {
    out.line(str("backup ", made.backup.id, " of version ", made.backup.version, ", ",
                 out.size(made.backup.bytes)));
    out.note(
        str("put ", made.objects_put, " objects, ", out.size(made.bytes_put), ", to ", made.to));
  }
  return Exit::done;
}

}  // namespace

Command backup_row() {
  return {.name = "backup",
          .group = Group::upkeep,
          .summary = "copy the metadata to where 'nokv restore' finds it",
          .text =
              "The server copies its engine's files and its log while it serves. What an earlier "
              "backup put is not put again, so a backup costs what changed. Without --to they go "
              "to --backup-to of the server, or else below backups/ in the object store of the "
              "bodies. --backup-every lets the server make them by itself, and --backup-keep says "
              "how many stay.\n\n"
              "Bodies are not copied: they stay in their object store, and while a backup is kept "
              "no object is deleted that it, or a moment since, needs. --ls lists the backups, "
              "and how far the log of each reaches; --rm removes one, and what no other one needs.",
          .positionals = {},
          .options =
              {{.name = "to",
                .value = "URL",
                .kind = ValueKind::text,
                .help = "file:///DIR on the server's machine, s3://BUCKET/PREFIX, or 'own'"},
               {.name = "ls", .help = "list the backups that are there"},
               {.name = "rm", .value = "ID", .kind = ValueKind::text, .help = "remove that backup"},
               {.name = "forget",
                .help = "the backups there were deleted otherwise: keep nothing for them"}},
          .examples = {{"nokv backup --to s3://safe/nokv", ""}, {"nokv backup --ls", ""}},
          .run = run};
}

}  // namespace nokv::cli
