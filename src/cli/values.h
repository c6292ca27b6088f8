// What people write for numbers, sizes and durations, and how the command writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/env/clock.h"
#include "base/result.h"

namespace nokv::cli {

// Errors of all: invalid_argument, with the text and what would do.

// Decimal digits.
Result<uint64_t> parse_number(std::string_view text);

// Bytes: "4096", "64k", "64KiB", "1.5G". Units are powers of 1,024; with "B" alone after the
// letter ("64kB") powers of 1,000.
Result<uint64_t> parse_size(std::string_view text);

// "30d", "1h30m", "500ms", "1.5s", "0s"; units ns, us, ms, s, m, h, d, w. Not negative.
Result<Duration> parse_duration(std::string_view text);

// "0s", "90s", "1h30m": parse_duration() takes it back exactly.
std::string duration_text(Duration value);

// "2026-11-24T05:19:47.123456789Z", and for people "2026-11-24 05:19:47".
std::string rfc3339(int64_t unix_ns);
std::string short_time(int64_t unix_ns);

// "0 B", "4.0 KiB", "1.2 GiB".
std::string human_size(uint64_t bytes);

// Of any bytes.
std::string base64(std::string_view bytes);
std::string hex(std::string_view bytes);

// What base64(), hex() and rfc3339() wrote, exactly so.
Result<std::string> base64_bytes(std::string_view text);
Result<std::string> hex_bytes(std::string_view text);
Result<int64_t> parse_rfc3339(std::string_view text);

}  // namespace nokv::cli
