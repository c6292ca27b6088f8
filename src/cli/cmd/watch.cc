#include <array>
#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/render.h"
#include "cli/values.h"
#include "codec/event_cursor.h"

namespace nokv::cli {
namespace {

using codec::EventKind;
using codec::WatchEvent;

constexpr std::array kKinds = {EventKind::created,          EventKind::published,
                               EventKind::attributes,       EventKind::xattr,
                               EventKind::renamed,          EventKind::linked,
                               EventKind::removed,          EventKind::cloned,
                               EventKind::rolled_back,      EventKind::snapshot_created,
                               EventKind::snapshot_removed, EventKind::moment};
constexpr Duration kForEver = std::chrono::hours(24 * 365);

// "created,removed" as event_kinds(). Errors: invalid_argument, naming the word.
Result<uint32_t> parse_kinds(std::string_view text) {
  uint32_t out = 0;
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    uint32_t before = out;
    for (auto kind : kKinds) {
      if (word == change_name(kind)) out |= client::event_kinds({kind});
    }
    if (out != before) continue;
    std::string all;
    for (auto kind : kKinds) all += str(all.empty() ? "" : ", ", change_name(kind));
    return fail(Code::invalid_argument, "--kinds: '", word, "' is none of ", all);
  }
  if (out == 0) return fail(Code::invalid_argument, "--kinds names no kind");
  return out;
}

void print(Output& out, const WatchEvent& it, const std::string& cursor) {
  if (out.json()) return out.line(event_json(it, cursor));
  const codec::Event& event = it.event;
  std::string line = str(short_time(it.time_ns), "  ", change_name(event.kind), "  ");
  if (!event.old_path.empty()) line += str(name_shown(event.old_path), " -> ");
  line += name_shown(event.path);
  if (event.node_kind == codec::Kind::directory && event.path != "/") line += '/';
  if (event.generation != 0) {
    line += str("  generation ", event.generation, ", ", out.size(event.size));
  }
  out.line(line);
}

std::vector<std::pair<std::string, std::string>> variables(const WatchEvent& it,
                                                           const std::string& cursor) {
  const codec::Event& event = it.event;
  return {{"NOKV_EVENT_CURSOR", cursor},
          {"NOKV_EVENT_CHANGE", std::string(change_name(event.kind))},
          {"NOKV_EVENT_COVERS_SUBTREE", event.covers_subtree ? "true" : "false"},
          {"NOKV_EVENT_PATH", event.path},
          {"NOKV_EVENT_OLD_PATH", event.old_path},
          {"NOKV_EVENT_ID", event.id.text()},
          {"NOKV_EVENT_KIND", std::string(kind_name(event.node_kind))},
          {"NOKV_EVENT_GENERATION", std::to_string(event.generation)},
          {"NOKV_EVENT_OLD_GENERATION", std::to_string(event.old_generation)},
          {"NOKV_EVENT_SIZE", std::to_string(event.size)},
          {"NOKV_EVENT_TIME", rfc3339(it.time_ns)},
          {"NOKV_EVENT_PRINCIPAL", it.principal},
          {"NOKV_EVENT_VERSION", std::to_string(it.version)}};
}

// What became of the events that were handled.
struct Handled {
  uint64_t done = 0;
  uint64_t failed = 0;
};

// Errors: those of starting the command.
Result<> handle(Context& context, const WatchEvent& it, const std::string& cursor,
                Handled& handled) {
  if (!context.args.has("exec") || context.dry_run()) {
    print(context.out, it, cursor);
    ++handled.done;
    return {};
  }
  context.out.flush();
  const std::string& command = context.args.text("exec");
  NOKV_ASSIGN(int code, context.doors.run_shell(command, event_json(it, cursor).text() + "\n",
                                                variables(it, cursor)));
  ++(code == 0 ? handled.done : handled.failed);
  if (code != 0) {
    context.out.warn(str("nokv watch: '", command, "' ended with ", code, " for the event ", cursor,
                         " of ", it.event.path));
  }
  return {};
}

void tell_cursor(Context& context, const client::Watcher& watcher) {
  context.out.note(str("nokv watch: go on with --since ", watcher.cursor()));
}

Result<Handled> follow(Context& context, client::Watcher& watcher) {
  Handled handled;
  auto wait = context.args.duration("timeout").value_or(kForEver);
  uint64_t count = context.args.number("count").value_or(UINT64_MAX);
  while (handled.done + handled.failed < count && !context.out.closed()) {
    if (!watcher.at_hand()) context.out.flush();
    auto event = watcher.next(wait);
    if (!event && context.doors.stop.stop_requested()) break;  // how watching ends
    if (!event) {
      context.out.flush();
      if (event.error().code() != Code::cursor_too_old) tell_cursor(context, watcher);
      return std::unexpected(std::move(event).error());
    }
    if (!*event) break;
    NOKV_TRY(handle(context, **event, watcher.cursor(), handled));
  }
  context.out.flush();
  tell_cursor(context, watcher);
  return handled;
}

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  NOKV_ASSIGN(std::string path, context.path(args.positional(0)));
  client::WatchOptions options{.path = path,
                               .here_only = args.has("no-recursive"),
                               .since = args.text("since"),
                               .call = context.call()};
  if (args.has("kinds")) {
    NOKV_ASSIGN(options.kinds, context.as_usage(parse_kinds(args.text("kinds"))));
  }
  if (args.number("count").value_or(1) == 0) return context.usage("--count takes a number above 0");
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  NOKV_ASSIGN(auto watcher, client->watch(options));
  context.out.note(str("nokv watch: ", path, " from ", watcher.cursor()));
  NOKV_ASSIGN(Handled handled, follow(context, watcher));
  return Context::exit_of_many(handled.done, handled.failed, std::nullopt);
}

}  // namespace

Command watch_row() {
  return {
      .name = "watch",
      .group = Group::time,
      .summary = "tell what changes, as it happens or since then",
      .text =
          "One event a line: of PATH and everything below it; of a tree above it that is removed, "
          "renamed, cloned or rolled back; of a rename by either path. PATH need not exist, and "
          "symbolic links in it are not followed. Nothing is missed and nothing comes twice, also "
          "when the server is restarted meanwhile.\n\n"
          "Each event has a cursor, a word that stands right behind it: --since CURSOR goes on "
          "from there. 'oldest' is as far back as the log reaches (7 days or 4 GiB unless set "
          "otherwise); AT is what --at accepts elsewhere. A cursor from before is refused with "
          "the code cursor_too_old and the oldest one that works.\n\n"
          "With --exec the command runs once for each event, one after another, with the event as "
          "JSON on its standard input and in the variables NOKV_EVENT_CURSOR, _CHANGE, _PATH, "
          "_OLD_PATH, _ID, _KIND, _GENERATION, _OLD_GENERATION, _SIZE, _TIME, _PRINCIPAL, _VERSION "
          "and _COVERS_SUBTREE; the events themselves are not written then. A command that fails "
          "is told on stderr, the watch goes on, and ends with 3 (1 when all failed).\n\n"
          "It ends with 0 after --count events, when none came for --timeout, and when it is "
          "interrupted. Moments, which the server makes by itself, are told only when --kinds "
          "names them.",
      .positionals = {{.name = "PATH", .kind = ValueKind::path}},
      .options =
          {{.name = "kinds",
            .value = "KIND,...",
            .kind = ValueKind::text,
            .help = "only these: created, published, attributes, xattr, renamed, linked, "
                    "removed, cloned, rolled_back, snapshot_created, snapshot_removed, "
                    "moment"},
           {.name = "since",
            .value = "CURSOR|oldest|AT",
            .kind = ValueKind::text,
            .help = "events after that"},
           {.name = "count", .value = "N", .kind = ValueKind::number, .help = "end after N events"},
           {.name = "timeout",
            .value = "TIME",
            .kind = ValueKind::duration,
            .help = "end when there was no event for so long"},
           {.name = "no-recursive", .help = "only PATH and the entries of it"},
           {.name = "exec",
            .value = "COMMAND",
            .kind = ValueKind::text,
            .help = "run it with a shell for each event"}},
      .examples = {{"nokv watch /runs --kinds created,published", ""},
                   {"nokv --json watch / --since oldest --timeout 0s",
                    "all that the log still tells"},
                   {"nokv watch /inbox --kinds created --exec ./take-in.sh", ""}},
      .run = run};
}

}  // namespace nokv::cli
