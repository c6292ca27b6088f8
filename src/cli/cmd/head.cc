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

constexpr size_t kPiece = 256 << 10;

Result<> head_lines(Output& out, client::Reader& reader, uint64_t lines) {
  uint64_t offset = 0;
  while (lines > 0 && offset < reader.size() && !out.closed()) {
    NOKV_ASSIGN(std::string piece, reader.read_at(offset, kPiece));
    if (piece.empty()) break;
    size_t end = 0;
    while (lines > 0 && end < piece.size()) {
      size_t newline = piece.find('\n', end);
      end = newline == std::string::npos ? piece.size() : newline + 1;
      if (newline != std::string::npos) --lines;
    }
    out.write(std::string_view(piece).substr(0, end));
    offset += piece.size();
  }
  return {};
}

Result<> head_one(Context& context, Client& client, const ReadArgument& what) {
  NOKV_ASSIGN(auto reader, open_argument(context, client, what));
  if (auto bytes = context.args.size("size")) {
    OutputSink sink(context.out);
    NOKV_TRY(reader->copy_to(sink, 0, *bytes));
    return {};
  }
  return head_lines(context.out, *reader, context.args.number("lines").value_or(10));
}

Result<Exit> run(Context& context) {
  return for_each_path(
      context, context.args.positionals(),
      [&](Client& client, const ReadArgument& what) { return head_one(context, client, what); });
}

}  // namespace

Command head_row() {
  return {.name = "head",
          .group = Group::files,
          .summary = "write the beginning of a file",
          .text = "Ten lines without more. Reads only what it writes, up to a piece.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path}},
          .options = {{.name = "lines",
                       .letter = 'n',
                       .value = "N",
                       .kind = ValueKind::number,
                       .help = "the first N lines"},
                      {.name = "size",
                       .letter = 'c',
                       .value = "N",
                       .kind = ValueKind::size,
                       .help = "the first N bytes"},
                      at_option()},
          .examples = {{"nokv head -n 3 /runs/1/metrics.jsonl", ""}},
          .run = run};
}

}  // namespace nokv::cli
