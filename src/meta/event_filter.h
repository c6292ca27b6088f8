// Which events a watch hears of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/redo.h"

namespace nokv::meta {

constexpr uint32_t event_bit(codec::EventKind kind) {
  auto number = static_cast<uint32_t>(kind);
  return number < 32 ? 1U << number : 0;
}

// Moments come by themselves, every second while anything changes: who wants them says so.
constexpr uint32_t kEventsUnlessSaid = ~event_bit(codec::EventKind::moment);

struct EventFilter {
  std::string path;                    // from the root, without a '/' at its end; the root is "/"
  bool here_only = false;              // `path` and the entries of it, not what lies deeper
  uint32_t kinds = kEventsUnlessSaid;  // event_bit() of each

  // By any of the paths that the event tells: one that leads to `path` or below it, and for an
  // event that covers a subtree one above `path` too.
  bool matches(const codec::Event& event) const;
};

// Whether `path` is `top` or lies below it.
bool at_or_below(std::string_view path, std::string_view top);

// The directory that `path` is in; empty for the root.
std::string_view parent_path(std::string_view path);

}  // namespace nokv::meta
