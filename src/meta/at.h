// What --at means: a snapshot's name, a version, a time, an age.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "meta/pins.h"

namespace nokv::meta {

// "30s", "10m", "1h30m", "2d", "1w": nanoseconds; nullopt when it is none.
std::optional<int64_t> parse_age(std::string_view text);
// "v123"; nullopt when it is none.
std::optional<uint64_t> parse_version(std::string_view text);
// RFC 3339, "2026-01-02", "2026-01-02 03:04", "2026-01-02T03:04:05.123Z", with Z or an offset, UTC
// without: Unix nanoseconds; nullopt when it is none.
std::optional<int64_t> parse_time(std::string_view text);
std::string format_time(int64_t unix_ns);  // RFC 3339, UTC, nanoseconds

// Errors: invalid_argument when a snapshot may not be called `name`.
Result<> check_snapshot_name(std::string_view name);

// A version to read at, and where paths begin there.
struct Moment {
  uint64_t version = kNow;
  int64_t time_ns = 0;
  NodeId scope;        // the directory (or file) that is readable then
  std::string path;    // what that was called; paths outside it are refused
  NodeId file_parent;  // of a scope that is a file
  std::string file_name;
};

// `now_ns` is the log time, `newest_version` the version of the view. `path` is what is to be read:
// pins that do not cover it are not considered.
// Errors: not_found (no such snapshot, version or time; the message names the nearest),
// invalid_argument.
Result<Moment> resolve_at(const View& view, const PinTable& pins,
                          const codec::RetentionPolicy& policy, std::string_view at,
                          std::string_view path, int64_t now_ns);

// The pin of exactly that version that shows `path`; nullopt: there is none.
std::optional<Moment> kept_at(const PinTable& pins, uint64_t version, std::string_view path);

// Follows `path` at the moment. Errors: those of Tree::resolve, invalid_argument (outside its
// scope).
Result<Located> resolve_path_at(const View& view, const Moment& moment, std::string_view path,
                                bool follow);

// The newest kept version that shows something at `path`. Errors: not_found.
Result<uint64_t> newest_with(const View& view, const PinTable& pins, std::string_view path);

}  // namespace nokv::meta
