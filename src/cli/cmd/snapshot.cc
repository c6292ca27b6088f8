#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/near_miss.h"
#include "cli/paths.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

Result<std::vector<codec::Label>> parse_labels(const std::vector<std::string>& texts) {
  std::vector<codec::Label> labels;
  for (const auto& it : texts) {
    size_t equals = it.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return fail(Code::invalid_argument, "'", it, "' is no label; write key=value");
    }
    labels.push_back({.key = it.substr(0, equals), .value = it.substr(equals + 1)});
  }
  return labels;
}

void print(Output& out, const codec::SnapshotInfo& it, Table& table) {
  if (out.json()) return out.line(snapshot_json(it));
  std::string labels;
  for (const auto& label : it.labels) {
    labels += str(labels.empty() ? "" : " ", printable(label.key), "=", printable(label.value));
  }
  constexpr std::string_view kKinds[] = {"snapshot", "moment", "undo", "clone"};
  std::string name = it.kind == codec::PinKind::snapshot
                         ? name_shown(it.name)
                         : str("(", kKinds[static_cast<size_t>(it.kind) & 3], ")");
  table.row({std::move(name), str("v", it.version), short_time(it.time_ns), name_shown(it.path),
             it.expires_ns == 0 ? "kept" : str("until ", short_time(it.expires_ns)),
             std::move(labels)});
}

// The snapshot as the server lists it now; after a change of it.
Result<Exit> tell(Context& context, Client& client, const std::string& name, uint64_t version,
                  std::string_view what) {
  if (!context.out.json()) {
    context.out.line(
        str("snapshot ", name_shown(name), ": ", context.dry_run() ? "would be " : "", what));
    return Exit::done;
  }
  NOKV_ASSIGN(auto all, client.snapshots({}, context.call()));
  for (const auto& it : all.snapshots) {
    if (it.name != name || it.kind != codec::PinKind::snapshot) continue;
    context.out.line(snapshot_json(it));
    return Exit::done;
  }
  context.out.line(snapshot_json({.name = name, .version = version}));
  return Exit::done;
}

Result<Exit> create(Context& context) {
  const Arguments& args = context.args;
  std::string name = name_bytes(args.positional(0));
  std::string path = "/";
  if (args.positionals().size() > 1) {
    NOKV_ASSIGN(path, context.path(args.positional(1)));
  }
  NOKV_ASSIGN(auto labels, context.as_usage(parse_labels(args.all("label"))));
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  int64_t ttl = args.duration("expires").value_or(Duration(0)).count();
  NOKV_ASSIGN(auto made,
              client->snapshot_create(
                  {.name = name, .target = {.path = path}, .ttl_ns = ttl, .labels = labels},
                  context.write_options()));
  if (!context.out.json()) {
    uint64_t version = made.result.snapshot_version;
    return tell(context, *client, name, version,
                str("made of ", name_shown(path), " at v", version));
  }
  // Told from what is known here: nothing can have changed it since.
  context.out.line(snapshot_json({.name = name,
                                  .id = made.result.pin,
                                  .path = path,
                                  .version = made.result.snapshot_version,
                                  .time_ns = made.time_ns,
                                  .expires_ns = made.result.expires_ns,
                                  .labels = std::move(labels)}));
  return Exit::done;
}

Result<Exit> list(Context& context) {
  codec::SnapshotsRequest request{.all_pins = context.args.has("all")};
  if (!context.args.positionals().empty()) {
    NOKV_ASSIGN(request.target.path, context.path(context.args.positional(0)));
    context.about(request.target.path);
  }
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(auto reply, client->snapshots(request, context.call()));
  Table table;
  for (const auto& it : reply.snapshots) print(context.out, it, table);
  table.print(context.out);
  return Exit::done;
}

// Near misses among the snapshots' names, for one that is not there.
Error with_near_snapshot(Context& context, Client& client, Error error, const std::string& name) {
  if (error.code() != Code::not_found || !error.hint().empty()) return error;
  auto all = client.snapshots({}, context.call());
  if (!all) return error;
  std::vector<std::string> names;
  for (const auto& it : all->snapshots) {
    if (!it.name.empty()) names.push_back(it.name);
  }
  std::string near = near_miss(name, names);
  if (near.empty()) return error;
  return std::move(error).with_hint(str("did you mean ", shell_quoted(near), "?"));
}

Result<Exit> remove(Context& context) {
  NOKV_ASSIGN(Client * client, context.client());
  size_t done = 0;
  size_t failed = 0;
  std::optional<Error> worst;
  const auto& names = context.args.positionals();
  NOKV_TRY(context.confirm(str(
      "remove ", names.size() == 1 ? str("snapshot ", names[0]) : str(names.size(), " snapshots"),
      " for ever?")));
  for (const auto& text : names) {
    std::string name = name_bytes(text);
    auto removed = client->snapshot_remove({.name = name}, context.write_options());
    if (removed) {
      ++done;
      if (context.out.json()) {
        context.out.line(JsonObject()
                             .add("name", name_text(name))
                             .add("path", removed->result.path)
                             .add("version", removed->version));
      } else if (context.dry_run()) {
        context.out.line(str("snapshot ", name_shown(name), ": would be removed"));
      }
      continue;
    }
    ++failed;
    worst = with_near_snapshot(context, *client, std::move(removed).error(), name);
    if (names.size() == 1) return std::unexpected(*std::move(worst));
    context.report(*worst, "");
  }
  return Context::exit_of_many(done, failed, worst);
}

Result<Exit> renew(Context& context) {
  std::string name = name_bytes(context.args.positional(0));
  NOKV_ASSIGN(Client * client, context.client());
  Duration ttl = context.args.duration("expires").value_or(Duration(0));
  auto renewed =
      client->snapshot_renew({.name = name, .ttl_ns = ttl.count()}, context.write_options());
  if (!renewed) {
    return std::unexpected(with_near_snapshot(context, *client, std::move(renewed).error(), name));
  }
  return tell(context, *client, name, renewed->version,
              ttl.count() == 0 ? "kept until it is removed" : str("kept for ", duration_text(ttl)));
}

// "1s:1m,10s:10m", or "none".
Result<std::vector<codec::LadderStep>> parse_moments(std::string_view text) {
  std::vector<codec::LadderStep> ladder;
  if (text == "none") return ladder;
  while (true) {
    size_t end = text.find(',');
    std::string_view step = text.substr(0, end);
    size_t colon = step.find(':');
    if (colon == std::string_view::npos) {
      return fail(Code::invalid_argument, "'", step, "' is no step; write EVERY:FOR, as in 1m:1h");
    }
    NOKV_ASSIGN(Duration every, parse_duration(step.substr(0, colon)));
    NOKV_ASSIGN(Duration how_long, parse_duration(step.substr(colon + 1)));
    if (every.count() <= 0 || how_long < every) {
      return fail(Code::invalid_argument, "'", step, "': every ", duration_text(every), " for ",
                  duration_text(how_long), " keeps nothing");
    }
    if (!ladder.empty() && every.count() <= ladder.back().every_ns) {
      return fail(Code::invalid_argument, "'", step, "': steps go from fine to coarse");
    }
    ladder.push_back({.every_ns = every.count(), .for_ns = how_long.count()});
    if (end == std::string_view::npos) return ladder;
    text.remove_prefix(end + 1);
  }
}

void print_policy(Output& out, const codec::RetentionPolicy& policy, uint64_t version) {
  if (out.json()) return out.line(policy_json(policy, version));
  out.line(str("moments  ", moments_text(policy)));
  out.line(str("undo     ", duration_text(Duration{policy.undo_ns})));
}

Result<Exit> policy(Context& context) {
  const Arguments& args = context.args;
  std::optional<std::vector<codec::LadderStep>> ladder;
  if (args.has("moments")) {
    NOKV_ASSIGN(ladder, context.as_usage(parse_moments(args.text("moments"))));
  }
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(auto reply, client->policy(context.call()));
  uint64_t version = 0;
  if (ladder || args.has("undo")) {
    if (ladder) reply.policy.ladder = *std::move(ladder);
    if (auto undo = args.duration("undo")) reply.policy.undo_ns = undo->count();
    NOKV_ASSIGN(auto done, client->set_policy(reply.policy, context.write_options()));
    version = done.version;
  }
  print_policy(context.out, reply.policy, version);
  return Exit::done;
}

Option expires_option(std::string_view help) {
  return {.name = "expires", .value = "TIME", .kind = ValueKind::duration, .help = help};
}

constexpr Positional kName = {.name = "NAME"};

}  // namespace

Command snapshot_create_row() {
  return {.name = "snapshot create",
          .group = Group::time,
          .summary = "keep a directory as it is now, under a name",
          .text =
              "Takes the same time for a million files as for one. PATH is '/' without more. The "
              "name is unique in the namespace, and none that reads as a version, a time or an "
              "age. Every reading command takes it as --at.",
          .positionals = {kName, {.name = "PATH", .kind = ValueKind::path, .min = 0}},
          .options = {expires_option("remove it by itself after that time"),
                      {.name = "label",
                       .value = "KEY=VALUE",
                       .kind = ValueKind::text,
                       .help = "a note for people and scripts",
                       .repeated = true}},
          .examples = {{"nokv snapshot create nightly /runs --expires 30d --label job=7", ""}},
          .run = create};
}

Command snapshot_ls_row() {
  return {.name = "snapshot ls",
          .group = Group::time,
          .summary = "list snapshots",
          .text = "With PATH those of it and of what lies above it.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0}},
          .options = {{.name = "all", .help = "moments and undo pins as well"}},
          .examples = {{"nokv snapshot ls --all", ""}},
          .run = list};
}

Command snapshot_rm_row() {
  return {.name = "snapshot rm",
          .group = Group::time,
          .summary = "remove snapshots",
          .text = "What only they kept is freed in the background.",
          .positionals = {{.name = "NAME", .max = kAnyNumber}},
          .options = {},
          .examples = {{"nokv snapshot rm nightly", ""}},
          .run = remove};
}

Command snapshot_renew_row() {
  return {.name = "snapshot renew",
          .group = Group::time,
          .summary = "keep a snapshot longer",
          .text = "The time counts from now; without --expires it is kept until it is removed.",
          .positionals = {kName},
          .options = {expires_option("from now")},
          .examples = {{"nokv snapshot renew nightly --expires 30d", ""}},
          .run = renew};
}

Command snapshot_policy_row() {
  return {.name = "snapshot policy",
          .group = Group::time,
          .summary = "show or set what is kept of the recent past",
          .text =
              "Moments are made by themselves when something changed, and thinned out: a step "
              "EVERY:FOR keeps one for each EVERY, for FOR. Undo is how long what a command "
              "removed or replaced can be brought back.",
          .positionals = {},
          .options = {{.name = "moments",
                       .value = "STEPS",
                       .kind = ValueKind::text,
                       .help = "EVERY:FOR,... from fine to coarse, or none"},
                      {.name = "undo",
                       .value = "TIME",
                       .kind = ValueKind::duration,
                       .help = "how long removals can be undone"}},
          .examples = {{"nokv snapshot policy --moments 1s:1m,1m:1h,1h:24h --undo 24h", ""}},
          .run = policy};
}

}  // namespace nokv::cli
