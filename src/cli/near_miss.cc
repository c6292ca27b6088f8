#include "cli/near_miss.h"

#include <algorithm>

namespace nokv::cli {
namespace {

constexpr size_t kWordMax = 255;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_but_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > kWordMax || b.size() > kWordMax) return limit + 1;
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  // Rows of the usual table: two back (for swaps), last, and the one being filled.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return std::min(last[b.size()], limit + 1);
}

std::string near_miss(std::string_view word, const std::vector<std::string>& candidates) {
  size_t limit = std::clamp<size_t>(word.size() / 3, 1, 4);
  size_t best = limit + 1;
  std::string result;
  for (const auto& it : candidates) {
    if (it == word) continue;
    size_t distance = same_but_case(it, word) ? 0 : edit_distance(word, it, limit);
    // An abbreviation counts as one edit, so that a typing error of one letter comes before it.
    if (word.size() >= 3 && it.starts_with(word)) distance = std::min<size_t>(distance, 1);
    if (distance < best && distance < std::max<size_t>(word.size(), 1)) {
      best = distance;
      result = it;
    }
  }
  return result;
}

}  // namespace nokv::cli
