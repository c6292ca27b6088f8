#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/json_lines.h"
#include "cli/local_tree.h"
#include "cli/name_text.h"
#include "cli/near_miss.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/read_argument.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

constexpr uint64_t kListMax = 64 << 20;

// One thing of the set, before it becomes an operation.
struct Item {
  enum class Verb : uint8_t {
    file,
    remove,
    move
  };
  Verb verb = Verb::file;
  std::string path;
  std::string local;  // file
  std::string to;     // move
  WriteRules rules;
  std::string content_type;
  std::optional<std::string> producer;
};

class Set {
 public:
  Set(Context& context, WriteRules rules) : context_(context), rules_(rules) {}

  Result<> add_file(std::string_view pair) {
    size_t equals = pair.find("=/");
    if (equals == std::string_view::npos || equals == 0) {
      return std::unexpected(Error(Code::invalid_argument, str("'", pair, "' is no LOCAL=PATH"))
                                 .with_hint("write ./model.bin=/runs/1/model.bin"));
    }
    Item item{.local = std::string(pair.substr(0, equals)), .rules = rules_};
    NOKV_ASSIGN(item.path, context_.path(pair.substr(equals + 1)));
    items_.push_back(std::move(item));
    return {};
  }

  Result<> add_remove(std::string_view path) {
    Item item{.verb = Item::Verb::remove};
    NOKV_ASSIGN(item.path, context_.path(path));
    items_.push_back(std::move(item));
    return {};
  }

  Result<> add_move(std::string_view pair) {
    size_t equals = pair.find("=/");
    if (equals == std::string_view::npos || equals == 0) {
      return std::unexpected(Error(Code::invalid_argument, str("'", pair, "' is no A=B"))
                                 .with_hint("write /runs/tmp=/runs/1"));
    }
    Item item{.verb = Item::Verb::move};
    NOKV_ASSIGN(item.path, context_.path(pair.substr(0, equals)));
    NOKV_ASSIGN(item.to, context_.path(pair.substr(equals + 1)));
    items_.push_back(std::move(item));
    return {};
  }

  // {"local": ..., "path": ...} | {"remove": ...} | {"move": ..., "to": ...}
  Result<> add_line(std::string_view line) {
    NOKV_ASSIGN(auto fields, parse_json_line(line));
    auto take = [&](const std::string& name) {
      auto node = fields.extract(name);
      return node ? std::optional(std::move(node.mapped())) : std::nullopt;
    };
    auto local = take("local");
    auto path = take("path");
    auto remove = take("remove");
    auto move = take("move");
    auto to = take("to");
    if (remove && !path && !local && !move && !to && fields.empty()) return add_remove(*remove);
    if (move && to && !path && !local && !remove && fields.empty())
      return add_move(str(*move, "=", *to));
    if (!local || !path || remove || move || to) {
      return fail(Code::invalid_argument,
                  "needs 'local' and 'path', or 'remove', or 'move' and 'to'");
    }
    Item item{.local = *std::move(local), .rules = rules_};
    NOKV_ASSIGN(item.path, context_.path(*path));
    NOKV_TRY(take_rules(item, take));
    if (!fields.empty()) return unknown_field(fields.begin()->first);
    items_.push_back(std::move(item));
    return {};
  }

  Result<> add_list(std::string_view text) {
    uint64_t number = 0;
    while (!text.empty()) {
      size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (auto added = add_line(line); !added) {
        return std::unexpected(
            std::move(added).error().within(str(context_.args.text("from"), ":", number)));
      }
    }
    return {};
  }

  std::vector<Item>& items() { return items_; }

 private:
  static Result<> take_rules(Item& item, const auto& take) {
    item.content_type = take("content_type").value_or("");
    item.producer = take("producer");
    if (auto create = take("create"); create == "true") item.rules.exists = codec::Exists::create;
    if (auto replace = take("replace"); replace == "true") {
      item.rules.exists = codec::Exists::replace;
    }
    if (auto generation = take("if_generation")) {
      NOKV_ASSIGN(item.rules.if_generation, parse_number(*generation));
    }
    return {};
  }

  static Result<> unknown_field(const std::string& name) {
    std::string near = near_miss(name, {"local", "path", "remove", "move", "to", "content_type",
                                        "producer", "create", "replace", "if_generation"});
    return std::unexpected(Error(Code::invalid_argument, str("no field '", name, "'"))
                               .with_hint(near.empty() ? "'nokv help publish' lists them"
                                                       : str("did you mean '", near, "'?")));
  }

  Context& context_;
  WriteRules rules_;
  std::vector<Item> items_;
};

Result<Set> read_set(Context& context) {
  const Arguments& args = context.args;
  NOKV_ASSIGN(WriteRules rules, write_rules(context));
  Set set(context, rules);
  for (const auto& it : args.positionals()) NOKV_TRY(set.add_file(it));
  for (const auto& it : args.all("remove")) NOKV_TRY(set.add_remove(it));
  for (const auto& it : args.all("move")) NOKV_TRY(set.add_move(it));
  if (args.has("from")) {
    std::string text;
    if (args.text("from") == "-") {
      std::string buffer(64 << 10, '\0');
      while (true) {
        NOKV_ASSIGN(size_t got, context.doors.in(buffer));
        if (got == 0) break;
        text.append(buffer, 0, got);
        if (text.size() > kListMax) {
          return fail(Code::invalid_argument, "the list has more than ", kListMax, " bytes");
        }
      }
    } else {
      NOKV_ASSIGN(text, read_file(context.doors.env.files, args.text("from"), kListMax));
    }
    NOKV_TRY(set.add_list(text));
  }
  size_t files = 0;
  for (const auto& it : set.items()) files += it.verb == Item::Verb::file ? 1 : 0;
  if (rules.if_generation && files != 1) {
    return fail(Code::invalid_argument, "--if-generation goes with one file; in a list each line ",
                "can have its own if_generation");
  }
  if (set.items().empty()) return fail(Code::invalid_argument, "nothing to publish");
  if (set.items().size() > codec::kOperationsMax) {
    return fail(Code::invalid_argument, set.items().size(), " paths are too many for one set of ",
                codec::kOperationsMax);
  }
  return set;
}

client::WriteItem write_item(const Item& item, Progress& progress) {
  if (item.verb == Item::Verb::remove) {
    return {.op = codec::Remove{.target = {.path = item.path}, .keep_undo = true}};
  }
  if (item.verb == Item::Verb::move) {
    return {.op = codec::Rename{.from = {.path = item.path},
                                .to = {.path = item.to},
                                .parents = true,
                                .keep_undo = true}};
  }
  auto open = [local = item.local, &progress]() -> Result<std::unique_ptr<client::Source>> {
    NOKV_ASSIGN(auto source, LocalSource::open(local));
    source->on_read = [&progress](uint64_t bytes) { progress.add(bytes); };
    return source;
  };
  return {.op = codec::Publish{.target = {.path = item.path},
                               .exists = item.rules.exists,
                               .if_generation = item.rules.if_generation,
                               .parents = true,
                               .mode = 0644,
                               .uid = own_uid(),
                               .gid = own_gid(),
                               .keep_undo = true},
          .source = std::move(open),
          .body = {.content_type = item.content_type, .producer = item.producer}};
}

void print_item(Context& context, const Item& item, const codec::OperationResult& result,
                uint64_t version) {
  bool dry = context.dry_run();
  if (item.verb == Item::Verb::file) {
    return print_written(context.out, item.path, result, version, dry);
  }
  if (item.verb == Item::Verb::remove) {
    return print_changed(context.out, item.path, version,
                         undo_removed(item.path, result.undo_version), dry, "removed");
  }
  print_changed(context.out, item.to, version,
                str("nokv mv ", path_argument(item.to), " ", path_argument(item.path)), dry,
                str("moved from ", name_shown(item.path)));
}

Result<Exit> run(Context& context) {
  NOKV_ASSIGN(Set set, context.as_usage(read_set(context)));
  uint64_t total = 0;
  for (const auto& it : set.items()) {
    if (it.verb != Item::Verb::file) continue;
    NOKV_ASSIGN(LocalInfo info, context.as_usage(local_info(it.local)));
    if (info.kind != LocalKind::file) return context.usage(it.local, " is no regular file");
    total += info.size;
  }
  NOKV_ASSIGN(Client * client, context.client());
  Result<codec::CommitReply> reply = std::unexpected(Error(Code::unavailable, ""));
  {
    Progress progress(context.out, context.doors.env.clock, "publish", total);
    std::vector<client::WriteItem> items;
    for (const auto& it : set.items()) items.push_back(write_item(it, progress));
    reply = client->write(std::move(items), context.write_options());
  }
  if (!reply) return std::unexpected(std::move(reply).error());
  for (size_t i = 0; i < set.items().size() && i < reply->results.size(); ++i) {
    print_item(context, set.items()[i], reply->results[i], reply->version);
  }
  return Exit::done;
}

}  // namespace

Command publish_row() {
  return {
      .name = "publish",
      .group = Group::files,
      .summary = "publish a set of files, removals and renames: all or nothing",
      .text =
          "Nobody ever sees a part of the set. Bodies are uploaded first; then everything takes "
          "place in the order given, as one transaction.\n\n"
          "LIST holds one JSON object per line: {\"local\": FILE, \"path\": PATH}, with "
          "content_type, producer, create, replace or if_generation where wanted; "
          "{\"remove\": PATH}; or {\"move\": PATH, \"to\": PATH}. '-' reads it from standard "
          "input.",
      .positionals =
          {{.name = "LOCAL=PATH", .kind = ValueKind::local, .min = 0, .max = kAnyNumber}},
      .options = with_write_options({{.name = "remove",
                                      .value = "PATH",
                                      .kind = ValueKind::path,
                                      .help = "a path that goes",
                                      .repeated = true},
                                     {.name = "move",
                                      .value = "A=B",
                                      .kind = ValueKind::text,
                                      .help = "a path that gets another name",
                                      .repeated = true},
                                     {.name = "from",
                                      .value = "LIST",
                                      .kind = ValueKind::local,
                                      .help = "more of the set, one JSON object per line"}}),
      .examples =
          {{"nokv publish model.bin=/m/model.bin eval.json=/m/eval.json --remove /m/PENDING", ""}},
      .run = run};
}

}  // namespace nokv::cli
