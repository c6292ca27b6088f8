// What happened, as a name with fields: `gc_swept floor=9 dropped=120`.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace nokv {

enum class Level : uint8_t {
  debug,  // for whoever looks for a fault
  info,   // what an operator wants to have seen later
  warn,   // works, but not as it should
  error,  // does not work; somebody has to act
};

std::string_view level_name(Level level);
// Errors: invalid_argument, naming those there are.
Result<Level> parse_level(std::string_view name);

// A name and a value: {"floor", 9}. Texts are borrowed: valid during the call that it is passed to.
// A Secret does not become one.
struct Field {
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  Field(std::string_view a_name, std::string_view text) : name(a_name), value(text) {}
  Field(std::string_view a_name, const char* text) : name(a_name), value(std::string_view(text)) {}
  Field(std::string_view a_name, const std::string& text)
      : name(a_name), value(std::string_view(text)) {}
  Field(std::string_view a_name, std::floating_point auto number)
      : name(a_name), value(static_cast<double>(number)) {}
  Field(std::string_view a_name, std::same_as<bool> auto yes) : name(a_name), value(yes) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Field(std::string_view a_name, T number) : name(a_name), value(widened(number)) {}

  std::string_view name;
  Value value;

 private:
  static Value widened(std::signed_integral auto number) { return int64_t{number}; }
  static Value widened(std::unsigned_integral auto number) { return uint64_t{number}; }
};

// Where events go. Thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;

  // Whether events of that level go anywhere: ask before making dear fields.
  virtual bool wants(Level level) const = 0;

  // May block for as long as writing a line does. `name` is a literal, lower_snake_case.
  virtual void write(Level level, std::string_view name, std::span<const Field> fields) = 0;

  void event(Level level, std::string_view name, std::initializer_list<Field> fields) {
    if (wants(level)) write(level, name, {fields.begin(), fields.size()});
  }
  void debug(std::string_view name, std::initializer_list<Field> fields = {}) {
    event(Level::debug, name, fields);
  }
  void info(std::string_view name, std::initializer_list<Field> fields = {}) {
    event(Level::info, name, fields);
  }
  void warn(std::string_view name, std::initializer_list<Field> fields = {}) {
    event(Level::warn, name, fields);
  }
  void error(std::string_view name, std::initializer_list<Field> fields = {}) {
    event(Level::error, name, fields);
  }
};

// Nowhere.
class NoEvents final : public EventSink {
 public:
  bool wants(Level) const override { return false; }
  void write(Level, std::string_view, std::span<const Field>) override {}
};

enum class EventFormat : uint8_t {
  json,  // {"time":"2027-01-15T08:00:00.000000Z","level":"info","event":"gc_swept","floor":9}
  text,  // 2027-01-15T08:00:00.000000Z info gc_swept floor=9
};

// One line per event, escaped as base/escape.h says; a text value with spaces, quotes, '=' or
// nothing in it is quoted. A value's text is cut at 4 KiB.
class EventLines final : public EventSink {
 public:
  // `wall_ns` tells nanoseconds since 1970 UTC. `line` gets lines without their newline, one at a
  // time, from any thread; it must not come back here.
  EventLines(EventFormat format, Level least, std::function<int64_t()> wall_ns,
             std::function<void(std::string_view line)> line)
      : format_(format), least_(least), wall_ns_(std::move(wall_ns)), line_(std::move(line)) {}

  bool wants(Level level) const override { return level >= least_; }
  void write(Level level, std::string_view name, std::span<const Field> fields) override;

 private:
  const EventFormat format_;
  const Level least_;
  const std::function<int64_t()> wall_ns_;
  std::mutex mutex_;  // held while `line_` runs
  const std::function<void(std::string_view)> line_;
};

// Passes on all debug and info events, and of warnings and errors of one name at most so many in an
// interval; the first of the next interval carries how many were left out, as `suppressed`.
class RepeatLimit final : public EventSink {
 public:
  struct Limits {
    uint32_t events = 10;
    int64_t interval_ns = 10'000'000'000;
  };

  // `next` outlives this. `now_ns` tells nanoseconds on a clock that does not go back.
  RepeatLimit(EventSink& next, std::function<int64_t()> now_ns)
      : RepeatLimit(next, std::move(now_ns), Limits()) {}
  RepeatLimit(EventSink& next, std::function<int64_t()> now_ns, Limits limits)
      : next_(next), now_ns_(std::move(now_ns)), limits_(limits) {}

  bool wants(Level level) const override { return next_.wants(level); }
  void write(Level level, std::string_view name, std::span<const Field> fields) override;

 private:
  struct Seen {
    int64_t since_ns = 0;
    uint32_t passed = 0;
    uint64_t suppressed = 0;
  };
  struct Verdict {
    bool passes = true;
    uint64_t suppressed = 0;  // before it
  };

  Verdict judge(std::string_view name);

  EventSink& next_;
  const std::function<int64_t()> now_ns_;
  const Limits limits_;
  std::mutex mutex_;
  std::map<std::string, Seen, std::less<>> seen_;  // bounded: names are literals, and cut off
};

}  // namespace nokv
