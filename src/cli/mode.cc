#include "cli/mode.h"

namespace nokv::cli {
namespace {

uint32_t who_of(char c) {
  switch (c) {
    case 'u':
      return 04700;
    case 'g':
      return 02070;
    case 'o':
      return 01007;
    case 'a':
      return 07777;
    default:
      return 0;
  }
}

// Every class's bit for a letter; X and copies of other classes depend on the old mode.
bool bits_of(char c, uint32_t old, bool directory, uint32_t& bits) {
  auto spread = [](uint32_t three) { return three << 6 | three << 3 | three; };
  switch (c) {
    case 'r':
      bits |= 0444;
      return true;
    case 'w':
      bits |= 0222;
      return true;
    case 'x':
      bits |= 0111;
      return true;
    case 'X':
      if (directory || (old & 0111U) != 0) bits |= 0111;
      return true;
    case 's':
      bits |= 06000;
      return true;
    case 't':
      bits |= 01000;
      return true;
    case 'u':
      bits |= spread(old >> 6 & 7U);
      return true;
    case 'g':
      bits |= spread(old >> 3 & 7U);
      return true;
    case 'o':
      bits |= spread(old & 7U);
      return true;
    default:
      return false;
  }
}

// Applies "u+rw-x": who once, then any number of verbs with bits.
bool apply(std::string_view clause, bool directory, uint32_t& mode) {
  uint32_t who = 0;
  while (!clause.empty() && who_of(clause.front()) != 0) {
    who |= who_of(clause.front());
    clause.remove_prefix(1);
  }
  if (who == 0) who = 07777;
  if (clause.empty()) return false;
  while (!clause.empty()) {
    char verb = clause.front();
    if (verb != '+' && verb != '-' && verb != '=') return false;
    clause.remove_prefix(1);
    uint32_t bits = 0;
    while (!clause.empty() && bits_of(clause.front(), mode, directory, bits)) {
      clause.remove_prefix(1);
    }
    bits &= who;
    if (verb == '+') mode |= bits;
    if (verb == '-') mode &= ~bits;
    if (verb == '=') mode = (mode & ~who) | bits;
  }
  return true;
}

}  // namespace

bool is_octal_mode(std::string_view text) {
  return !text.empty() && text.find_first_not_of("01234567") == std::string_view::npos;
}

Result<uint32_t> changed_mode(std::string_view text, uint32_t old, bool directory) {
  auto bad = [&] {
    return std::unexpected(Error(Code::invalid_argument, str("'", text, "' is no mode"))
                               .with_hint("write 0644, u+x or go-w,a+X"));
  };
  uint32_t mode = old;
  if (is_octal_mode(text)) {
    if (text.size() > 5) return bad();
    mode = 0;
    for (char c : text) mode = mode * 8 + static_cast<uint32_t>(c - '0');
    if (mode > 07777) return bad();
    return mode;
  }
  if (text.empty()) return bad();
  while (true) {
    size_t end = text.find(',');
    if (!apply(text.substr(0, end), directory, mode)) return bad();
    if (end == std::string_view::npos) return mode;
    text.remove_prefix(end + 1);
  }
}

}  // namespace nokv::cli
