#include "cli/name_text.h"

#include <cstdint>

namespace nokv::cli {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

void append_escape(std::string& out, char c) {
  auto byte = static_cast<uint8_t>(c);
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool begins_escape(std::string_view in) {
  return in.size() >= 4 && in[0] == '\\' && in[1] == 'x' && digit_value(in[2]) >= 0 &&
         digit_value(in[3]) >= 0;
}

uint32_t code_point(std::string_view character) {
  auto first = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return first;
  uint32_t value = first & (0xffU >> (character.size() + 1));
  for (size_t i = 1; i < character.size(); ++i) {
    value = value << 6 | (static_cast<uint8_t>(character[i]) & 0x3fU);
  }
  return value;
}

bool plays_tricks(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

struct Rules {
  bool backslash;
  bool tricks;
};

std::string escaped(std::string_view in, Rules rules) {
  std::string out;
  out.reserve(in.size());
  while (!in.empty()) {
    size_t length = utf8_length(in);
    std::string_view character = in.substr(0, length == 0 ? 1 : length);
    bool escape = length == 0 || (rules.backslash && begins_escape(in)) ||
                  (rules.tricks && plays_tricks(code_point(character)));
    if (escape) {
      for (char c : character) append_escape(out, c);
    } else {
      out += character;
    }
    in.remove_prefix(character.size());
  }
  return out;
}

}  // namespace

size_t utf8_length(std::string_view in) {
  if (in.empty()) return 0;
  auto first = static_cast<uint8_t>(in[0]);
  if (first < 0x80) return 1;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || in.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<uint8_t>(in[i]) & 0xc0U) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  auto second = static_cast<uint8_t>(in[1]);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
    return 0;
  }
  return length;
}

std::string name_text(std::string_view name) {
  return escaped(name, {.backslash = true, .tricks = false});
}

std::string name_shown(std::string_view name) {
  return escaped(name, {.backslash = true, .tricks = true});
}

std::string printable(std::string_view text) {
  return escaped(text, {.backslash = false, .tricks = true});
}

std::string name_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (begins_escape(text)) {
      out += static_cast<char>(digit_value(text[2]) * 16 + digit_value(text[3]));
      text.remove_prefix(4);
    } else {
      std::string_view plain = text.substr(0, text.find('\\', 1));
      out += plain;
      text.remove_prefix(plain.size());
    }
  }
  return out;
}

std::string shell_quoted(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:@%,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace nokv::cli
