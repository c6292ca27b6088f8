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

class Tree {
 public:
  explicit Tree(Context& context) : context_(context), out_(context.out) {
    depth_max_ = context.args.number("depth").value_or(codec::kDepthMax);
  }

  Result<> one(Client& client, const ReadArgument& what) {
    NOKV_ASSIGN(auto stat, client.stat({.path = what.path},
                                       {.at = what.at, .follow = true, .call = context_.call()}));
    context_.shows(stat.version, stat.time_ns);
    if (out_.json()) {
      out_.line(entry_json(stat.entry, what.path, stat.version));
    } else {
      out_.line(name_shown(what.path));
    }
    if (stat.entry.kind == codec::Kind::directory) {
      NOKV_TRY(below(client, what, "", 1));
    }
    if (!out_.json()) {
      out_.line(str("\n", directories_, directories_ == 1 ? " directory, " : " directories, ",
                    files_, files_ == 1 ? " file" : " files"));
    }
    directories_ = files_ = 0;
    return {};
  }

 private:
  Result<> below(Client& client, const ReadArgument& what, const std::string& indent,
                 uint64_t depth) {
    if (depth > depth_max_ || depth > codec::kDepthMax) return {};
    auto lister =
        client.list({.target = {.path = what.path}, .at = what.at, .call = context_.call()});
    NOKV_ASSIGN(auto entry, lister.next());
    while (entry && !out_.closed()) {
      NOKV_ASSIGN(auto next, lister.next());
      std::string path = join(what.path, entry->name);
      bool last = !next;
      bool directory = entry->kind == codec::Kind::directory;
      ++(directory ? directories_ : files_);
      if (out_.json()) {
        out_.line(entry_json(*entry, path, lister.version()));
      } else {
        std::string name = name_shown(entry->name);
        if (entry->kind == codec::Kind::symlink) name += str(" -> ", name_shown(entry->target));
        out_.line(
            str(indent, last ? "└── " : "├── ", directory ? out_.colored(name, "1;34") : name));
      }
      if (directory) {
        auto listed = below(client, {.path = path, .at = what.at},
                            indent + (last ? "    " : "│   "), depth + 1);
        if (!listed && listed.error().code() != Code::not_found) return listed;
      }
      entry = std::move(next);
    }
    return {};
  }

  Context& context_;
  Output& out_;
  uint64_t depth_max_ = 0;
  uint64_t directories_ = 0;
  uint64_t files_ = 0;
};

Result<Exit> run(Context& context) {
  std::vector<std::string> paths = context.args.positionals();
  if (paths.empty()) paths.emplace_back("/");
  Tree tree(context);
  return for_each_path(context, paths, [&](Client& client, const ReadArgument& what) {
    return tree.one(client, what);
  });
}

}  // namespace

Command tree_row() {
  return {.name = "tree",
          .group = Group::files,
          .summary = "draw what lies below directories",
          .text = "With --json one entry per line, a directory before what is in it.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0, .max = kAnyNumber}},
          .options = {{.name = "depth",
                       .letter = 'L',
                       .value = "N",
                       .kind = ValueKind::number,
                       .help = "at most N levels"},
                      at_option()},
          .examples = {{"nokv tree -L 2 /runs", ""}},
          .run = run};
}

}  // namespace nokv::cli
