#include "cli/bench_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "cli/name_text.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

void add_number(JsonObject& object, std::string_view name, const std::optional<double>& value) {
  if (value) {
    object.raw(name, figure(*value));
  } else {
    object.add_null(name);
  }
}

// `text` in `width` columns, and two spaces.
std::string cell(const std::string& text, size_t width, bool right = true) {
  size_t pad = text_width(text) < width ? width - text_width(text) : 0;
  return right ? std::string(pad, ' ') + text + "  " : text + std::string(pad, ' ') + "  ";
}

struct Cells {
  std::string name;
  std::string value;
  std::string p50;
  std::string p99;
  std::string ratio;
  std::string floor;
};

std::string line_of(const Cells& it) {
  return cell(it.name, 22, false) + cell(it.value, 16) + cell(it.p50, 10) + cell(it.p99, 10) +
         cell(it.ratio, 7) + it.floor;
}

std::string figure_or_dash(const std::optional<double>& value) {
  return value ? figure(*value) : "-";
}

}  // namespace

std::string figure(double value) {
  if (!std::isfinite(value)) return "0";
  double size = std::fabs(value);
  int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  std::array<char, 64> text{};
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value,
                                    std::chars_format::fixed, digits);
  if (error != std::errc()) return "0";
  return {text.data(), end};
}

JsonObject bench_json(const bench::Row& row) {
  JsonObject out;
  out.add("row", row.row);
  add_number(out, "value", row.value);
  out.add("unit", row.unit);
  add_number(out, "p50_us", row.p50_us);
  add_number(out, "p99_us", row.p99_us);
  out.add(
      "runs",
      JsonObject().raw("min", figure(row.min)).raw("max", figure(row.max)).add("count", row.count));
  if (row.floor) {
    out.add("floor", JsonObject()
                         .add("row", row.floor->row)
                         .raw("value", figure(row.floor->value))
                         .add("unit", row.floor->unit));
  } else {
    out.add_null("floor");
  }
  add_number(out, "ratio", row.ratio());
  out.add("boundary", row.boundary)
      .add("durability", row.durability)
      .add("cache", row.cache)
      .add("concurrency", row.concurrency);
  if (row.entries) out.add("entries", *row.entries);
  if (row.requests) add_number(out, "requests", row.requests);
  if (row.object_requests) out.add("object_requests", *row.object_requests);
  if (row.peak_memory) out.add("peak_memory", *row.peak_memory);
  if (!row.error.empty()) out.add("error", row.error);
  return out;
}

bench::BenchListener BenchTable::listener() {
  return {.begins = [this](std::string_view row, size_t at, size_t all) { begins(row, at, all); },
          .measured = [this](const bench::Row& row) { measured(row); }};
}

void BenchTable::begins(std::string_view row, size_t at, size_t all) {
  if (!out_.options.progress) return;
  if (out_.json()) {
    JsonObject inner;
    inner.add("what", what_).add("row", row).add("done", at).add("total", all);
    return out_.raw_err(JsonObject().add("progress", inner).text() + "\n");
  }
  std::string left;
  if (at > 0) {
    Duration each = (clock_.now() - began_) / static_cast<int64_t>(at);
    auto rest = std::chrono::ceil<std::chrono::seconds>(each * static_cast<int64_t>(all - at));
    left = str("  ", duration_text(rest), " left");
  }
  out_.raw_err(str("\r[", at + 1, "/", all, "] ", row, left, "\x1b[K"));
}

void BenchTable::measured(const bench::Row& row) {
  if (out_.json()) {
    out_.line(bench_json(row));
    return out_.flush();
  }
  if (out_.options.progress) out_.raw_err("\r\x1b[K");
  if (!std::exchange(headed_, true)) {
    out_.line(line_of({"row", "value", "p50 us", "p99 us", "ratio", "floor"}));
  }
  if (row.value) {
    std::string floor =
        row.floor ? str(row.floor->row, " ", figure(row.floor->value), " ", row.floor->unit) : "-";
    out_.line(line_of({row.row, str(figure(*row.value), " ", row.unit), figure_or_dash(row.p50_us),
                       figure_or_dash(row.p99_us), figure_or_dash(row.ratio()), floor}));
  } else {
    out_.line(str(cell(row.row, 22, false), "failed: ", printable(row.error)));
  }
  out_.flush();
}

Exit exit_of_rows(const bench::BenchSummary& summary) {
  if (summary.failed == 0) return Exit::done;
  return summary.measured > 0 ? Exit::partly : Exit::refused;
}

std::vector<std::string> comma_separated(const std::vector<std::string>& texts) {
  std::vector<std::string> names;
  for (const auto& text : texts) {
    size_t at = 0;
    while (at <= text.size()) {
      size_t comma = std::min(text.find(',', at), text.size());
      if (comma > at) names.push_back(text.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return names;
}

}  // namespace nokv::cli
