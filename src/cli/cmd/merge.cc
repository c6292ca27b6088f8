#include "client/merge.h"

#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/render.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

using client::MergeChoice;
using client::MergeConflict;
using client::MergeConflictKind;
using client::MergeReport;
using client::MergeSide;

std::string_view word(MergeConflictKind kind) {
  switch (kind) {
    case MergeConflictKind::content:
      return "content";
    case MergeConflictKind::attributes:
      return "attributes";
    case MergeConflictKind::created:
      return "created";
    case MergeConflictKind::removed:
      return "removed";
    case MergeConflictKind::renamed:
      return "renamed";
  }
  return "content";
}

// What a line says of a conflict.
std::string_view reason(const MergeConflict& it) {
  switch (it.kind) {
    case MergeConflictKind::content:
      return "both changed it";
    case MergeConflictKind::attributes:
      return "both changed its attributes";
    case MergeConflictKind::created:
      return "both have something new of this name";
    case MergeConflictKind::removed:
      if (it.ours && it.theirs) return "one replaced it, the other changed it";
      return it.ours ? "changed here, removed there" : "removed here, changed there";
    case MergeConflictKind::renamed:
      if (!it.ours) return "removed here, renamed there";
      return it.theirs ? "both moved it" : "renamed here, removed there";
  }
  return "";
}

JsonObject side_json(const MergeSide& side) {
  JsonObject object;
  object.add("path", name_text(side.path)).add("kind", kind_name(side.kind));
  if (side.kind == codec::Kind::file) {
    object.add("generation", side.facts.generation)
        .add("size", side.facts.size)
        .add("digest", digest_text(side.facts.digest))
        .add("citation", citation(side.path, side.facts.generation));
  }
  return object;
}

void add_side(JsonObject& object, std::string_view name, const std::optional<MergeSide>& side) {
  if (side) {
    object.add(name, side_json(*side));
  } else {
    object.add_null(name);
  }
}

JsonObject conflict_json(const MergeConflict& it) {
  JsonObject object;
  object.add("path", name_text(it.path)).add("kind", word(it.kind));
  add_side(object, "base", it.base);
  add_side(object, "ours", it.ours);
  add_side(object, "theirs", it.theirs);
  return object;
}

std::string undo_of(const std::string& path, uint64_t version) {
  if (version == 0) return {};
  return str("nokv rollback ", path_argument(path), " --to v", version);
}

JsonObject report_json(const MergeReport& report, bool renew) {
  JsonObject counts;
  counts.add("created", report.counts.created)
      .add("removed", report.counts.removed)
      .add("renamed", report.counts.renamed)
      .add("content", report.counts.content)
      .add("attributes", report.counts.attributes);
  JsonArray conflicts;
  for (const auto& it : report.conflicts) conflicts.add(conflict_json(it));
  JsonObject object;
  object.add("merged", report.merged)
      .add("from", name_text(report.from))
      .add("to", name_text(report.to))
      .add("base_version", report.base_version)
      .add("from_version", report.from_version)
      .add("to_version", report.to_version)
      .add("changes", counts)
      .add("conflicts", conflicts);
  if (report.version != 0) object.add("version", report.version);
  std::string undo = undo_of(report.to, report.undo_version);
  if (!undo.empty()) object.add("undo", undo);
  if (renew) object.add("renewed", report.renewed);
  if (!report.not_renewed.empty()) object.add("not_renewed", report.not_renewed);
  undo = undo_of(report.from, report.renew_undo_version);
  if (!undo.empty()) object.add("renew_undo", undo);
  return object;
}

void print_side(Output& out, std::string_view whose, const std::optional<MergeSide>& side) {
  if (!side || side->kind != codec::Kind::file) return;
  out.line(str("    ", whose, citation(side->path, side->facts.generation), "  ",
               out.size(side->facts.size)));
}

void print(Context& context, const MergeReport& report, const client::MergeOptions& options) {
  Output& out = context.out;
  for (const auto& it : report.conflicts) {
    out.line(str(out.colored("conflict  ", "31"), name_shown(it.path), ": ", reason(it)));
    print_side(out, "ours    ", it.ours);
    print_side(out, "theirs  ", it.theirs);
  }
  std::string text;
  auto count = [&](uint64_t number, std::string_view what) {
    if (number != 0) text += str(text.empty() ? "" : ", ", number, " ", what);
  };
  count(report.counts.created, "created");
  count(report.counts.removed, "removed");
  count(report.counts.renamed, "renamed");
  count(report.counts.content, "changed");
  count(report.counts.attributes, "attributes");
  if (text.empty()) text = "nothing to do";
  bool written = report.merged && !options.dry_run;
  out.line(str(name_shown(report.to), ": ",
               !report.merged ? "not merged; without conflicts it would be "
               : written      ? "merged: "
                              : "would be merged: ",
               text));
  if (!report.merged) {
    out.note(
        "nothing was written; --ours, --theirs or --conflicts-to DIR say what to do with "
        "conflicts");
  }
  std::string undo = undo_of(report.to, report.undo_version);
  if (!undo.empty()) out.note(str("undo: ", undo));
  if (!options.renew || !written) return;
  if (!report.renewed) {
    out.note(str(name_shown(report.from), " stays as it is: ", report.not_renewed));
    return;
  }
  out.line(str(name_shown(report.from), ": is a new clone of ", name_shown(report.to)));
  out.note(str("undo: ", undo_of(report.from, report.renew_undo_version)));
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  client::MergeOptions options;
  NOKV_ASSIGN(options.from, context.path(args.positional(0)));
  if (args.positionals().size() > 1) {
    NOKV_ASSIGN(options.to, context.path(args.positional(1)));
  }
  options.at = args.text("at");
  bool ours = args.has("ours");
  bool theirs = args.has("theirs");
  bool aside = args.has("conflicts-to");
  if (int{ours} + int{theirs} + int{aside} > 1) {
    return context.usage("--ours, --theirs and --conflicts-to exclude each other");
  }
  if (ours) options.choice = MergeChoice::ours;
  if (theirs) options.choice = MergeChoice::theirs;
  if (aside) {
    options.choice = MergeChoice::aside;
    NOKV_ASSIGN(options.aside, context.path(args.text("conflicts-to")));
  }
  options.renew = args.has("renew");
  if (options.renew && !options.at.empty()) {
    return context.usage("--renew makes CLONE what TARGET is, so all of it is merged: no --at");
  }
  options.dry_run = args.has("check") || context.dry_run();
  options.call = context.call();
  NOKV_ASSIGN(Client * client, context.client());
  context.about(options.from);
  NOKV_ASSIGN(auto report, client::merge(*client, options));
  if (context.out.json()) {
    context.out.line(report_json(report, options.renew));
  } else {
    print(context, report, options);
  }
  if (!report.merged) return Exit::refused;
  return options.renew && !options.dry_run && !report.renewed ? Exit::partly : Exit::done;
}

}  // namespace

Command merge_row() {
  return {
      .name = "merge",
      .group = Group::time,
      .summary = "bring what a clone changed back to where it came from",
      .text =
          "Takes what CLONE changed since it and TARGET had a common state and does it to TARGET, "
          "in one transaction; without TARGET to the directory that it was cloned from. It takes "
          "time in proportion to what both changed, and bodies are shared, not copied. Where both "
          "changed the same in different ways it tells the conflict, writes nothing and ends with "
          "1, unless told how to decide. TARGET as it was is kept for the undo window, and the "
          "command line that brings it back is printed.",
      .positionals = {{.name = "CLONE", .kind = ValueKind::path},
                      {.name = "TARGET", .kind = ValueKind::path, .min = 0}},
      .options = {{.name = "check", .help = "tell conflicts and what would be done; write nothing"},
                  {.name = "ours", .help = "in a conflict TARGET stays as it is"},
                  {.name = "theirs", .help = "in a conflict CLONE wins"},
                  {.name = "conflicts-to",
                   .value = "DIR",
                   .kind = ValueKind::path,
                   .help = "in a conflict TARGET stays, and what CLONE has is put below DIR, which "
                           "does not exist yet"},
                  {.name = "renew",
                   .help = "then make CLONE a new clone of TARGET, to go on from there"},
                  at_option("CLONE as it was: a snapshot, v123, a time, an age")},
      .examples = {{"nokv merge --check /agents/7", ""},
                   {"nokv merge --renew /agents/7", ""},
                   {"nokv merge /agents/7 /datasets/base --conflicts-to /agents/7-conflicts", ""}},
      .run = run};
}

}  // namespace nokv::cli
