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

constexpr uint64_t kFileMax = 64 << 20;

struct Edited {
  std::string text;
  uint64_t times = 0;
};

Edited replace(const std::string& text, const std::string& from, const std::string& to, bool all) {
  Edited result;
  size_t at = 0;
  while (true) {
    size_t found = text.find(from, at);
    if (found == std::string::npos) break;
    ++result.times;
    if (all || result.times == 1) {
      result.text += str(std::string_view(text).substr(at, found - at), to);
    } else {
      result.text += str(std::string_view(text).substr(at, found - at), from);
    }
    at = found + from.size();
  }
  result.text += std::string_view(text).substr(at);
  return result;
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  NOKV_ASSIGN(std::string path, context.path(args.positional(0)));
  NOKV_ASSIGN(WriteRules rules, write_rules(context));
  if (!args.has("old") || !args.has("new")) return context.usage("edit needs --old and --new");
  const std::string& from = args.text("old");
  if (from.empty()) return context.usage("--old is empty: nothing can be looked for");
  if (rules.exists == codec::Exists::create) {
    return context.usage("edit changes a file that is there: --create does not go with it");
  }
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  NOKV_ASSIGN(auto reader, client->open_read({.target = {.path = path},
                                              .generation = rules.if_generation.value_or(0),
                                              .call = context.call()}));
  const codec::Body& body = reader->entry().body;
  if (body.size > kFileMax) {
    return fail(Code::resource_exhausted, path, ": has ", body.size, " bytes; edit takes at most ",
                kFileMax);
  }
  NOKV_ASSIGN(std::string text, reader->read_at(0, body.size));
  Edited edited = replace(text, from, args.text("new"), args.has("all"));
  if (edited.times == 0) {
    return std::unexpected(Error(Code::failed_precondition, str(path, ": does not contain --old"))
                               .with_hint("white space and line ends count"));
  }
  if (edited.times > 1 && !args.has("all")) {
    return std::unexpected(
        Error(Code::failed_precondition, str(path, ": contains --old ", edited.times, " times"))
            .with_hint("take more of what is around it, or --all"));
  }
  client::StringSource source(std::move(edited.text));
  NOKV_ASSIGN(auto done,
              client->put({.target = {.path = path},
                           .exists = codec::Exists::replace,
                           .if_generation = body.generation,
                           .keep_undo = true},
                          source, {.content_type = body.content_type}, context.write_options()));
  print_written(context.out, path, done.result, done.version, context.dry_run());
  return Exit::done;
}

}  // namespace

Command edit_row() {
  return {.name = "edit",
          .group = Group::files,
          .summary = "replace an exact text in a file",
          .text =
              "OLD must be there exactly once, unless --all. The file is published anew only if "
              "nobody published it in between.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path}},
          .options = with_write_options({{.name = "old",
                                          .value = "TEXT",
                                          .kind = ValueKind::text,
                                          .help = "what is looked for, byte for byte"},
                                         {.name = "new",
                                          .value = "TEXT",
                                          .kind = ValueKind::text,
                                          .help = "what takes its place"},
                                         {.name = "all", .help = "every occurrence"}}),
          .examples = {{"nokv edit /runs/1/config.yaml --old 'lr: 0.1' --new 'lr: 0.01'", ""}},
          .run = run};
}

}  // namespace nokv::cli
