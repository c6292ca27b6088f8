#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/local_tree.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/save_body.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

// LOCAL as a place: a directory that receives sources under their names, or one new name in it.
struct Place {
  LocalDirectory directory;
  std::string name;    // empty: each source's own
  std::string prefix;  // of what is told: "dir/" in front of names
};

Result<Place> find_place(Context& context, const std::string& local, bool several) {
  Files& files = context.doors.env.files;
  auto info = local_info(local);
  bool directory = info && info->kind == LocalKind::directory;
  if (directory || local.ends_with('/')) {
    if (!directory) NOKV_TRY(files.make_dirs(local));
    NOKV_ASSIGN(auto opened, LocalDirectory::open(local));
    return Place{std::move(opened), "", local.ends_with('/') ? local : local + "/"};
  }
  if (several) {
    return std::unexpected(Error(Code::not_directory, str(local, " is no directory"))
                               .with_hint(str("'", local, "/' makes it")));
  }
  size_t slash = local.rfind('/');
  std::string parent = slash == std::string::npos ? "." : local.substr(0, slash + 1);
  if (slash != std::string::npos) NOKV_TRY(files.make_dirs(parent));
  NOKV_ASSIGN(auto opened, LocalDirectory::open(parent));
  return Place{std::move(opened), local.substr(slash == std::string::npos ? 0 : slash + 1),
               slash == std::string::npos ? "" : parent};
}

class Get {
 public:
  Get(Context& context, Client& client, Progress& progress)
      : context_(context), client_(client), progress_(progress) {}

  Result<> one(const ReadArgument& what, const Place& place) {
    std::string name = place.name.empty() ? std::string(base_name(what.path)) : place.name;
    NOKV_ASSIGN(auto stat, client_.stat({.path = what.path},
                                        {.at = what.at, .follow = true, .call = context_.call()}));
    if (stat.entry.kind != codec::Kind::directory) {
      return file(what, place.directory, name, place.prefix + name);
    }
    if (!context_.args.has("recursive")) {
      return std::unexpected(Error(Code::is_directory, str(what.path, ": is a directory"))
                                 .with_hint("-r gets it with all that is in it"));
    }
    if (name.empty()) return directory(what, place.directory, place.prefix);
    if (context_.dry_run()) {
      context_.out.line(str("would get ", name_shown(what.path), " to ", place.prefix, name));
      return {};
    }
    NOKV_ASSIGN(auto below, place.directory.make_directory(name, stat.entry.attributes.mode));
    return directory(what, below, place.prefix + name + "/");
  }

  // Below directories: what was refused was told.
  size_t failed = 0;
  size_t done = 0;

 private:
  Result<> directory(const ReadArgument& what, const LocalDirectory& local,
                     const std::string& prefix) {
    auto lister =
        client_.list({.target = {.path = what.path}, .at = what.at, .call = context_.call()});
    while (true) {
      NOKV_ASSIGN(auto next, lister.next());
      if (!next) return {};
      ReadArgument below{.path = join(what.path, next->name), .at = what.at};
      auto result = entry(*next, below, local, prefix + next->name);
      if (result) {
        ++done;
        continue;
      }
      if (exit_of(result.error()) != Exit::refused) return result;
      ++failed;
      context_.report(std::move(result).error(), below.path);
    }
  }

  Result<> entry(const codec::Entry& it, const ReadArgument& what, const LocalDirectory& local,
                 const std::string& shown) {
    switch (it.kind) {
      case codec::Kind::directory: {
        NOKV_ASSIGN(auto below, local.make_directory(it.name, it.attributes.mode));
        return directory(what, below, shown + "/");
      }
      case codec::Kind::file:
        return file(what, local, it.name, shown);
      case codec::Kind::symlink:
        return local.make_link(it.name, it.target);
      default:
        context_.out.note(str("nokv get: ", what.path, ": passed over: a ", kind_name(it.kind)));
        return {};
    }
  }

  Result<> file(const ReadArgument& what, const LocalDirectory& local, const std::string& name,
                const std::string& shown) {
    NOKV_ASSIGN(auto reader, open_argument(context_, client_, what));
    const codec::Entry& entry = reader->entry();
    Got got{.path = what.path,
            .local = shown,
            .size = entry.body.size,
            .digest = digest_text(entry.body.digest),
            .generation = entry.body.generation};
    if (!context_.dry_run()) {
      NOKV_TRY(save_body(*reader, local, name, [this](uint64_t bytes) { progress_.add(bytes); }));
    }
    progress_.add_file();
    if (context_.out.json()) {
      context_.out.line(got_json(got));
    } else if (!context_.args.has("recursive") || context_.dry_run()) {
      context_.out.line(str(context_.dry_run() ? "would get " : "", name_shown(what.path), " to ",
                            name_shown(shown), ": ", context_.out.size(got.size), ", generation ",
                            got.generation));
    }
    return {};
  }

  Context& context_;
  Client& client_;
  Progress& progress_;
};

Result<Exit> to_output(Context& context, const std::vector<std::string>& paths) {
  if (context.args.has("recursive")) return context.usage("-r cannot write to standard output");
  return for_each_path(context, paths, [&](Client& client, const ReadArgument& what) -> Result<> {
    NOKV_ASSIGN(auto reader, open_argument(context, client, what));
    OutputSink sink(context.out);
    NOKV_TRY(reader->copy_to(sink));
    return {};
  });
}

Result<Exit> run(Context& context) {
  std::vector<std::string> paths = context.args.positionals();
  std::string local = std::move(paths.back());
  paths.pop_back();
  if (local == "-") return to_output(context, paths);
  for (const auto& it : paths) NOKV_TRY(context.as_usage(parse_path(it)));
  NOKV_ASSIGN(Place place, context.as_usage(find_place(context, local, paths.size() > 1)));
  NOKV_ASSIGN(Client * client, context.client());
  Progress progress(context.out, context.doors.env.clock, "get");
  Get get(context, *client, progress);
  NOKV_ASSIGN(Exit exit, for_each_path(context, paths, [&](Client&, const ReadArgument& what) {
                return get.one(what, place);
              }));
  if (exit == Exit::done && get.failed > 0) return get.done > 0 ? Exit::partly : Exit::refused;
  return exit;
}

}  // namespace

Command get_row() {
  return {.name = "get",
          .group = Group::files,
          .summary = "copy files and directories to the local disk",
          .text =
              "An existing directory, or a LOCAL with a '/' at its end, receives each PATH under "
              "its own name; otherwise LOCAL is the new name. Missing local directories are "
              "made. A file gets its name when it is whole and verified. Nothing is written "
              "outside of LOCAL, whatever links lie in it; setuid bits and devices are not made. "
              "LOCAL may be '-', standard output.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber},
                          {.name = "LOCAL", .kind = ValueKind::local}},
          .options = {{.name = "recursive",
                       .letter = 'r',
                       .help = "directories with all that is in them"},
                      at_option()},
          .examples = {{"nokv get /runs/1/model.bin .", ""},
                       {"nokv get -r --at nightly /runs/1 ./restored", ""}},
          .run = run};
}

}  // namespace nokv::cli
