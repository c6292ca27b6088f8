#include <algorithm>
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

using namespace std::chrono_literals;

constexpr uint64_t kPiece = 256 << 10;
constexpr Duration kLookAgain = 500ms;

// Where the last `lines` lines begin.
Result<uint64_t> begin_of_lines(client::Reader& reader, uint64_t lines) {
  uint64_t end = reader.size();
  uint64_t at = end;
  if (lines == 0) return end;
  while (at > 0) {
    uint64_t from = at - std::min(at, kPiece);
    NOKV_ASSIGN(std::string piece, reader.read_at(from, at - from));
    // A newline that ends the file ends its last line; it divides nothing.
    size_t look = piece.size();
    if (at == end && look > 0 && piece[look - 1] == '\n') --look;
    while (look > 0) {
      size_t newline = piece.rfind('\n', look - 1);
      if (newline == std::string::npos) break;
      if (--lines == 0) return from + newline + 1;
      look = newline;
    }
    at = from;
  }
  return 0;
}

Result<> write_from(Context& context, client::Reader& reader, uint64_t offset) {
  OutputSink sink(context.out);
  NOKV_TRY(reader.copy_to(sink, offset));
  return {};
}

// Waits until something happened to the file, or a moment: its path may lead through symbolic
// links, of which the watch knows nothing.
Result<> wait(client::Watcher& watcher) {
  NOKV_TRY(watcher.next(kLookAgain));
  // A reader that is slow looks once for all that happened meanwhile.
  while (watcher.at_hand()) NOKV_TRY(watcher.next(Duration::zero()));
  return {};
}

// Goes on writing what is added, for as long as it is read. A file that was replaced is written
// from its beginning; one that is gone is waited for.
Result<> follow(Context& context, Client& client, const std::string& path, uint64_t size,
                uint64_t generation) {
  context.out.flush();
  NOKV_ASSIGN(auto watcher,
              client.watch({.path = path, .here_only = true, .call = context.call()}));
  for (bool first = true; !context.out.closed(); first = false) {
    if (!first) NOKV_TRY(wait(watcher));
    auto stat = client.stat({.path = path}, {.follow = true, .call = context.call()});
    if (!stat && stat.error().code() == Code::not_found) continue;
    if (!stat) return std::unexpected(std::move(stat).error());
    const codec::Body& body = stat->entry.body;
    if (body.generation == generation) continue;
    auto reader = open_argument(context, client, {.path = path});
    if (!reader && reader.error().code() == Code::not_found) continue;
    if (!reader) return std::unexpected(std::move(reader).error());
    uint64_t now = (*reader)->size();
    if (now < size) {
      context.out.note(str("nokv tail: ", path, " was replaced by a shorter file"));
      size = 0;
    }
    NOKV_TRY(write_from(context, **reader, size));
    context.out.flush();
    size = now;
    generation = (*reader)->entry().body.generation;
  }
  return {};
}

Result<> tail_one(Context& context, Client& client, const ReadArgument& what) {
  const Arguments& args = context.args;
  uint64_t size = 0;
  uint64_t generation = 0;
  {
    NOKV_ASSIGN(auto reader, open_argument(context, client, what));
    size = reader->size();
    generation = reader->entry().body.generation;
    uint64_t from = 0;
    if (auto bytes = args.size("size")) {
      from = size - std::min(size, *bytes);
    } else {
      NOKV_ASSIGN(from, begin_of_lines(*reader, args.number("lines").value_or(10)));
    }
    NOKV_TRY(write_from(context, *reader, from));
  }
  if (!args.has("follow")) return {};
  auto followed = follow(context, client, what.path, size, generation);
  // An interrupt is how following ends.
  if (!followed && context.doors.stop.stop_requested()) return {};
  return followed;
}

Result<Exit> run(Context& context) {
  if (context.args.has("follow") && context.args.has("at")) {
    return context.usage("--follow and --at exclude each other: the past does not grow");
  }
  return for_each_path(
      context, context.args.positionals(),
      [&](Client& client, const ReadArgument& what) { return tail_one(context, client, what); });
}

}  // namespace

Command tail_row() {
  return {.name = "tail",
          .group = Group::files,
          .summary = "write the end of a file, and follow it",
          .text =
              "Ten lines without more. With -f it goes on with what is appended until it is "
              "interrupted; a file that becomes shorter is written again from its beginning.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path}},
          .options = {{.name = "lines",
                       .letter = 'n',
                       .value = "N",
                       .kind = ValueKind::number,
                       .help = "the last N lines"},
                      {.name = "size",
                       .letter = 'c',
                       .value = "N",
                       .kind = ValueKind::size,
                       .help = "the last N bytes"},
                      {.name = "follow", .letter = 'f', .help = "go on with what is added"},
                      at_option()},
          .examples = {{"nokv tail -f /runs/1/train.log", ""}},
          .run = run};
}

}  // namespace nokv::cli
