#include "cli/output.h"

#include <algorithm>
#include <utility>

#include "cli/name_text.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

constexpr size_t kPendingBytes = 64 << 10;

// "a1b" is four columns less than its bytes when it is in colour: ESC [ ... m takes none.
std::string_view skip_color(std::string_view text) {
  if (!text.starts_with("\x1b[")) return text;
  size_t end = text.find('m');
  return end == std::string_view::npos ? text : text.substr(end + 1);
}

}  // namespace

void Output::write(std::string_view bytes) {
  if (closed_) return;
  pending_ += bytes;
  if (pending_.size() >= kPendingBytes) flush();
}

void Output::line(std::string_view text) {
  write(text);
  write("\n");
}

void Output::flush() {
  if (pending_.empty() || closed_) return;
  auto written = out_(pending_);
  pending_.clear();
  if (written) return;
  closed_ = true;
  // A reader that left (head, less) is no failure.
  if (written.error().code() != Code::cancelled) broken_ = std::move(written).error();
}

void Output::note(std::string_view text) {
  if (!json()) warn(text);
}

void Output::warn(std::string_view text) {
  flush();
  (void)err_(printable(text) + "\n");
}

void Output::raw_err(std::string_view bytes) { (void)err_(bytes); }

void Output::error(const Error& error, std::string_view path) {
  if (json()) return line(error_json(error, path));
  std::string command = options.command.empty() ? "nokv" : str("nokv ", options.command);
  warn(str(command, ": ", error.message()));
  if (!error.hint().empty()) warn(str("hint: ", error.hint()));
}

std::string Output::size(uint64_t bytes) const {
  return options.bytes ? std::to_string(bytes) : human_size(bytes);
}

std::string Output::colored(std::string_view text, std::string_view sgr) const {
  if (!options.color) return std::string(text);
  return str("\x1b[", sgr, "m", text, "\x1b[0m");
}

JsonObject error_json(const Error& error, std::string_view path) {
  JsonObject inner;
  inner.add("code", code_name(error.code()))
      .add("message", printable(error.message()))
      .add("hint", printable(error.hint()))
      .add("outcome", error.outcome() == Outcome::maybe_done ? "maybe_done" : "not_done")
      .add("path", name_text(path));
  return JsonObject().add("error", inner);
}

Exit exit_of(const Error& error) {
  if (error.outcome() == Outcome::maybe_done) return Exit::unknown;
  switch (error.code()) {
    case Code::unavailable:
    case Code::cancelled:
    case Code::overloaded:
      return Exit::unreachable;
    default:
      return Exit::refused;
  }
}

size_t text_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    std::string_view plain = skip_color(text);
    if (plain.size() != text.size()) {
      text = plain;
      continue;
    }
    text.remove_prefix(std::max<size_t>(1, utf8_length(text)));
    ++width;
  }
  return width;
}

void Table::print(Output& out) const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string padding(widths[i] - text_width(row[i]), ' ');
      bool right = std::ranges::find(right_, i) != right_.end();
      if (right) line += padding;
      line += row[i];
      if (!right && i + 1 < row.size()) line += padding;
      if (i + 1 < row.size()) line += "  ";
    }
    out.line(line);
  }
}

}  // namespace nokv::cli
