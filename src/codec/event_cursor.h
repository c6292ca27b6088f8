// A place in the stream of events, as one word that people and scripts can keep.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nokv::codec {

// Between two events of one log: what comes before `version` was seen, and of that version the
// first `index` events. The cursor of an event stands right behind it.
struct EventCursor {
  uint64_t log = 0;  // of another log it means nothing
  uint64_t version = 0;
  uint32_t index = 0;

  auto operator<=>(const EventCursor&) const = default;

  // "e" and the log in 16 hex digits, "-", version, "-", index: "e00f1c2d3e4a5b697-124-0".
  std::string text() const;
  // nullopt when `text` is no cursor.
  static std::optional<EventCursor> parse(std::string_view text);
};

}  // namespace nokv::codec
