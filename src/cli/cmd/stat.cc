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

void print_text(Output& out, const codec::Entry& it, const std::string& path, uint64_t version) {
  auto row = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    std::string padded(name);
    padded.resize(14, ' ');
    out.line(str("  ", padded, printable(value)));
  };
  out.line(name_shown(path));
  row("kind", kind_name(it.kind));
  row("id", it.id.text());
  if (it.kind == codec::Kind::file) {
    row("size", str(out.size(it.body.size), out.options.bytes ? "" : str(" (", it.body.size, ")")));
    row("generation", std::to_string(it.body.generation));
    row("content type", it.body.content_type);
    row("producer", it.body.producer);
    row("digest", digest_text(it.body.digest));
    row("etag", it.body.etag);
  }
  if (it.kind == codec::Kind::symlink) row("target", it.target);
  if (it.kind == codec::Kind::directory) {
    row("entries", std::to_string(it.entries));
    row("below", str(it.totals.files, " files, ", it.totals.directories, " directories, ",
                     out.size(it.totals.bytes)));
    std::string quota;
    if (it.quota.max_bytes != 0) quota = out.size(it.quota.max_bytes);
    if (it.quota.max_entries != 0) {
      quota += str(quota.empty() ? "" : ", ", it.quota.max_entries, " entries");
    }
    row("quota", quota);
  }
  if (it.cloned_from) {
    const auto& from = *it.cloned_from;
    row("cloned from",
        str(from.path.empty() ? "what is gone" : name_shown(from.path), " at v", from.version));
  }
  row("mode", mode_text(it.kind, it.attributes.mode));
  row("owner", str(it.attributes.uid, ":", it.attributes.gid));
  row("links", std::to_string(it.links));
  row("modified", rfc3339(it.attributes.mtime_ns));
  row("changed", rfc3339(it.attributes.ctime_ns));
  row("made", rfc3339(it.attributes.btime_ns));
  for (const auto& xattr : it.xattrs) {
    row("xattr", str(xattr.name, " (", xattr.value.size(), " bytes)"));
  }
  row("version", std::to_string(version));
  if (it.kind == codec::Kind::file) row("citation", citation(path, it.body.generation));
}

Result<Exit> run(Context& context) {
  bool follow = context.args.has("follow");
  return for_each_path(
      context, context.args.positionals(),
      [&](Client& client, const ReadArgument& what) -> Result<> {
        NOKV_ASSIGN(auto stat,
                    client.stat({.path = what.path},
                                {.at = what.at, .follow = follow, .call = context.call()}));
        context.shows(stat.version, stat.time_ns);
        if (context.out.json()) {
          context.out.line(entry_json(stat.entry, what.path, stat.version));
        } else {
          print_text(context.out, stat.entry, what.path, stat.version);
        }
        return {};
      });
}

}  // namespace

Command stat_row() {
  return {
      .name = "stat",
      .group = Group::files,
      .summary = "show everything known of files and directories",
      .text =
          "A symbolic link is shown as itself. A citation (nokv-native://PATH@generation:N) "
          "shows the file as it was then.",
      .positionals = {{.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
      .options = {{.name = "follow", .letter = 'L', .help = "what a link leads to"}, at_option()},
      .examples = {{"nokv stat --json /runs/1/checkpoint.bin", ""}},
      .run = run};
}

}  // namespace nokv::cli
