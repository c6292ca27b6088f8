#include "server/restore.h"

#include "backup/check.h"
#include "backup/repository.h"
#include "base/log_event.h"
#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/progress.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

Result<Exit> check(Context& context, backup::Repository& repository) {
  Output& out = context.out;
  Progress progress(out, context.doors.env.clock, "check");
  NOKV_ASSIGN(auto report, backup::check(repository, [&](uint64_t bytes) { progress.add(bytes); }));
  if (report.backups.empty()) {
    return fail(Code::not_found, "no backup in ", repository.description());
  }
  bool whole = report.damages.empty();
  if (out.json()) {
    for (const auto& it : report.damages) {
      JsonArray backups;
      for (const auto& id : it.backups) backups.add(printable(id));
      out.line(JsonObject().add("problem", it.problem).add("backups", backups));
    }
    out.line(JsonObject()
                 .add("whole", whole)
                 .add("backups", report.backups.size())
                 .add("objects", report.parts)
                 .add("bytes", report.bytes)
                 .add("problems", report.damages.size()));
  } else {
    for (const auto& it : report.damages) {
      out.line(str(out.colored("damaged  ", "31"), it.problem));
      for (const auto& id : it.backups) out.line(str("    needed by backup ", printable(id)));
    }
    out.line(str(report.backups.size(), " backups, ", report.parts, " objects, ",
                 out.size(report.bytes), ": ",
                 whole ? std::string("whole") : str(report.damages.size(), " problems")));
    if (!whole) {
      out.note(
          "what is below files/ the next backup puts again, once it is deleted, if the server "
          "still has it; a part of the log cannot be made again: back up to another place");
    }
  }
  return whole ? Exit::done : Exit::refused;
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  if (!args.has("from")) {
    return context.usage(Error(Code::invalid_argument, "restore needs --from URL")
                             .with_hint("file:///DIR or s3://BUCKET/PREFIX, as given to backup"));
  }
  if (args.has("check") && args.has("at")) {
    return context.usage("--check reads all backups, so --at says nothing");
  }
  server::RestoreOptions options;
  options.directory = context.settings.text("meta");
  options.from = args.text("from");
  options.at = args.text("at");
  NOKV_ASSIGN(auto objects,
              context.as_usage(context.doors.open_place({options.from}, context.settings)));
  backup::Repository repository(context.doors.env, objects->store(), "");
  if (args.has("check")) return check(context, repository);
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
  return {
      .name = "restore",
      .group = Group::upkeep,
      .summary = "fill an empty --meta directory from a backup",
      .text =
          "Runs without a server: makes --meta, which must be empty or missing, of what "
          "'nokv backup' put at URL, checks every byte of it, and applies the log up to its "
          "end or to AT: a version, a time, an age, or the id of a backup. Changes that were "
          "committed together come back together, so the state restored is the one at or "
          "before AT. --dry-run lists the backups; --check reads all of them, writes nothing, and "
          "ends with 1 when something is damaged or missing.\n\n"
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
                   .help = "as it was: v123, a time, an age, or a backup's id"},
                  {.name = "check", .help = "read what is there, and restore nothing"}},
      .examples = {{"nokv restore --check --from s3://safe/nokv", ""},
                   {"nokv --meta /var/lib/nokv restore --from s3://safe/nokv", ""},
                   {"nokv --meta /srv/n restore --from file:///mnt/b --at 2h", ""}},
      .run = run};
}

}  // namespace nokv::cli
