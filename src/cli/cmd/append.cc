#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/local_tree.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

// "-" or a file, opened before anything is sent.
Result<std::unique_ptr<client::Source>> open_source(Context& context, const std::string& local,
                                                    client::BodyOptions& body) {
  if (local == "-") return std::make_unique<InputSource>(context.doors.in);
  NOKV_ASSIGN(auto file, context.as_usage(LocalSource::open(local)));
  body.size = file->info().size;
  return file;
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  NOKV_ASSIGN(std::string path, context.path(args.positional(1)));
  NOKV_ASSIGN(WriteRules rules, write_rules(context));
  client::BodyOptions body;
  NOKV_ASSIGN(auto source, open_source(context, args.positional(0), body));
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);

  // Whether there is a file decides what is sent; what the server finds then decides what happens.
  auto there = client->stat({.path = path}, {.follow = true, .call = context.call()});
  if (!there && there.error().code() != Code::not_found) {
    return std::unexpected(std::move(there).error());
  }
  if (there && rules.exists == codec::Exists::create) {
    return fail(Code::already_exists, path, ": it is there already");
  }
  Result<client::Committed> done = std::unexpected(Error(Code::unavailable, ""));
  if (there) {
    done = client->append({.target = {.path = path}, .if_generation = rules.if_generation}, *source,
                          body, context.write_options());
  } else {
    if (rules.exists == codec::Exists::replace || rules.if_generation) {
      return std::unexpected(std::move(there).error());
    }
    done = client->put({.target = {.path = path},
                        .exists = codec::Exists::create,
                        .parents = true,
                        .mode = 0644,
                        .uid = own_uid(),
                        .gid = own_gid()},
                       *source, body, context.write_options());
  }
  if (!done) return std::unexpected(std::move(done).error());
  if (context.out.json() || !there) {
    print_written(context.out, path, done->result, done->version, context.dry_run());
  } else {
    context.out.line(str(name_shown(path), context.dry_run() ? ": would be " : ": now ",
                         context.out.size(done->result.size), ", generation ", done->version));
  }
  return Exit::done;
}

}  // namespace

Command append_row() {
  return {.name = "append",
          .group = Group::files,
          .summary = "add to the end of a file",
          .text =
              "Makes the file, and directories above it, when they are missing. Appends of several "
              "writers come one after another, each whole. LOCAL may be '-', standard input.",
          .positionals = {{.name = "LOCAL", .kind = ValueKind::local},
                          {.name = "PATH", .kind = ValueKind::path}},
          .options = with_write_options({}),
          .examples = {{"echo '{\"step\": 7}' | nokv append - /runs/1/metrics.jsonl", ""}},
          .run = run};
}

}  // namespace nokv::cli
