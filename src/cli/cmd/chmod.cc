#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/mode.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

Result<> chmod_one(Context& context, Client& client, const std::string& text,
                   const std::string& path) {
  uint32_t old = 0;
  bool directory = false;
  if (!is_octal_mode(text)) {
    NOKV_ASSIGN(auto stat, client.stat({.path = path}, {.follow = true, .call = context.call()}));
    old = stat.entry.attributes.mode;
    directory = stat.entry.kind == codec::Kind::directory;
  }
  NOKV_ASSIGN(uint32_t mode, changed_mode(text, old, directory));
  NOKV_ASSIGN(auto changed,
              client.set_attributes({.target = {.path = path}, .follow = true, .mode = mode},
                                    context.write_options()));
  print_changed(context.out, path, changed.version, "", context.dry_run(),
                str("given mode ", mode_text(codec::Kind::file, mode).substr(1)));
  return {};
}

Result<Exit> run(Context& context) {
  const std::string& text = context.args.positional(0);
  NOKV_TRY(context.as_usage(changed_mode(text, 0, false)));
  std::vector<std::string> paths(context.args.positionals().begin() + 1,
                                 context.args.positionals().end());
  for (const auto& it : paths) NOKV_TRY(context.path(it));
  return for_each_path(context, paths, [&](Client& client, const ReadArgument& what) {
    return chmod_one(context, client, text, what.path);
  });
}

}  // namespace

Command chmod_row() {
  return {.name = "chmod",
          .group = Group::files,
          .summary = "change permissions",
          .text = "MODE is octal (0644) or symbolic (u+x,go-w), as chmod(1) takes it.",
          .positionals = {{.name = "MODE"},
                          {.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
          .options = {},
          .examples = {{"nokv chmod go-w /runs/1/config.yaml", ""}},
          .run = run};
}

}  // namespace nokv::cli
