#include <algorithm>
#include <utility>
#include <vector>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

uint64_t entries_of(const codec::Totals& totals) { return totals.files + totals.directories; }

bool is_over(const codec::QuotaInfo& it) {
  return (it.quota.max_bytes != 0 && it.totals.bytes > it.quota.max_bytes) ||
         (it.quota.max_entries != 0 && entries_of(it.totals) > it.quota.max_entries);
}

void print(Output& out, const codec::QuotaInfo& it, uint64_t version, Table& table) {
  if (out.json()) return out.line(quota_json(it, version));
  std::string bytes = out.size(it.totals.bytes);
  if (it.quota.max_bytes != 0) bytes += " of " + out.size(it.quota.max_bytes);
  std::string entries = std::to_string(entries_of(it.totals));
  if (it.quota.max_entries != 0) entries += str(" of ", it.quota.max_entries);
  std::string_view note = !it.quota ? "  (no quota)" : is_over(it) ? "  (over)" : "";
  table.row({std::move(bytes), entries + " entries", str(name_shown(it.path), note)});
}

// "none" takes a limit away, as 0 does.
template <class Parse>
Result<std::optional<uint64_t>> limit(Context& context, std::string_view option, Parse&& parse) {
  if (!context.args.has(option)) return std::nullopt;
  const std::string& text = context.args.text(option);
  if (text == "none") return uint64_t{0};
  return context.as_usage(parse(text));
}

// What the directory's quota is by now; with a dry run, what it would be.
Result<> tell(Context& context, Client& client, const codec::SetQuota& op, uint64_t version) {
  NOKV_ASSIGN(auto reply, client.quota({.target = op.target}, context.call()));
  codec::QuotaInfo it = std::move(reply.quotas.at(0));
  if (context.dry_run()) {
    if (op.max_bytes) it.quota.max_bytes = *op.max_bytes;
    if (op.max_entries) it.quota.max_entries = *op.max_entries;
  }
  Table table;
  print(context.out, it, context.dry_run() ? reply.version : version, table);
  table.print(context.out);
  if (is_over(it)) {
    context.out.note(str(name_shown(it.path),
                         ": more is there already; until it is less, what adds to it is refused"));
  }
  return {};
}

Result<Exit> set(Context& context) {
  codec::SetQuota op;
  NOKV_ASSIGN(op.target.path, context.path(context.args.positional(0)));
  NOKV_ASSIGN(op.max_bytes, limit(context, "max-bytes", parse_size));
  NOKV_ASSIGN(op.max_entries, limit(context, "max-entries", parse_number));
  if (!op.max_bytes && !op.max_entries) {
    return context.usage("--max-bytes or --max-entries says how much may lie below it");
  }
  NOKV_ASSIGN(Client * client, context.client());
  context.about(op.target.path);
  NOKV_ASSIGN(auto done, client->set_quota(op, context.write_options()));
  // It is set; that it cannot be looked at now is no error of it.
  if (auto told = tell(context, *client, op, done.version); !told) {
    context.out.note(str(name_shown(op.target.path), ": set; ", told.error().message()));
  }
  return Exit::done;
}

Result<Exit> get(Context& context) {
  return for_each_path(
      context, context.args.positionals(),
      [&](Client& client, const ReadArgument& what) -> Result<> {
        NOKV_ASSIGN(auto reply,
                    client.quota({.target = {.path = what.path}, .at = what.at}, context.call()));
        context.shows(reply.version, reply.time_ns);
        Table table;
        for (const auto& it : reply.quotas) {
          print(context.out, it, reply.version, table);
        }
        table.print(context.out);
        return {};
      });
}

Result<Exit> list(Context& context) {
  codec::QuotasRequest request{.target = {.path = "/"}};
  if (!context.args.positionals().empty()) {
    NOKV_ASSIGN(request.target.path, context.path(context.args.positional(0)));
  }
  NOKV_ASSIGN(Client * client, context.client());
  context.about(request.target.path);
  std::vector<codec::QuotaInfo> all;
  codec::QuotasReply page;
  do {
    NOKV_ASSIGN(page, client->quotas(request, context.call()));
    std::ranges::move(page.quotas, std::back_inserter(all));
    request.after = page.next;
  } while (page.more);
  std::ranges::sort(all, {}, &codec::QuotaInfo::path);
  Table table;
  for (const auto& it : all) print(context.out, it, page.version, table);
  table.print(context.out);
  return Exit::done;
}

}  // namespace

Command quota_set_row() {
  return {.name = "quota set",
          .group = Group::upkeep,
          .summary = "limit what may lie below a directory",
          .text =
              "Bytes of files by their names, and files and directories together, as 'nokv du' "
              "counts them. What would be more is refused as a whole (quota_exceeded), whoever "
              "writes: files, appends, moves and clones into it, rollbacks. A limit of 0 or 'none' "
              "takes it away; one that is not given stays.\n\n"
              "When more is there already, it stays, and only what adds to it is refused. A quota "
              "belongs to the directory: it moves with it, and a clone has the same. A rollback "
              "leaves the quota of its directory as it is; those of directories below go back "
              "with them.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path}},
          .options = {{.name = "max-bytes",
                       .value = "SIZE",
                       .kind = ValueKind::text,
                       .help = "at most that many bytes, as in 500G; none: no limit"},
                      {.name = "max-entries",
                       .value = "N",
                       .kind = ValueKind::text,
                       .help = "at most that many files and directories; none: no limit"}},
          .examples = {{"nokv quota set /agents/7 --max-bytes 20GiB --max-entries 100000", ""},
                       {"nokv quota set /agents/7 --max-bytes none", ""}},
          .run = set};
}

Command quota_get_row() {
  return {.name = "quota get",
          .group = Group::upkeep,
          .summary = "show the quotas that bind in a directory",
          .text =
              "What lies below it and how much may, and after it the directories above it that "
              "have a quota: what is written has to fit into all of them.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .max = kAnyNumber}},
          .options = {at_option()},
          .examples = {{"nokv quota get /agents/7/work", ""}},
          .run = get};
}

Command quota_ls_row() {
  return {.name = "quota ls",
          .group = Group::upkeep,
          .summary = "list the directories that have a quota",
          .text =
              "Those at and below PATH, '/' without more; as fast for a million directories as for "
              "one. In a clone a directory is listed once something was changed at or below it; "
              "'nokv quota get' tells of all.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path, .min = 0}},
          .options = {},
          .examples = {{"nokv quota ls", ""}, {"nokv quota ls --json /agents", ""}},
          .run = list};
}

}  // namespace nokv::cli
