// Text from outside made safe to show.
#pragma once

#include <string>
#include <string_view>

namespace nokv {

// Appends `text` with everything escaped that a terminal would obey or that would make a line read
// otherwise than it is: control characters, bidirectional overrides and marks, line separators,
// invisible characters, bytes that are no UTF-8 (\xNN), and the backslash itself. What is left
// keeps to one line.
void append_escaped(std::string& out, std::string_view text);

// As append_escaped(), as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD:
// JSON cannot carry them.
void append_json_string(std::string& out, std::string_view text);

}  // namespace nokv
