#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/render.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

void print(Context& context, const codec::StatusReply& it) {
  Output& out = context.out;
  if (out.json()) return out.line(status_json(context.store_url(), it));
  auto row = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    std::string padded(name);
    padded.resize(14, ' ');
    out.line(str(padded, printable(value)));
  };
  row("namespace", context.store_url());
  row("server", it.server_version);
  row("state", it.initialised ? "initialised" : "waits for 'nokv init'");
  row("version", str(it.version, it.time_ns == 0 ? "" : str(", ", short_time(it.time_ns))));
  row("directory", it.directory);
  row("bodies", it.object_store);
  row("store error", it.object_store_error);
  row("backups", it.backup_to);
  if (it.backup_version != 0) {
    row("newest backup", str("v", it.backup_version, ", ", short_time(it.backup_time_ns)));
  }
  row("backup error", it.backup_error);
  if (it.initialised) {
    row("holds", str(it.totals.files, " files, ", it.totals.directories, " directories, ",
                     out.size(it.totals.bytes)));
  }
}

Result<Exit> status(Context& context) {
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(auto reply, client->status(context.call()));
  print(context, reply);
  return Exit::done;
}

Result<Exit> init(Context& context) {
  NOKV_ASSIGN(Client * client, context.client());
  if (context.dry_run()) {
    NOKV_ASSIGN(auto reply, client->status(context.call()));
    if (!context.out.json()) {
      context.out.line(reply.initialised ? "there is a namespace; nothing would be done"
                                         : "a namespace would be made");
    } else {
      print(context, reply);
    }
    return Exit::done;
  }
  NOKV_ASSIGN(auto reply, client->init({}, context.call()));
  if (context.out.json()) {
    print(context, reply);
  } else {
    context.out.line(str(context.store_url(), reply.created ? ": the namespace is made"
                                                            : ": there is a namespace already"));
    if (!reply.object_store_error.empty()) {
      context.out.note(str("the object store does not work yet: ", reply.object_store_error));
    }
  }
  return Exit::done;
}

}  // namespace

Command status_row() {
  return {.name = "status",
          .group = Group::server,
          .summary = "show the state of the server and its namespace",
          .text = "",
          .positionals = {},
          .options = {},
          .examples = {{"nokv status --json", ""}},
          .run = status};
}

Command init_row() {
  return {.name = "init",
          .group = Group::server,
          .summary = "make the namespace",
          .text =
              "A server on an empty directory waits for it. Where there is a namespace already, "
              "nothing is done.",
          .positionals = {},
          .options = {},
          .examples = {{"nokv init", ""}},
          .run = init};
}

}  // namespace nokv::cli
