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

struct Moves {
  std::vector<std::string> from;
  std::vector<std::string> to;
};

Result<Moves> plan(Context& context, Client& client) {
  const auto& words = context.args.positionals();
  NOKV_ASSIGN(PathArgument target, context.as_usage(parse_path(words.back())));
  bool several = words.size() > 2;
  bool exchange = context.args.has("exchange");
  if (several && (exchange || context.args.has("bring-back"))) {
    return context.usage(exchange ? "--exchange" : "--bring-back", " takes two paths");
  }
  Moves moves;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    NOKV_ASSIGN(std::string path, context.path(words[i]));
    moves.from.push_back(std::move(path));
  }
  if (exchange) {
    moves.to.push_back(target.path);
    return moves;
  }
  NOKV_ASSIGN(auto destination, Destination::find(context, client, target, several, false));
  for (const auto& it : moves.from) {
    NOKV_ASSIGN(std::string to, destination.path_for(base_name(it)));
    moves.to.push_back(std::move(to));
  }
  return moves;
}

// A rename that took nothing away is undone by the rename back.
std::string undo(const std::string& from, const std::string& to, bool exchange,
                 uint64_t undo_version) {
  std::string how = exchange ? "--exchange " : "";
  if (undo_version != 0) how = str("--bring-back v", undo_version, " ");
  return str("nokv mv ", how, path_argument(to), " ", path_argument(from));
}

// The way back of a move that replaced something: the rename back, and what SRC was at AT. An
// empty directory that was replaced is made anew.
Result<codec::CommitReply> move_back(Context& context, Client& client, const Moves& moves,
                                     const std::vector<codec::Operation>& rename) {
  codec::Target source{.path = moves.from[0]};
  const std::string& at = context.args.text("bring-back");
  auto with = [&](codec::Operation more) {
    std::vector<codec::Operation> all = rename;
    all.push_back(std::move(more));
    return client.commit(std::move(all), context.write_options());
  };
  auto done = with(codec::Undelete{.target = source, .at = at});
  if (done || done.error().code() != Code::is_directory) return done;
  NOKV_ASSIGN(auto was, client.stat(source, {.at = {.at = at}, .call = context.call()}));
  const codec::Attributes& old = was.entry.attributes;
  return with(codec::Mkdir{.target = source, .mode = old.mode, .uid = old.uid, .gid = old.gid});
}

// What is demanded of the file that a move replaces.
Result<WriteRules> rules_of(Context& context) {
  const Arguments& args = context.args;
  NOKV_ASSIGN(WriteRules rules, write_rules(context));
  if (args.has("no-replace") || rules.if_generation == 0) rules.exists = codec::Exists::create;
  if (rules.exists == codec::Exists::create) rules.if_generation.reset();
  bool any = rules.exists == codec::Exists::any && !rules.if_generation;
  if (!any && args.has("exchange")) {
    return context.usage(
        "--exchange goes without --no-replace, --create, --replace and --if-generation");
  }
  if (rules.if_generation && args.positionals().size() > 2) {
    return context.usage("--if-generation takes two paths");
  }
  return rules;
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  for (const auto& it : args.positionals()) NOKV_TRY(context.path(it));
  NOKV_ASSIGN(WriteRules rules, rules_of(context));
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(Moves moves, plan(context, *client));
  auto mode = args.has("exchange")                    ? codec::RenameMode::exchange
              : rules.exists == codec::Exists::create ? codec::RenameMode::no_replace
                                                      : codec::RenameMode::replace;
  bool checks = rules.exists == codec::Exists::replace || rules.if_generation;
  std::vector<codec::Operation> operations;
  for (size_t i = 0; i < moves.from.size(); ++i) {
    if (checks) {
      operations.emplace_back(codec::Check{
          .target = {.path = moves.to[i]}, .exists = true, .generation = rules.if_generation});
    }
    operations.emplace_back(codec::Rename{.from = {.path = moves.from[i]},
                                          .to = {.path = moves.to[i]},
                                          .mode = mode,
                                          .keep_undo = true});
  }
  if (moves.from.size() == 1) context.about(moves.from[0]);
  NOKV_ASSIGN(auto reply, args.has("bring-back")
                              ? move_back(context, *client, moves, operations)
                              : client->commit(std::move(operations), context.write_options()));
  for (size_t i = 0; i < moves.from.size(); ++i) {
    size_t rename = checks ? 2 * i + 1 : i;
    uint64_t undo_version = rename < reply.results.size() ? reply.results[rename].undo_version : 0;
    print_changed(context.out, moves.to[i], reply.version,
                  undo(moves.from[i], moves.to[i], args.has("exchange"), undo_version),
                  context.dry_run(), str("moved from ", name_shown(moves.from[i])));
  }
  return Exit::done;
}

}  // namespace

Command mv_row() {
  return {.name = "mv",
          .group = Group::files,
          .summary = "rename files and directories",
          .text =
              "An existing directory, or a name with a '/' at its end, receives the sources under "
              "their own names; otherwise DST is the new name. Several sources are moved all or "
              "none. A file that is replaced can be brought back. --create, --replace and "
              "--if-generation are about DST.",
          .positionals = {{.name = "SRC", .kind = ValueKind::path, .max = kAnyNumber},
                          {.name = "DST", .kind = ValueKind::path}},
          .options = with_write_options(
              {{.name = "no-replace", .letter = 'n', .help = "as --create"},
               {.name = "exchange", .help = "swap SRC and DST, at once"},
               {.name = "bring-back",
                .value = "AT",
                .kind = ValueKind::at,
                .help = "with the move bring back what SRC was then; undoes a move that "
                        "replaced something"}}),
          .examples = {{"nokv mv /runs/tmp-7 /runs/7", ""}},
          .run = run};
}

}  // namespace nokv::cli
