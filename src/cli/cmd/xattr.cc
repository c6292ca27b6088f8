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

Result<client::Stat> node(Context& context, const std::string& text) {
  NOKV_TRY(context.as_usage(parse_path(text)));
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(ReadArgument what, read_argument(context, *client, text));
  context.about(what.path);
  return client->stat({.path = what.path}, {.at = what.at, .follow = true, .call = context.call()});
}

Result<Exit> get(Context& context) {
  const std::string& path = context.args.positional(0);
  std::string name = name_bytes(context.args.positional(1));
  NOKV_ASSIGN(auto stat, node(context, path));
  for (const auto& it : stat.entry.xattrs) {
    if (it.name != name) continue;
    if (context.out.json()) {
      context.out.line(xattr_json(context.subject(), name, it.value));
    } else {
      context.out.write(it.value);
      if (context.doors.out_terminal) context.out.write("\n");
    }
    return Exit::done;
  }
  return fail(Code::not_found, context.subject(), ": no extended attribute '", name, "'");
}

Result<Exit> list(Context& context) {
  NOKV_ASSIGN(auto stat, node(context, context.args.positional(0)));
  for (const auto& it : stat.entry.xattrs) {
    if (context.out.json()) {
      context.out.line(xattr_json(context.subject(), it.name, it.value));
    } else {
      context.out.line(name_shown(it.name));
    }
  }
  return Exit::done;
}

Result<Exit> change(Context& context, std::string name, std::optional<std::string> value,
                    codec::Exists exists) {
  NOKV_ASSIGN(std::string path, context.path(context.args.positional(0)));
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  std::string_view what = value ? "changed" : "removed";
  std::string shown = name_shown(name);
  NOKV_ASSIGN(auto changed, client->set_xattr({.target = {.path = path},
                                               .follow = true,
                                               .name = std::move(name),
                                               .value = std::move(value),
                                               .exists = exists},
                                              context.write_options()));
  print_changed(context.out, path, changed.version, "", context.dry_run(),
                str(what, ": extended attribute ", shown));
  return Exit::done;
}

Result<Exit> set(Context& context) {
  const Arguments& args = context.args;
  if (args.has("create") && args.has("replace")) {
    return context.usage("--create and --replace exclude each other");
  }
  auto exists = args.has("create")    ? codec::Exists::create
                : args.has("replace") ? codec::Exists::replace
                                      : codec::Exists::any;
  return change(context, name_bytes(args.positional(1)), args.positional(2), exists);
}

Result<Exit> remove(Context& context) {
  return change(context, name_bytes(context.args.positional(1)), std::nullopt, codec::Exists::any);
}

constexpr Positional kPath = {.name = "PATH", .kind = ValueKind::path};
constexpr Positional kName = {.name = "NAME"};

}  // namespace

Command xattr_get_row() {
  return {.name = "xattr get",
          .group = Group::files,
          .summary = "write an extended attribute's value",
          .text = "The bytes as they are; with --json in base64.",
          .positionals = {kPath, kName},
          .options = {at_option()},
          .examples = {{"nokv xattr get /runs/1 user.owner", ""}},
          .run = get};
}

Command xattr_set_row() {
  return {.name = "xattr set",
          .group = Group::files,
          .summary = "set an extended attribute",
          .text = "All names and values of a file together take at most 64 KiB.",
          .positionals = {kPath, kName, {.name = "VALUE"}},
          .options = {{.name = "create", .help = "refuse a name that is there already"},
                      {.name = "replace", .help = "refuse a name that is not there yet"}},
          .examples = {{"nokv xattr set /runs/1 user.owner alice", ""}},
          .run = set};
}

Command xattr_ls_row() {
  return {.name = "xattr ls",
          .group = Group::files,
          .summary = "list extended attributes",
          .text = "",
          .positionals = {kPath},
          .options = {at_option()},
          .examples = {{"nokv xattr ls --json /runs/1", ""}},
          .run = list};
}

Command xattr_rm_row() {
  return {.name = "xattr rm",
          .group = Group::files,
          .summary = "remove an extended attribute",
          .text = "",
          .positionals = {kPath, kName},
          .options = {},
          .examples = {{"nokv xattr rm /runs/1 user.owner", ""}},
          .run = remove};
}

}  // namespace nokv::cli
