#include "cli/values.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace nokv::cli {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hh_mm_ss;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::sys_time;
using std::chrono::year_month_day;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes "12" or "1.5" off the front of `in` as whole and billionths.
bool take_decimal(std::string_view& in, uint64_t& whole, uint64_t& billionths) {
  auto [end, error] = std::from_chars(in.data(), in.data() + in.size(), whole);
  if (error != std::errc()) return false;
  in.remove_prefix(static_cast<size_t>(end - in.data()));
  billionths = 0;
  if (in.empty() || in.front() != '.') return true;
  in.remove_prefix(1);
  uint64_t scale = 100'000'000;
  if (in.empty() || !is_digit(in.front())) return false;
  for (; !in.empty() && is_digit(in.front()); in.remove_prefix(1)) {
    billionths += static_cast<uint64_t>(in.front() - '0') * scale;
    scale /= 10;
  }
  return true;
}

// whole.billionths × unit, or false when it does not fit below `max`.
bool times(uint64_t whole, uint64_t billionths, uint64_t unit, uint64_t max, uint64_t& result) {
  unsigned __int128 product = static_cast<unsigned __int128>(whole) * unit +
                              static_cast<unsigned __int128>(billionths) * unit / 1'000'000'000;
  if (product > max) return false;
  result = static_cast<uint64_t>(product);
  return true;
}

// The bytes of a unit as written after a size; 0 when it is none.
uint64_t size_unit(std::string_view unit) {
  if (unit.empty() || unit == "B" || unit == "b") return 1;
  constexpr std::string_view kLetters = "kmgtp";
  char letter = unit.front() >= 'A' && unit.front() <= 'Z'
                    ? static_cast<char>(unit.front() - 'A' + 'a')
                    : unit.front();
  size_t power = kLetters.find(letter);
  if (power == std::string_view::npos) return 0;
  std::string_view rest = unit.substr(1);
  uint64_t base = 1024;
  if (rest == "B" || rest == "b") {
    base = 1000;
  } else if (!rest.empty() && rest != "iB" && rest != "i") {
    return 0;
  }
  uint64_t result = base;
  for (size_t i = 0; i < power; ++i) result *= base;
  return result;
}

struct TimeUnit {
  std::string_view name;
  uint64_t ns;
};
// Longest first where one begins another; big ones first for duration_text().
constexpr std::array kTimeUnits = {
    TimeUnit{"ns", 1},
    TimeUnit{"us", 1'000},
    TimeUnit{"ms", 1'000'000},
    TimeUnit{"s", 1'000'000'000},
    TimeUnit{"m", 60'000'000'000},
    TimeUnit{"h", 3'600'000'000'000},
    TimeUnit{"d", 86'400'000'000'000},
    TimeUnit{"w", 7 * 86'400'000'000'000ULL},
};

const TimeUnit* take_time_unit(std::string_view& in) {
  for (const auto& it : kTimeUnits) {
    if (in.starts_with(it.name)) {
      in.remove_prefix(it.name.size());
      return &it;
    }
  }
  return nullptr;
}

void append_padded(std::string& out, int64_t value, size_t width) {
  std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
// By byte; -1 for what is no digit.
constexpr auto kBase64Values = [] {
  std::array<int8_t, 256> out{};
  out.fill(-1);
  for (size_t i = 0; i < kBase64Digits.size(); ++i) {
    out[static_cast<uint8_t>(kBase64Digits[i])] = static_cast<int8_t>(i);
  }
  return out;
}();

// "2026-11-24" + middle + "05:19:47".
std::string date_and_time(int64_t unix_ns, char middle) {
  sys_time<nanoseconds> time{nanoseconds{unix_ns}};
  auto day = floor<days>(time);
  year_month_day date{day};
  hh_mm_ss clock{floor<seconds>(time) - day};
  std::string out;
  append_padded(out, int{date.year()}, 4);
  out += '-';
  append_padded(out, unsigned{date.month()}, 2);
  out += '-';
  append_padded(out, unsigned{date.day()}, 2);
  out += middle;
  append_padded(out, clock.hours().count(), 2);
  out += ':';
  append_padded(out, clock.minutes().count(), 2);
  out += ':';
  append_padded(out, clock.seconds().count(), 2);
  return out;
}

}  // namespace

Result<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return fail(Code::invalid_argument, "'", text, "' is not a whole number");
  }
  return value;
}

Result<uint64_t> parse_size(std::string_view text) {
  uint64_t whole = 0;
  uint64_t billionths = 0;
  uint64_t result = 0;
  std::string_view rest = text;
  if (take_decimal(rest, whole, billionths)) {
    uint64_t unit = size_unit(rest);
    if (unit != 0 && times(whole, billionths, unit, INT64_MAX, result)) return result;
  }
  return fail(Code::invalid_argument, "'", text, "' is not a size; write 4096, 64k or 1.5GiB");
}

Result<Duration> parse_duration(std::string_view text) {
  uint64_t total = 0;
  std::string_view rest = text;
  bool good = !rest.empty();
  while (good && !rest.empty()) {
    uint64_t whole = 0;
    uint64_t billionths = 0;
    uint64_t part = 0;
    good = take_decimal(rest, whole, billionths);
    const TimeUnit* unit = good ? take_time_unit(rest) : nullptr;
    good = unit != nullptr && times(whole, billionths, unit->ns, INT64_MAX - total, part);
    total += good ? part : 0;
  }
  if (good) return Duration{static_cast<int64_t>(total)};
  return fail(Code::invalid_argument, "'", text,
              "' is not a duration; write 30d, 1h30m, 500ms or 0s");
}

std::string duration_text(Duration value) {
  auto left = static_cast<uint64_t>(value.count());
  if (value.count() <= 0) return "0s";
  std::string out;
  // Weeks are taken, not given: nobody expects 30d to come back as 4w2d.
  for (size_t i = kTimeUnits.size() - 1; i-- > 0;) {
    const auto& unit = kTimeUnits[i];
    if (uint64_t count = left / unit.ns; count > 0) out += str(count, unit.name);
    left %= unit.ns;
  }
  return out;
}

std::string rfc3339(int64_t unix_ns) {
  std::string out = date_and_time(unix_ns, 'T');
  int64_t fraction = unix_ns % 1'000'000'000;
  if (fraction < 0) fraction += 1'000'000'000;
  out += '.';
  append_padded(out, fraction, 9);
  out += 'Z';
  return out;
}

std::string short_time(int64_t unix_ns) { return date_and_time(unix_ns, ' '); }

std::string human_size(uint64_t bytes) {
  if (bytes < 1024) return str(bytes, " B");
  constexpr std::array<std::string_view, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 would be written "1024.0".
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  auto tenths = static_cast<uint64_t>(std::llround(value * 10));
  return str(tenths / 10, ".", tenths % 10, " ", kUnits[unit]);
}

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    size_t have = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < have ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += k <= have ? kBase64Digits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    auto byte = static_cast<uint8_t>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<std::string> base64_bytes(std::string_view text) {
  auto bad = [] { return fail(Code::invalid_argument, "no base64"); };
  if (text.size() % 4 != 0) return bad();
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    bool last = i + 4 == text.size();
    size_t padding = !last ? 0 : text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      int digit = k >= 4 - padding ? 0 : kBase64Values[static_cast<uint8_t>(text[i + k])];
      if (digit < 0) return bad();
      group = group << 6 | static_cast<uint32_t>(digit);
    }
    // Bits that no byte has would be lost.
    if ((group & ((1U << (8 * padding)) - 1)) != 0) return bad();
    for (size_t k = 0; k < 3 - padding; ++k) {
      out += static_cast<char>(group >> (16 - 8 * k) & 0xff);
    }
  }
  return out;
}

Result<std::string> hex_bytes(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return fail(Code::invalid_argument, "no hexadecimal bytes");
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t byte = 0;
    auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) {
      return fail(Code::invalid_argument, "no hexadecimal bytes");
    }
    out += static_cast<char>(byte);
  }
  return out;
}

Result<int64_t> parse_rfc3339(std::string_view text) {
  using std::chrono::day;
  using std::chrono::month;
  using std::chrono::sys_days;
  using std::chrono::year;
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000000000Z";
  auto bad = [&] { return fail(Code::invalid_argument, "no time: ", text); };
  if (text.size() != kForm.size()) return bad();
  std::array<int64_t, 7> parts{};
  size_t part = 0;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0') {
      if (text[i] != kForm[i]) return bad();
      ++part;
    } else {
      if (text[i] < '0' || text[i] > '9') return bad();
      parts[part] = parts[part] * 10 + (text[i] - '0');
    }
  }
  year_month_day date{year(static_cast<int>(parts[0])), month(static_cast<unsigned>(parts[1])),
                      day(static_cast<unsigned>(parts[2]))};
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return bad();
  int64_t days = sys_days(date).time_since_epoch().count();
  int64_t seconds = ((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5];
  int64_t ns = 0;
  // The first second that a time can be in is not whole.
  bool negative = seconds < 0;
  if (negative) {
    ++seconds;
    parts[6] -= 1'000'000'000;
  }
  if (__builtin_mul_overflow(seconds, int64_t{1'000'000'000}, &ns) ||
      __builtin_add_overflow(ns, parts[6], &ns)) {
    return bad();
  }
  return ns;
}

}  // namespace nokv::cli
