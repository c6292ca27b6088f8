#include "cli/cmd/rows.h"
#include "cli/context.h"

namespace nokv::cli {
namespace {

Result<Exit> run(Context& context) {
  Table table;
  for (const auto& [name, setting] : context.settings.all()) {
    if (context.out.json()) {
      context.out.line(
          JsonObject().add("name", name).add("value", setting.value).add("origin", setting.origin));
    } else {
      table.row({name, setting.value.empty() ? "-" : setting.value, setting.origin});
    }
  }
  table.print(context.out);
  return Exit::done;
}

}  // namespace

Command config_show_row() {
  return {
      .name = "config show",
      .group = Group::tool,
      .summary = "show every setting, with where it comes from",
      .text =
          "A flag comes before the environment, that before the config file, that before the "
          "default. The config file is TOML with the flags' names: store = \"nokv://host:7777\".",
      .positionals = {},
      .options = {},
      .examples = {{"nokv config show --json", ""}},
      .run = run};
}

}  // namespace nokv::cli
