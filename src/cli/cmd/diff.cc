#include <map>
#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/render.h"
#include "cli/text_diff.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

using codec::Difference;
using codec::DifferenceKind;

std::string_view word(DifferenceKind change) {
  switch (change) {
    case DifferenceKind::created:
      return "created";
    case DifferenceKind::removed:
      return "removed";
    case DifferenceKind::renamed:
      return "renamed";
    case DifferenceKind::content:
      return "content";
    case DifferenceKind::attributes:
      return "attributes";
    case DifferenceKind::none:
      break;
  }
  return "none";
}

JsonObject facts_json(const codec::BodyFacts& facts) {
  JsonObject object;
  object.add("generation", facts.generation)
      .add("size", facts.size)
      .add("digest", digest_text(facts.digest));
  return object;
}

JsonObject difference_json(const Difference& it) {
  JsonObject object;
  object.add("change", word(it.change)).add("path", name_text(it.path));
  if (!it.old_path.empty()) object.add("old_path", name_text(it.old_path));
  object.add("kind", kind_name(it.kind));
  if (it.kind != codec::Kind::file) return object;
  if (it.change != DifferenceKind::created) object.add("old", facts_json(it.old));
  if (it.change != DifferenceKind::removed) object.add("new", facts_json(it.now));
  return object;
}

// Reads and shows one comparison.
class Differences {
 public:
  Differences(Context& context, Client& client, codec::DiffRequest request)
      : context_(context), client_(client), request_(std::move(request)) {}

  Result<Exit> run() {
    for (;;) {
      NOKV_ASSIGN(auto page, client_.diff(request_, context_.call()));
      for (const Difference& it : page.differences) NOKV_TRY(show(it));
      if (!page.more || context_.out.closed()) break;
      request_.cursor = page.cursor;
    }
    if (context_.args.has("stat") && !context_.out.json()) summary();
    return Exit::done;
  }

 private:
  Result<> show(const Difference& it) {
    ++counts_[it.change];
    if (it.change != DifferenceKind::renamed) {
      came_ += it.now.size;
      went_ += it.old.size;
    }
    Output& out = context_.out;
    if (out.json()) {
      out.line(difference_json(it));
    } else if (context_.args.has("stat")) {
      return {};
    } else if (context_.args.has("name-only")) {
      out.line(name_shown(it.path));
    } else {
      line(it);
      if (it.change == DifferenceKind::content && it.kind == codec::Kind::file) return text(it);
    }
    return {};
  }

  void line(const Difference& it) {
    std::string what(word(it.change));
    what.resize(11, ' ');
    std::string_view color = it.change == DifferenceKind::created   ? "32"
                             : it.change == DifferenceKind::removed ? "31"
                                                                    : "33";
    std::string name = name_shown(it.path);
    if (it.change == DifferenceKind::renamed) name = str(name_shown(it.old_path), " -> ", name);
    std::string size;
    if (it.kind == codec::Kind::directory) {
      name += '/';
    } else if (it.change == DifferenceKind::content) {
      size = str("  ", context_.out.size(it.old.size), " -> ", context_.out.size(it.now.size));
    } else if (it.change == DifferenceKind::created) {
      size = str("  ", context_.out.size(it.now.size));
    }
    context_.out.line(str(context_.out.colored(what, color), name, size));
  }

  Result<> text(const Difference& it) {
    if (!context_.args.has("unified") || it.old.size > kTextMax || it.now.size > kTextMax)
      return {};
    const std::string& old_path = it.old_path.empty() ? it.path : it.old_path;
    NOKV_ASSIGN(std::string before, read(old_path, request_.from));
    NOKV_ASSIGN(std::string after, read(it.path, request_.to));
    if (!is_text(before) || !is_text(after)) return {};
    auto shown = unified_diff(before, after, name_shown(old_path), name_shown(it.path));
    context_.out.write(shown ? *shown : std::string("(more lines differ than are shown)\n"));
    return {};
  }

  Result<std::string> read(const std::string& path, const std::string& at) {
    NOKV_ASSIGN(auto reader, client_.open_read({.target = {.path = path},
                                                .at = {.at = at},
                                                .length = kTextMax,
                                                .call = context_.call()}));
    return reader->read_at(0, reader->size());
  }

  void summary() {
    std::string text;
    for (const auto& [change, count] : counts_) {
      text += str(text.empty() ? "" : ", ", count, " ", word(change));
    }
    if (text.empty()) text = "no difference";
    context_.out.line(
        str(text, "; ", context_.out.size(came_), " came, ", context_.out.size(went_), " went"));
  }

  Context& context_;
  Client& client_;
  codec::DiffRequest request_;
  std::map<DifferenceKind, uint64_t> counts_;
  uint64_t came_ = 0;
  uint64_t went_ = 0;
};

Result<Exit> run(Context& context) {
  const Arguments& args = context.args;
  codec::DiffRequest request;
  NOKV_ASSIGN(request.a.path, context.path(args.positional(0)));
  request.b.path = request.a.path;
  bool two = args.positionals().size() > 1;
  if (two) {
    NOKV_ASSIGN(request.b.path, context.path(args.positional(1)));
  }
  request.from = args.text("from");
  request.to = args.text("to");
  if (!two && request.from.empty()) {
    return context.usage("one path is compared with itself: --from says which version");
  }
  NOKV_ASSIGN(Client * client, context.client());
  context.about(request.a.path);
  return Differences(context, *client, std::move(request)).run();
}

}  // namespace

Command diff_row() {
  return {.name = "diff",
          .group = Group::time,
          .summary = "show what differs between versions of a path, or a clone and its source",
          .text =
              "One path: it at --from and at --to. Two paths: A at --from and B at --to; one of "
              "them came from the other by clone or rollback, or both from a third. It takes time "
              "in proportion to what changed. A file that has another name now is told as renamed; "
              "times alone are no difference.",
          .positionals = {{.name = "A", .kind = ValueKind::path},
                          {.name = "B", .kind = ValueKind::path, .min = 0}},
          .options = {{.name = "from",
                       .value = "AT",
                       .kind = ValueKind::at,
                       .help = "A as it was: a snapshot, v123, a time, an age"},
                      {.name = "to",
                       .value = "AT",
                       .kind = ValueKind::at,
                       .help = "B as it was; now without it"},
                      {.name = "stat", .help = "only counts and sizes"},
                      {.name = "name-only", .help = "only paths"},
                      {.name = "unified",
                       .letter = 'u',
                       .help = "the lines that differ in text files of up to 1 MiB"}},
          .examples = {{"nokv diff --from 10m /runs", ""},
                       {"nokv diff -u /datasets/base /agents/7", ""}},
          .run = run};
}

}  // namespace nokv::cli
