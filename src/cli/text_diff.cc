#include "cli/text_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/result.h"

namespace nokv::cli {

namespace {

constexpr size_t kContext = 3;

using Lines = std::vector<std::string_view>;

// With their line breaks, so that a last line without one differs from one with.
Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

// A line that both have, or that one has: -1 in the other.
struct Step {
  int64_t before = -1;
  int64_t after = -1;
  bool both() const { return before >= 0 && after >= 0; }
};

// The furthest points of each diagonal for every number of edits, or nothing beyond kEditsMax.
std::optional<std::vector<std::vector<int64_t>>> search(const Lines& a, const Lines& b) {
  auto n = static_cast<int64_t>(a.size());
  auto m = static_cast<int64_t>(b.size());
  auto most = static_cast<int64_t>(kEditsMax);
  std::vector<std::vector<int64_t>> trace;
  std::vector<int64_t> furthest(static_cast<size_t>(2 * most + 3), 0);
  auto at = [&](int64_t k) -> int64_t& { return furthest[static_cast<size_t>(k + most + 1)]; };
  for (int64_t d = 0; d <= std::min(n + m, most); ++d) {
    for (int64_t k = -d; k <= d; k += 2) {
      bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
      int64_t x = down ? at(k + 1) : at(k - 1) + 1;
      int64_t y = x - k;
      while (x < n && y < m && a[static_cast<size_t>(x)] == b[static_cast<size_t>(y)]) {
        ++x;
        ++y;
      }
      at(k) = x;
      if (x >= n && y >= m) {
        trace.emplace_back(furthest.begin() + (most + 1 - d), furthest.begin() + (most + 2 + d));
        return trace;
      }
    }
    trace.emplace_back(furthest.begin() + (most + 1 - d), furthest.begin() + (most + 2 + d));
  }
  return std::nullopt;
}

// Back from the end along the trace.
std::vector<Step> script(const Lines& a, const Lines& b,
                         const std::vector<std::vector<int64_t>>& trace) {
  std::vector<Step> out;
  auto x = static_cast<int64_t>(a.size());
  auto y = static_cast<int64_t>(b.size());
  for (auto d = static_cast<int64_t>(trace.size()) - 1; d >= 0; --d) {
    int64_t from_x = 0;
    int64_t from_y = 0;
    int64_t k = x - y;
    if (d > 0) {
      const auto& before = trace[static_cast<size_t>(d - 1)];
      auto at = [&](int64_t diagonal) {
        int64_t index = diagonal + d - 1;
        bool inside = index >= 0 && index < static_cast<int64_t>(before.size());
        return inside ? before[static_cast<size_t>(index)] : -1;
      };
      bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
      int64_t from_k = down ? k + 1 : k - 1;
      from_x = at(from_k);
      from_y = from_x - from_k;
    }
    int64_t edit_x = d > 0 && from_x - from_y < k ? from_x + 1 : from_x;
    int64_t edit_y = d > 0 && from_x - from_y > k ? from_y + 1 : from_y;
    while (x > edit_x && y > edit_y) out.push_back({--x, --y});
    if (d > 0 && x > from_x) out.push_back({--x, -1});
    if (d > 0 && y > from_y) out.push_back({-1, --y});
  }
  std::ranges::reverse(out);
  return out;
}

void add_line(std::string& out, char mark, std::string_view line) {
  out += mark;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

std::string range(size_t first, size_t count) {
  // An empty range names the line before it.
  return count == 1 ? std::to_string(first + 1) : str(count == 0 ? first : first + 1, ",", count);
}

}  // namespace

bool is_text(std::string_view bytes) {
  return bytes.size() <= kTextMax && bytes.find('\0') == std::string_view::npos;
}

std::optional<std::string> unified_diff(std::string_view before, std::string_view after,
                                        std::string_view name_before, std::string_view name_after) {
  if (before == after) return std::string();
  Lines a = lines_of(before);
  Lines b = lines_of(after);
  auto trace = search(a, b);
  if (!trace) return std::nullopt;
  auto steps = script(a, b, *trace);
  std::string out = str("--- ", name_before, "\n+++ ", name_after, "\n");
  for (size_t i = 0; i < steps.size();) {
    while (i < steps.size() && steps[i].both()) ++i;
    if (i == steps.size()) break;
    size_t from = i - std::min(i, kContext);
    size_t last = i;  // the last step that differs, of this hunk
    for (size_t j = i; j < steps.size() && j <= last + 2 * kContext + 1; ++j) {
      if (!steps[j].both()) last = j;
    }
    size_t to = std::min(last + kContext + 1, steps.size());
    size_t first_a = 0;
    size_t first_b = 0;
    for (size_t j = 0; j < from; ++j) {
      first_a += steps[j].before >= 0 ? 1 : 0;
      first_b += steps[j].after >= 0 ? 1 : 0;
    }
    size_t count_a = 0;
    size_t count_b = 0;
    std::string body;
    for (size_t j = from; j < to; ++j) {
      const Step& step = steps[j];
      count_a += step.before >= 0 ? 1 : 0;
      count_b += step.after >= 0 ? 1 : 0;
      char mark = step.both() ? ' ' : step.before >= 0 ? '-' : '+';
      add_line(body, mark,
               step.before >= 0 ? a[static_cast<size_t>(step.before)]
                                : b[static_cast<size_t>(step.after)]);
    }
    out += str("@@ -", range(first_a, count_a), " +", range(first_b, count_b), " @@\n", body);
    i = to;
  }
  return out;
}

}  // namespace nokv::cli
