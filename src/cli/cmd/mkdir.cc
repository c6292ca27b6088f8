#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/mode.h"
#include "cli/paths.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

Result<> make_one(Context& context, Client& client, const std::string& path, uint32_t mode) {
  bool parents = context.args.has("parents");
  NOKV_ASSIGN(auto made, client.mkdir({.target = {.path = path},
                                       .mode = mode,
                                       .uid = own_uid(),
                                       .gid = own_gid(),
                                       .parents = parents,
                                       .exist_ok = parents},
                                      context.write_options()));
  print_changed(context.out, path, made.version, "", context.dry_run(), "made");
  return {};
}

Result<Exit> run(Context& context) {
  for (const auto& it : context.args.positionals()) NOKV_TRY(context.path(it));
  uint32_t mode = 0755;
  if (context.args.has("mode")) {
    NOKV_ASSIGN(mode, context.as_usage(changed_mode(context.args.text("mode"), 0777, true)));
  }
  return for_each_path(context, context.args.positionals(),
                       [&](Client& client, const ReadArgument& what) {
                         return make_one(context, client, what.path, mode);
                       });
}

}  // namespace

Command mkdir_row() {
  return {.name = "mkdir",
          .group = Group::files,
          .summary = "make directories",
          .text = "",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
          .options = {{.name = "parents",
                       .letter = 'p',
                       .help = "missing ones above as well; fine when it is there already"},
                      {.name = "mode",
                       .letter = 'm',
                       .value = "MODE",
                       .kind = ValueKind::text,
                       .help = "permissions (0755 without more)"}},
          .examples = {{"nokv mkdir -p /runs/2026/11", ""}},
          .run = run};
}

}  // namespace nokv::cli
