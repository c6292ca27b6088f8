// Names are bytes; this is how they are written as text, and read back.
//
// A byte that belongs to no UTF-8 character is written \xHH, and so is a backslash that would
// otherwise begin such an escape: what is written always reads back as the same bytes. On a
// terminal control characters and those that turn the direction of writing are escaped as well, so
// that a name cannot play tricks.
#pragma once

#include <string>
#include <string_view>

namespace nokv::cli {

// Valid UTF-8, for JSON.
std::string name_text(std::string_view name);

// The same, and nothing in it moves a terminal's cursor or turns its direction.
std::string name_shown(std::string_view name);

// The bytes that name_text() or name_shown() wrote.
std::string name_bytes(std::string_view text);

// For text that may hold names but is none (messages): name_shown() without the backslash rule.
std::string printable(std::string_view text);

// In single quotes when a shell would see more in it than one word.
std::string shell_quoted(std::string_view text);

// Bytes of the UTF-8 character at the front of `in`; 0 when there is none (or `in` is empty).
size_t utf8_length(std::string_view in);

}  // namespace nokv::cli
