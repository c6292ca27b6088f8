#include "meta/at.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "codec/event_cursor.h"

namespace nokv::meta {

namespace {

constexpr int64_t kSecond = 1'000'000'000;

template <class T>
bool take_number(std::string_view& in, T& value) {
  auto [end, error] = std::from_chars(in.data(), in.data() + in.size(), value);
  if (error != std::errc() || end == in.data()) return false;
  in.remove_prefix(static_cast<size_t>(end - in.data()));
  return true;
}

bool take_char(std::string_view& in, char c) {
  if (!in.starts_with(c)) return false;
  in.remove_prefix(1);
  return true;
}

// `digits` digits, no more.
bool take_digits(std::string_view& in, size_t digits, int& value) {
  if (in.size() < digits) return false;
  std::string_view part = in.substr(0, digits);
  if (!std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; })) return false;
  in.remove_prefix(digits);
  return take_number(part, value);
}

int64_t unit_ns(char unit) {
  switch (unit) {
    case 's':
      return kSecond;
    case 'm':
      return 60 * kSecond;
    case 'h':
      return 3600 * kSecond;
    case 'd':
      return 86400 * kSecond;
    case 'w':
      return 7 * 86400 * kSecond;
    default:
      return 0;
  }
}

bool take_time_of_day(std::string_view& rest, int64_t& ns) {
  int hour = 0, minute = 0, second = 0;
  if (!take_digits(rest, 2, hour) || !take_char(rest, ':') || !take_digits(rest, 2, minute)) {
    return false;
  }
  if (take_char(rest, ':') && !take_digits(rest, 2, second)) return false;
  if (hour > 23 || minute > 59 || second > 60) return false;
  ns = (int64_t{hour} * 3600 + minute * 60 + second) * kSecond;
  if (take_char(rest, '.')) {
    int64_t scale = kSecond / 10;
    bool any = false;
    while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
      ns += (rest[0] - '0') * scale;
      scale /= 10;
      any = true;
      rest.remove_prefix(1);
    }
    if (!any) return false;
  }
  return true;
}

bool take_offset(std::string_view& rest, int64_t& ns) {
  if (take_char(rest, 'Z') || take_char(rest, 'z')) return true;
  if (rest.empty()) return true;
  int sign = rest[0] == '+' ? 1 : rest[0] == '-' ? -1 : 0;
  if (sign == 0) return false;
  rest.remove_prefix(1);
  int hour = 0, minute = 0;
  if (!take_digits(rest, 2, hour)) return false;
  take_char(rest, ':');
  if (!take_digits(rest, 2, minute)) return false;
  ns -= sign * (int64_t{hour} * 3600 + minute * 60) * kSecond;
  return true;
}

}  // namespace

std::optional<int64_t> parse_age(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t sum = 0;
  while (!text.empty()) {
    int64_t count = 0;
    if (text[0] < '0' || text[0] > '9' || !take_number(text, count)) return std::nullopt;
    int64_t unit = text.empty() ? 0 : unit_ns(text[0]);
    if (unit == 0 || count > INT64_MAX / unit - 1) return std::nullopt;
    if (sum > INT64_MAX - count * unit) return std::nullopt;
    sum += count * unit;
    text.remove_prefix(1);
  }
  return sum;
}

std::optional<uint64_t> parse_version(std::string_view text) {
  uint64_t version = 0;
  if (!take_char(text, 'v') || !take_number(text, version) || !text.empty()) return std::nullopt;
  return version;
}

std::optional<int64_t> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0;
  if (!take_digits(text, 4, year) || !take_char(text, '-') || !take_digits(text, 2, month) ||
      !take_char(text, '-') || !take_digits(text, 2, day)) {
    return std::nullopt;
  }
  std::chrono::year_month_day date{std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  // What nanoseconds since 1970 hold in 64 bits, whole years.
  if (!date.ok() || year < 1678 || year > 2261) return std::nullopt;
  int64_t ns = std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86400} * kSecond;
  if (text.empty()) return ns;
  int64_t of_day = 0;
  if (!take_char(text, 'T') && !take_char(text, 't') && !take_char(text, ' ')) return std::nullopt;
  if (!take_time_of_day(text, of_day) || !take_offset(text, ns) || !text.empty()) {
    return std::nullopt;
  }
  return ns + of_day;
}

std::string format_time(int64_t unix_ns) {
  int64_t seconds = unix_ns / kSecond;
  int64_t rest = unix_ns % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  auto days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  std::chrono::year_month_day date(days);
  int64_t of_day = seconds - days.time_since_epoch().count() * int64_t{86400};
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(of_day / 3600),
                static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60),
                static_cast<int>(rest));
  return out;
}

Result<> check_snapshot_name(std::string_view name) {
  if (name.empty() || name.size() > codec::kNameMax) {
    return fail(Code::invalid_argument, "a snapshot's name has 1 to ", codec::kNameMax, " bytes");
  }
  bool plain = std::ranges::all_of(name, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u > 0x20 && u != 0x7f && u != 0x2f;
  });
  if (!plain || name == "now" || name == "oldest") {
    return fail(Code::invalid_argument, "a snapshot cannot be called '", name,
                "': no spaces, control characters or '/', not 'now' or 'oldest'");
  }
  if (parse_version(name) || parse_time(name) || parse_age(name) ||
      codec::EventCursor::parse(name)) {
    return fail(Code::invalid_argument, "a snapshot cannot be called '", name,
                "': that reads as a version, a time, an age or a cursor");
  }
  return {};
}

namespace {

bool covers(std::string_view scope, std::string_view path) {
  if (scope == "/" || scope == path) return true;
  return path.starts_with(scope) && path.size() > scope.size() && path[scope.size()] == '/';
}

Moment moment_of(const codec::PinRecord& pin) {
  Moment out{pin.version, pin.time_ns, pin.scope, pin.path};
  out.file_parent = pin.parent;
  out.file_name = pin.name;
  return out;
}

std::string describe(const codec::PinRecord& pin) {
  return str("v", pin.version, " (", format_time(pin.time_ns), ")");
}

// The pins that can show `path`, by version.
std::vector<const codec::PinRecord*> candidates(const PinTable& pins, std::string_view path) {
  std::vector<const codec::PinRecord*> out;
  const auto& versions = pins.by_version();
  for (auto row = versions.rbegin(); row != versions.rend(); ++row) {
    for (uint64_t id : row->second) {
      const codec::PinRecord& pin = *pins.find(id);
      // The base of a clone goes with the clone, so nobody can count on it.
      if (pin.going || pin.kind == codec::PinKind::clone) continue;
      bool of_file = static_cast<bool>(pin.parent);
      if (of_file ? pin.path == path : covers(pin.path, path)) out.push_back(&pin);
    }
  }
  return out;
}

std::unexpected<Error> not_kept(std::string what, const std::vector<const codec::PinRecord*>& pins,
                                const codec::PinRecord* below, const codec::PinRecord* above) {
  std::string near;
  if (below != nullptr) near = str("before it: ", describe(*below));
  if (above != nullptr) near += str(near.empty() ? "" : "; ", "after it: ", describe(*above));
  if (pins.empty()) near = "only the present is kept here";
  return std::unexpected(
      Error(Code::not_found, std::move(what)).with_hint("nearest that is kept: " + near));
}

Result<Moment> snapshot_named(const View& view, std::string_view name, std::string_view path) {
  NOKV_ASSIGN(auto found,
              view.present<codec::SnapshotRecord>(codec::bytes_key(codec::Table::snapshot, name)));
  if (!found) return fail(Code::not_found, "no snapshot '", name, "'");
  if (!covers(found->path, path)) {
    return fail(Code::invalid_argument, path, ": lies outside snapshot '", name, "', which is of ",
                found->path);
  }
  return Moment{found->version, found->time_ns, found->scope, found->path};
}

// How far apart moments of that age are allowed to be.
int64_t step_for(const codec::RetentionPolicy& policy, int64_t age_ns) {
  for (const auto& step : policy.ladder) {
    if (age_ns <= step.for_ns) return step.every_ns;
  }
  return policy.ladder.empty() ? 0 : policy.ladder.back().every_ns;
}

// Whether nothing at or below `path` changed after `version`.
Result<bool> unchanged_since(const View& view, std::string_view path, uint64_t version) {
  Tree tree(view, kNow);
  NOKV_ASSIGN(NodeId root, tree.root());
  NOKV_ASSIGN(auto names, split_path(path));
  auto found = tree.resolve(root, names, true);
  if (!found) return false;
  if (found->dentry.kind != codec::Kind::directory) return false;
  NOKV_ASSIGN(auto node, tree.node(found->id()));
  return node && node->directory && node->directory->totals.newest <= version;
}

Result<Moment> at_version(const View& view, const PinTable& pins, uint64_t version,
                          std::string_view path) {
  if (version == view.version()) return Moment();
  auto kept = candidates(pins, path);
  const codec::PinRecord* below = nullptr;
  const codec::PinRecord* above = nullptr;
  const codec::PinRecord* widest = nullptr;  // symlinks lead no further than its scope
  for (const auto* pin : kept) {
    if (pin->version == version && (widest == nullptr || pin->path.size() < widest->path.size())) {
      widest = pin;
    }
    if (pin->version < version) below = pin;
    if (pin->version > version && above == nullptr) above = pin;
  }
  if (widest != nullptr) return moment_of(*widest);
  if (version > view.version()) {
    return fail(Code::not_found, "version ", version, " does not exist yet; the newest is ",
                view.version());
  }
  return not_kept(str(path, ": version ", version, " is not kept"), kept, below, above);
}

Result<Moment> at_time(const View& view, const PinTable& pins, const codec::RetentionPolicy& policy,
                       int64_t target_ns, std::string_view path, int64_t now_ns) {
  auto kept = candidates(pins, path);
  const codec::PinRecord* below = nullptr;
  const codec::PinRecord* above = nullptr;
  for (const auto* pin : kept) {
    if (pin->time_ns <= target_ns) {
      below = pin;
    } else if (above == nullptr) {
      above = pin;
    }
  }
  if (target_ns >= now_ns) return Moment();
  if (below == nullptr) {
    return not_kept(str(path, ": nothing is kept from before ", format_time(target_ns)), kept,
                    below, above);
  }
  NOKV_ASSIGN(bool same, unchanged_since(view, path, below->version));
  if (same) return Moment();
  int64_t step = step_for(policy, now_ns - target_ns);
  if (target_ns - below->time_ns > 2 * step + kSecond &&
      (above == nullptr || above->time_ns - target_ns > step)) {
    return not_kept(str(path, ": nothing is kept from near ", format_time(target_ns)), kept, below,
                    above);
  }
  return moment_of(*below);
}

}  // namespace

Result<Moment> resolve_at(const View& view, const PinTable& pins,
                          const codec::RetentionPolicy& policy, std::string_view at,
                          std::string_view path, int64_t now_ns) {
  if (at.empty() || at == "now") return Moment();
  if (auto version = parse_version(at)) return at_version(view, pins, *version, path);
  if (auto age = parse_age(at)) {
    return at_time(view, pins, policy, now_ns - *age, path, now_ns);
  }
  if (auto time = parse_time(at)) return at_time(view, pins, policy, *time, path, now_ns);
  return snapshot_named(view, at, path);
}

namespace {

// Of a moment that keeps one file and nothing else.
Result<Located> resolve_file_at(const Tree& tree, const Moment& moment, std::string_view path,
                                bool follow) {
  NOKV_ASSIGN(auto dentry, tree.dentry(moment.file_parent, moment.file_name));
  if (!dentry) return fail(Code::not_found, path, ": no such file at v", moment.version);
  if (path.substr(moment.path.size()).find_first_not_of('/') != std::string_view::npos) {
    return fail(Code::not_directory, moment.path, ": not a directory");
  }
  if (follow && dentry->kind == codec::Kind::symlink) {
    return fail(Code::not_found, path, ": a symbolic link; where it led is not kept");
  }
  return Located{moment.file_parent, moment.file_name, *std::move(dentry)};
}

}  // namespace

Result<Located> resolve_path_at(const View& view, const Moment& moment, std::string_view path,
                                bool follow) {
  Tree tree(view, moment.version);
  NodeId start = moment.scope;
  if (!start) {
    NOKV_ASSIGN(start, tree.root());
    NOKV_ASSIGN(auto names, split_path(path));
    return tree.resolve(start, std::move(names), follow);
  }
  if (!covers(moment.path, path)) {
    return fail(Code::invalid_argument, path, ": lies outside what is kept there, ", moment.path);
  }
  if (moment.file_parent) return resolve_file_at(tree, moment, path, follow);
  std::string_view rest = moment.path == "/" ? path : path.substr(moment.path.size());
  NOKV_ASSIGN(auto names, split_path(rest, true));
  Tree::Scope scope{start, moment.path, {}};
  return tree.resolve(start, std::move(names), follow, &scope);
}

Result<uint64_t> newest_with(const View& view, const PinTable& pins, std::string_view path) {
  NOKV_TRY(split_path(path));
  auto kept = candidates(pins, path);
  for (auto pin = kept.rbegin(); pin != kept.rend(); ++pin) {
    auto found = resolve_path_at(view, moment_of(**pin), path, false);
    if (found) return (*pin)->version;
    // A path that leads nowhere then, because of a symlink too, may lead somewhere in an older
    // version.
    constexpr std::array kNowhere{Code::not_found, Code::not_directory, Code::failed_precondition,
                                  Code::resource_exhausted};
    if (std::ranges::find(kNowhere, found.error().code()) == kNowhere.end()) {
      return std::unexpected(std::move(found).error());
    }
  }
  return fail(Code::not_found, path, ": no kept version has it");
}

}  // namespace nokv::meta
