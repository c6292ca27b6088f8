#include "server/restore.h"

#include "backup/repository.h"
#include "base/log_event.h"
#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/progress.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  if (!args.has("from")) {
    return context.usage(Error(Code::invalid_argument, "restore needs --from URL")
                             .with_hint("file:///DIR or s3://BUCKET/PREFIX, as given to backup"));
  }
  server::RestoreOptions options;
  options.directory = context.settings.text("meta");
  options.from = args.text("from");
  options.at = args.text("at");
  NOKV_ASSIGN(auto objects,
              context.as_usage(context.doors.open_place({options.from}, context.settings)));
  backup::Repository repository(context.doors.env, objects->store(), "");
  if (context.dry_run()) {
    NOKV_ASSIGN(auto ids, repository.ids());
    for (const auto& id : ids) context.out.line(printable(id));
    return Exit::done;
  }
  Progress progress(context.out, context.doors.env.clock, "restore");
  options.read = [&](uint64_t bytes) { progress.add(bytes); };
  NoEvents events;
  NOKV_ASSIGN(auto restored, server::restore(context.doors.env, repository, events, options));
  if (context.out.json()) {
    context.out.line(JsonObject()
                         .add("directory", name_text(options.directory))
                         .add("backup", restored.backup)
                         .add("namespace", restored.namespace_id)
                         .add("version", restored.version)
                         .add("time", rfc3339(restored.time_ns))
                         .add("bytes", restored.bytes));
  } else {
    context.out.line(str(name_shown(options.directory), ": holds version ", restored.version,
                         " of ", short_time(restored.time_ns), " again"));
    context.out.note("start the server with the --object-* settings that the namespace had");
  }
  return Exit::done;
}

}  // namespace

Command restore_row() {
  return {.name = "restore",
          .group = Group::upkeep,
          .summary = "fill an empty --meta directory from a backup",
          .text =
              "Runs without a server: makes --meta, which must be empty or missing, of what "
              "'nokv backup' put at URL, checks every byte of it, and applies the log up to its "
              "end or to AT: a version, a time, an age, or the id of a backup. Changes that were "
              "committed together come back together, so the state restored is the one at or "
              "before AT. --dry-run lists the backups.\n\n"
              "Bodies are where they were: start the server with the object store that the "
              "namespace had. The server that was backed up must not run any more on that store. "
              "A restore that was interrupted is begun again by the same command; until one is "
              "done no server starts on that directory.",
          .positionals = {},
          .options = {{.name = "from",
                       .value = "URL",
                       .kind = ValueKind::text,
                       .help = "where the backups are: file:///DIR or s3://BUCKET/PREFIX"},
                      {.name = "at",
                       .value = "AT",
                       .kind = ValueKind::text,
                       .help = "as it was: v123, a time, an age, or a backup's id"}},
          .examples = {{"nokv --meta /var/lib/nokv restore --from s3://safe/nokv", ""},
                       {"nokv --meta /srv/n restore --from file:///mnt/b --at 2h", ""}},
          .run = run};
}

}  // namespace nokv::cli
