#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/copy_tree.h"
#include "cli/destination.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

class Cp {
 public:
  Cp(Context& context, Client& client, Destination destination, WriteRules rules)
      : context_(context),
        client_(client),
        destination_(std::move(destination)),
        rules_(rules),
        at_(context.args.text("at")) {}

  Result<> one(const std::string& from) {
    NOKV_ASSIGN(
        auto source,
        client_.stat({.path = from}, {.at = {.at = at_}, .follow = true, .call = context_.call()}));
    NOKV_ASSIGN(std::string to, destination_.path_for(base_name(from)));
    if (source.entry.kind == codec::Kind::directory) return directory(from, to);
    codec::Copy copy{.from = {.path = from},
                     .from_at = at_,
                     .to = {.path = to},
                     .exists = rules_.exists,
                     .if_generation = rules_.if_generation,
                     .keep_undo = true};
    NOKV_ASSIGN(auto copied, client_.copy(std::move(copy), context_.write_options()));
    print_written(context_.out, to, copied.result, copied.version, context_.dry_run());
    return {};
  }

  // A tree was copied in part before an error.
  bool partly() const { return partly_; }

 private:
  Result<> directory(const std::string& from, const std::string& to) {
    if (!context_.args.has("recursive")) {
      return std::unexpected(Error(Code::is_directory, str(from, ": is a directory"))
                                 .with_hint(str("'nokv cp -r ", path_argument(from), " ",
                                                path_argument(to), "' copies it")));
    }
    if (str(to, "/").starts_with(str(from, from == "/" ? "" : "/")) && at_.empty()) {
      return fail(Code::invalid_argument, to, ": lies inside ", from, ", which is to be copied");
    }
    bool partly = false;
    auto copied =
        copy_tree(context_, client_,
                  {.from = from == "/" ? "" : from, .at = at_, .to = to, .rules = rules_}, partly);
    if (!copied) {
      partly_ = partly_ || partly;
      return std::unexpected(std::move(copied).error());
    }
    std::string what =
        str("copied: ", copied->files, " files, ", copied->directories, " directories");
    if (!context_.out.json() && !context_.dry_run()) {
      context_.out.line(str(name_shown(to), ": ", what));
    } else {
      print_changed(context_.out, to, copied->version, "", context_.dry_run(), what);
    }
    return {};
  }

  Context& context_;
  Client& client_;
  Destination destination_;
  WriteRules rules_;
  std::string at_;
  bool partly_ = false;
};

Result<Exit> run(Context& context) {
  std::vector<std::string> words = context.args.positionals();
  NOKV_ASSIGN(WriteRules rules, write_rules(context));
  NOKV_ASSIGN(PathArgument target, context.as_usage(parse_path(words.back())));
  words.pop_back();
  for (const auto& it : words) NOKV_TRY(context.path(it));
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(auto destination,
              Destination::find(context, *client, target, words.size() > 1, false));
  context.about("");
  Cp cp(context, *client, std::move(destination), rules);
  auto exit = for_each_path(context, words,
                            [&](Client&, const ReadArgument& what) { return cp.one(what.path); });
  if (!exit && cp.partly()) {
    context.report(std::move(exit).error(), context.subject());
    return Exit::partly;
  }
  return exit;
}

}  // namespace

Command cp_row() {
  return {.name = "cp",
          .group = Group::files,
          .summary = "copy files and directories inside the namespace",
          .text =
              "No bytes move: a copy shares them with its source until one of the two is written. "
              "An existing directory, or a name with a '/' at its end, receives the sources "
              "under their own names. With --at the sources are read as they were then, which "
              "brings back what was replaced: nokv cp --at v17 /a /a.",
          .positionals = {{.name = "SRC", .kind = ValueKind::path, .max = kAnyNumber},
                          {.name = "DST", .kind = ValueKind::path}},
          .options = with_write_options(
              {{.name = "recursive", .letter = 'r', .help = "directories with all that is in them"},
               at_option("copy it as it was: a snapshot, v123, a time, an age")}),
          .examples = {{"nokv cp -r /runs/1 /runs/1-fork", ""}},
          .run = run};
}

}  // namespace nokv::cli
