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

constexpr size_t kRowsAtATime = 1000;

class Ls {
 public:
  explicit Ls(Context& context)
      : context_(context),
        out_(context.out),
        long_(context.args.has("long")),
        recursive_(context.args.has("recursive")),
        table_(columns()) {}

  Result<> one(Client& client, const ReadArgument& what, bool heading) {
    if (context_.args.has("directory") || what.generation != 0) return itself(client, what);
    auto listed = directory(client, what, heading || recursive_);
    if (!listed && listed.error().code() == Code::not_directory) return itself(client, what);
    return listed;
  }

 private:
  static Table columns() { return Table({1, 4}); }

  // An empty line before every block but the first.
  std::string_view between() { return std::exchange(blocks_, true) ? "\n" : ""; }

  Result<> itself(Client& client, const ReadArgument& what) {
    NOKV_ASSIGN(auto stat,
                client.stat({.path = what.path}, {.at = what.at, .call = context_.call()}));
    entry(stat.entry, what.path, what.path, stat.version);
    flush();
    return {};
  }

  Result<> directory(Client& client, const ReadArgument& what, bool heading) {
    auto lister =
        client.list({.target = {.path = what.path}, .at = what.at, .call = context_.call()});
    std::vector<std::string> directories;
    while (true) {
      NOKV_ASSIGN(auto next, lister.next());
      context_.shows(lister.version(), lister.time_ns());
      // Only now it is known to be a directory.
      if (std::exchange(heading, false) && !out_.json()) {
        out_.line(str(between(), name_shown(what.path), ":"));
      }
      if (!next || out_.closed()) break;
      entry(*next, join(what.path, next->name), next->name, lister.version());
      if (recursive_ && next->kind == codec::Kind::directory) directories.push_back(next->name);
    }
    flush();
    for (const auto& name : directories) {
      if (out_.closed()) break;
      ReadArgument below{.path = join(what.path, name), .at = what.at};
      auto listed = directory(client, below, true);
      // Somebody removed it in the meantime.
      if (!listed && listed.error().code() != Code::not_found) return listed;
    }
    return {};
  }

  void entry(const codec::Entry& it, const std::string& path, const std::string& name,
             uint64_t version) {
    if (out_.json()) return out_.line(entry_json(it, path, version));
    if (!long_) return out_.line(colored(it, name_shown(name)));
    uint64_t size = it.kind == codec::Kind::directory ? it.totals.bytes
                    : it.kind == codec::Kind::symlink ? it.target.size()
                                                      : it.body.size;
    std::string shown = colored(it, name_shown(name));
    if (it.kind == codec::Kind::symlink) shown += str(" -> ", name_shown(it.target));
    table_.row({mode_text(it.kind, it.attributes.mode), std::to_string(it.links),
                std::to_string(it.attributes.uid), std::to_string(it.attributes.gid),
                out_.size(size), short_time(it.attributes.mtime_ns), std::move(shown)});
    if (++rows_ == kRowsAtATime) flush();
  }

  void flush() {
    table_.print(out_);
    table_ = columns();
    rows_ = 0;
  }

  std::string colored(const codec::Entry& it, std::string_view name) const {
    if (it.kind == codec::Kind::directory) return out_.colored(str(name, "/"), "1;34");
    if (it.kind == codec::Kind::symlink) return out_.colored(name, "36");
    if ((it.attributes.mode & 0111U) != 0) return out_.colored(name, "32");
    return std::string(name);
  }

  Context& context_;
  Output& out_;
  bool long_;
  bool recursive_;
  bool blocks_ = false;
  Table table_;
  size_t rows_ = 0;
};

Result<Exit> run(Context& context) {
  std::vector<std::string> paths = context.args.positionals();
  if (paths.empty()) paths.emplace_back("/");
  Ls ls(context);
  return for_each_path(context, paths, [&](Client& client, const ReadArgument& what) {
    return ls.one(client, what, paths.size() > 1);
  });
}

}  // namespace

Command ls_row() {
  return {
      .name = "ls",
      .group = Group::files,
      .summary = "list directories",
      .text =
          "Entries come in the order of their names' bytes, all of one version of the "
          "namespace, whatever others change meanwhile. A file is listed as itself. The "
          "size of a directory is that of all files below it.",
      .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0, .max = kAnyNumber}},
      .options = {{.name = "long", .letter = 'l', .help = "with mode, owner, size and time"},
                  {.name = "recursive", .letter = 'R', .help = "directories below as well"},
                  {.name = "directory", .letter = 'd', .help = "the directory, not its entries"},
                  at_option()},
      .examples = {{"nokv ls -l /runs", ""},
                   {"nokv ls --json --at 1h /runs/1",
                    "What was there an hour ago, one object per line"}},
      .run = run};
}

}  // namespace nokv::cli
