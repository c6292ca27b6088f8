#include <utility>

#include <grp.h>
#include <pwd.h>

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

constexpr size_t kNamesBytes = 16 << 10;

struct Owner {
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
};

Result<uint32_t> id_number(std::string_view text) {
  NOKV_ASSIGN(uint64_t number, parse_number(text));
  if (number >= UINT32_MAX) return fail(Code::invalid_argument, "'", text, "' is no id");
  return static_cast<uint32_t>(number);
}

Result<uint32_t> user_id(const std::string& name) {
  if (auto number = id_number(name)) return number;
  std::string buffer(kNamesBytes, '\0');
  passwd entry{};
  passwd* found = nullptr;
  (void)::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return fail(Code::invalid_argument, "no user '", name, "' on this machine");
  return found->pw_uid;
}

Result<uint32_t> group_id(const std::string& name) {
  if (auto number = id_number(name)) return number;
  std::string buffer(kNamesBytes, '\0');
  group entry{};
  group* found = nullptr;
  (void)::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return fail(Code::invalid_argument, "no group '", name, "' on this machine");
  }
  return found->gr_gid;
}

// "USER", "USER:GROUP", ":GROUP".
Result<Owner> parse_owner(std::string_view text) {
  Owner owner;
  size_t colon = text.find(':');
  std::string user(text.substr(0, colon));
  if (!user.empty()) {
    NOKV_ASSIGN(owner.uid, user_id(user));
  }
  if (colon != std::string_view::npos && colon + 1 < text.size()) {
    NOKV_ASSIGN(owner.gid, group_id(std::string(text.substr(colon + 1))));
  }
  if (!owner.uid && !owner.gid) return fail(Code::invalid_argument, "'", text, "' names nobody");
  return owner;
}

Result<Exit> run(Context& context) {
  NOKV_ASSIGN(Owner owner, context.as_usage(parse_owner(context.args.positional(0))));
  std::vector<std::string> paths(context.args.positionals().begin() + 1,
                                 context.args.positionals().end());
  for (const auto& it : paths) NOKV_TRY(context.path(it));
  return for_each_path(context, paths, [&](Client& client, const ReadArgument& what) -> Result<> {
    NOKV_ASSIGN(
        auto changed,
        client.set_attributes(
            {.target = {.path = what.path}, .follow = true, .uid = owner.uid, .gid = owner.gid},
            context.write_options()));
    print_changed(context.out, what.path, changed.version, "", context.dry_run(),
                  str("given to ", context.args.positional(0)));
    return {};
  });
}

}  // namespace

Command chown_row() {
  return {.name = "chown",
          .group = Group::files,
          .summary = "change owner and group",
          .text = "Names are looked up on this machine; numbers are taken as they are.",
          .positionals = {{.name = "USER[:GROUP]"},
                          {.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
          .options = {},
          .examples = {{"nokv chown alice:research /runs/1", ""}, {"nokv chown :100 /runs/1", ""}},
          .run = run};
}

}  // namespace nokv::cli
