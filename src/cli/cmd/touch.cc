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

Result<> touch_one(Context& context, Client& client, const std::string& path) {
  auto options = context.write_options();
  auto touched =
      client.set_attributes({.target = {.path = path}, .follow = true, .mtime_now = true}, options);
  if (!touched && touched.error().code() == Code::not_found && !context.args.has("no-create")) {
    // Somebody may make it in the meantime: then it is there to be touched.
    touched = client.commit_one(codec::Publish{.target = {.path = path},
                                               .exists = codec::Exists::create,
                                               .mode = 0644,
                                               .uid = own_uid(),
                                               .gid = own_gid()},
                                options);
    if (!touched && touched.error().code() == Code::already_exists) {
      touched = client.set_attributes({.target = {.path = path}, .follow = true, .mtime_now = true},
                                      options);
    }
  }
  if (!touched) return std::unexpected(std::move(touched).error());
  print_changed(context.out, path, touched->version, "", context.dry_run(), "touched");
  return {};
}

Result<Exit> run(Context& context) {
  for (const auto& it : context.args.positionals()) NOKV_TRY(context.path(it));
  return for_each_path(context, context.args.positionals(),
                       [&](Client& client, const ReadArgument& what) {
                         return touch_one(context, client, what.path);
                       });
}

}  // namespace

Command touch_row() {
  return {.name = "touch",
          .group = Group::files,
          .summary = "set the modification time to now; make empty files",
          .text = "",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
          .options = {{.name = "no-create", .letter = 'c', .help = "make no files"}},
          .examples = {{"nokv touch /runs/1/DONE", ""}},
          .run = run};
}

}  // namespace nokv::cli
