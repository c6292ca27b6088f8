#include "object/s3/dates.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace nokv::object {
namespace {

using std::chrono::sys_days;

// Appends `value` with at least `width` digits.
void append_digits(std::string& out, int value, size_t width) {
  std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

std::optional<int> number(std::string_view text, size_t at, size_t length) {
  if (text.size() < at + length) return std::nullopt;
  int value = 0;
  const char* end = text.data() + at + length;
  auto [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

std::optional<WallTime> moment(std::optional<int> year, std::optional<int> month,
                               std::optional<int> day, std::string_view clock) {
  auto hour = number(clock, 0, 2);
  auto minute = number(clock, 3, 2);
  auto second = number(clock, 6, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  bool in_range = *year >= 1970 && *year <= 2200 && *hour < 24 && *minute < 60 && *second <= 60;
  if (!date.ok() || !in_range) return std::nullopt;
  return WallTime(sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

}  // namespace

std::string amz_date(WallTime time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::string out;
  append_digits(out, static_cast<int>(date.year()), 4);
  append_digits(out, static_cast<int>(static_cast<unsigned>(date.month())), 2);
  append_digits(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  out += 'T';
  append_digits(out, static_cast<int>(clock.hours().count()), 2);
  append_digits(out, static_cast<int>(clock.minutes().count()), 2);
  append_digits(out, static_cast<int>(clock.seconds().count()), 2);
  out += 'Z';
  return out;
}

std::optional<WallTime> parse_iso_date(std::string_view text) {
  if (text.size() < 20 || text[10] != 'T' || !text.ends_with('Z')) return std::nullopt;
  auto time = moment(number(text, 0, 4), number(text, 5, 2), number(text, 8, 2), text.substr(11));
  if (!time || text[19] != '.') return time;
  int64_t unit_ns = 100'000'000;
  for (char c : text.substr(20, text.size() - 21)) {
    if (c < '0' || c > '9') return std::nullopt;
    *time += Duration((c - '0') * unit_ns);
    unit_ns /= 10;
  }
  return time;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() < 29) return std::nullopt;
  auto found = std::ranges::find(kMonths, text.substr(8, 3));
  if (found == kMonths.end()) return std::nullopt;
  return moment(number(text, 12, 4), static_cast<int>(found - kMonths.begin()) + 1,
                number(text, 5, 2), text.substr(17));
}

}  // namespace nokv::object
