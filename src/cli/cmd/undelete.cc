#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/copy_tree.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

Result<Exit> tell(Context& context, const Restored& it, std::string_view what) {
  if (context.out.json()) {
    context.out.line(restored_json(it));
  } else {
    context.out.line(
        str(name_shown(it.path), context.dry_run() ? ": would be " : ": ", "brought back", what));
    if (!context.dry_run()) context.out.note(str("undo: ", it.undo));
  }
  return Exit::done;
}

Result<Exit> directory(Context& context, Client& client, Restored it, const std::string& at) {
  // The name must be free, as for a file.
  auto there = client.stat({.path = it.path}, {.call = context.call()});
  if (there) {
    return std::unexpected(Error(Code::already_exists, str(it.path, ": the name is taken"))
                               .with_hint("give another one with --as PATH"));
  }
  if (there.error().code() != Code::not_found) return std::unexpected(std::move(there).error());
  bool partly = false;
  auto copied =
      copy_tree(context, client,
                {.from = it.from, .at = at, .to = it.path, .rules = {}, .parents = true}, partly);
  if (!copied && partly) {
    context.report(std::move(copied).error().within("partly brought back"), it.path);
    return Exit::partly;
  }
  if (!copied) return std::unexpected(std::move(copied).error());
  it.version = copied->version;
  it.at = copied->at;
  it.undo = str("nokv rm -r ", path_argument(it.path));
  return tell(context, it,
              str(": ", copied->files, " files, ", copied->directories, " directories"));
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  Restored it;
  NOKV_ASSIGN(it.from, context.path(args.positional(0)));
  it.path = it.from;
  if (args.has("as")) {
    NOKV_ASSIGN(it.path, context.path(args.text("as")));
  }
  const std::string& at = args.text("at");
  NOKV_ASSIGN(Client * client, context.client());
  context.about(it.from);
  if (!at.empty()) {
    // A directory is brought back name by name.
    auto stat = client->stat({.path = it.from}, {.at = {.at = at}, .call = context.call()});
    if (!stat) return std::unexpected(std::move(stat).error());
    it.at = stat->version;
    if (stat->entry.kind == codec::Kind::directory) return directory(context, *client, it, at);
  }
  codec::Undelete undelete{.target = {.path = it.from}, .at = at};
  if (it.path != it.from) undelete.as.path = it.path;
  auto done = client->undelete(std::move(undelete), context.write_options());
  if (!done && done.error().code() == Code::is_directory && at.empty()) {
    return std::unexpected(std::move(done).error().with_hint(
        str("say which one: 'nokv undelete ", path_argument(it.from), " --at AT'")));
  }
  if (!done) return std::unexpected(std::move(done).error());
  it.version = done->version;
  it.at = done->result.snapshot_version;
  it.undo = str("nokv rm ", path_argument(it.path));
  return tell(context, it, str(", ", context.out.size(done->result.size)));
}

}  // namespace

Command undelete_row() {
  return {.name = "undelete",
          .group = Group::time,
          .summary = "bring back what was removed",
          .text =
              "Without --at a file comes back as it was last. A directory needs --at; the command "
              "line that 'nokv rm -r' prints has it. The name must be free: --as gives another. "
              "What was replaced comes back by 'nokv cp --at AT PATH PATH'.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path}},
          .options =
              {at_option("as it was: a snapshot, v123, a time, an age"),
               {.name = "as", .value = "PATH", .kind = ValueKind::path, .help = "under that name"}},
          .examples = {{"nokv undelete /runs/1/config.yaml", ""},
                       {"nokv undelete /runs/1 --at v1234 --as /runs/1-back", ""}},
          .run = run};
}

}  // namespace nokv::cli
