#include "base/log_event.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/escape.h"

namespace nokv {
namespace {

constexpr size_t kTextMax = 4096;
constexpr size_t kNamesMax = 1024;
constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

void append_padded(std::string& out, int64_t number, size_t digits) {
  std::string text = std::to_string(number);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}

// RFC 3339 in UTC, to the microsecond.
void append_time(std::string& out, int64_t wall_ns) {
  std::chrono::sys_time<std::chrono::nanoseconds> time{std::chrono::nanoseconds(wall_ns)};
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::microseconds>(time - day));
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, clock.hours().count(), 2);
  out += ':';
  append_padded(out, clock.minutes().count(), 2);
  out += ':';
  append_padded(out, clock.seconds().count(), 2);
  out += '.';
  append_padded(out, clock.subseconds().count(), 6);
  out += 'Z';
}

void append_number(std::string& out, auto number) {
  std::array<char, 32> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), end);
}

// Appends what is no text in the form that both formats share.
struct AppendPlain {
  std::string& out;
  void operator()(std::string_view) const {}
  void operator()(bool yes) const { out += yes ? "true" : "false"; }
  void operator()(auto number) const { append_number(out, number); }
};

void append_json(std::string& out, const Field& field) {
  out += ',';
  append_json_string(out, field.name);
  out += ':';
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_json_string(out, text->substr(0, kTextMax));
  } else if (const auto* number = std::get_if<double>(&field.value);
             number != nullptr && !std::isfinite(*number)) {
    out += "null";
  } else {
    std::visit(AppendPlain{out}, field.value);
  }
}

void append_text(std::string& out, const Field& field) {
  out += ' ';
  append_escaped(out, field.name);
  out += '=';
  const auto* text = std::get_if<std::string_view>(&field.value);
  if (text == nullptr) {
    std::visit(AppendPlain{out}, field.value);
  } else if (text->empty() || text->find_first_of(" \"=") != std::string_view::npos) {
    append_json_string(out, text->substr(0, kTextMax));
  } else {
    append_escaped(out, text->substr(0, kTextMax));
  }
}

}  // namespace

std::string_view level_name(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

Result<Level> parse_level(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (name == kLevelNames[i]) return static_cast<Level>(i);
  }
  return fail(Code::invalid_argument, "no log level '", name, "': debug, info, warn or error");
}

void EventLines::write(Level level, std::string_view name, std::span<const Field> fields) {
  std::string out;
  out.reserve(256);
  if (format_ == EventFormat::json) {
    out += "{\"time\":\"";
    append_time(out, wall_ns_());
    out += str("\",\"level\":\"", level_name(level), "\",\"event\":");
    append_json_string(out, name);
    for (const Field& field : fields) append_json(out, field);
    out += '}';
  } else {
    append_time(out, wall_ns_());
    out += str(" ", level_name(level), " ");
    append_escaped(out, name);
    for (const Field& field : fields) append_text(out, field);
  }
  std::lock_guard lock(mutex_);
  line_(out);
}

void RepeatLimit::write(Level level, std::string_view name, std::span<const Field> fields) {
  Verdict verdict = level >= Level::warn ? judge(name) : Verdict();
  if (!verdict.passes) return;
  if (verdict.suppressed == 0) {
    next_.write(level, name, fields);
    return;
  }
  std::vector<Field> more(fields.begin(), fields.end());
  more.emplace_back("suppressed", verdict.suppressed);
  next_.write(level, name, more);
}

RepeatLimit::Verdict RepeatLimit::judge(std::string_view name) {
  int64_t now_ns = now_ns_();
  std::lock_guard lock(mutex_);
  auto found = seen_.find(name);
  if (found == seen_.end()) {
    if (seen_.size() >= kNamesMax) return {};
    found = seen_.emplace(std::string(name), Seen{now_ns, 0, 0}).first;
  }
  Seen& seen = found->second;
  if (now_ns - seen.since_ns >= limits_.interval_ns) {
    Verdict verdict{true, seen.suppressed};
    seen = Seen{now_ns, 1, 0};
    return verdict;
  }
  if (seen.passed < limits_.events) {
    ++seen.passed;
    return {};
  }
  ++seen.suppressed;
  return {false, 0};
}

}  // namespace nokv
