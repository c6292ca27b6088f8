#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/destination.h"
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
  const std::string& target = args.positional(0);
  bool symbolic = args.has("symbolic");
  NOKV_ASSIGN(PathArgument path, context.as_usage(parse_path(args.positional(1))));
  std::string from;
  if (!symbolic) {
    NOKV_ASSIGN(from, context.path(target));
  } else {
    from = name_bytes(target);
  }
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(auto destination, Destination::find(context, *client, path, false, false));
  NOKV_ASSIGN(std::string to, destination.path_for(base_name(from)));
  context.about(symbolic ? to : from);
  codec::Operation operation = codec::Link{.from = {.path = from}, .to = {.path = to}};
  if (symbolic) {
    operation = codec::MakeNode{.target = {.path = to},
                                .kind = codec::Kind::symlink,
                                .link_target = from,
                                .mode = 0777,
                                .uid = own_uid(),
                                .gid = own_gid()};
  }
  NOKV_ASSIGN(auto made, client->commit_one(std::move(operation), context.write_options()));
  print_changed(context.out, to, made.version, str("nokv rm ", path_argument(to)),
                context.dry_run(), str("linked to ", name_shown(from)));
  return Exit::done;
}

}  // namespace

Command ln_row() {
  return {.name = "ln",
          .group = Group::files,
          .summary = "give a file another name, or make a symbolic link",
          .text =
              "Without -s PATH becomes one more name of the file TARGET. With -s PATH is a link "
              "whose text is TARGET; a relative one leads from the link's own directory.",
          .positionals = {{.name = "TARGET", .kind = ValueKind::path},
                          {.name = "PATH", .kind = ValueKind::path}},
          .options = {{.name = "symbolic", .letter = 's', .help = "a symbolic link"}},
          .examples = {{"nokv ln -s run-17 /runs/latest", ""}},
          .run = run};
}

}  // namespace nokv::cli
