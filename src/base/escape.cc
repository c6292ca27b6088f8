#include "base/escape.h"

#include <cstdint>

namespace nokv {
namespace {

constexpr uint32_t kInvalid = 0xffffffff;

struct Decoded {
  uint32_t point;
  size_t bytes;
};

// The code point at the start of `text`, which is not empty; kInvalid and one byte where there is
// none (also for overlong forms and surrogates).
Decoded decode(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {kInvalid, 1};
  uint32_t point = lead & (0x7fU >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {kInvalid, 1};
    point = point << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < least[bytes] || point > 0x10ffff || surrogate) return {kInvalid, 1};
  return {point, bytes};
}

bool is_dangerous(uint32_t point) {
  auto in = [point](uint32_t first, uint32_t last) { return point >= first && point <= last; };
  return point < 0x20 || in(0x7f, 0x9f) ||         // C0, delete, C1
         point == 0xad || point == 0x61c ||        // soft hyphen; Arabic letter mark
         in(0x200b, 0x200f) ||                     // zero width, direction marks
         in(0x2028, 0x202e) ||                     // line separators, embeddings, overrides
         in(0x2060, 0x206f) || point == 0xfeff ||  // invisible operators, isolates; byte order mark
         in(0xfff9, 0xfffb) || in(0xe0000, 0xe007f);  // annotations; tags
}

void append_hex(std::string& out, uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[value >> shift & 0xf];
  }
}

void append_json_point(std::string& out, uint32_t point) {
  if (point > 0xffff) {  // a surrogate pair
    append_json_point(out, 0xd800 + ((point - 0x10000) >> 10));
    append_json_point(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
    return;
  }
  out += "\\u";
  append_hex(out, point, 4);
}

// The escapes that both forms write with one letter; 0 for none.
char short_escape(uint32_t point) {
  switch (point) {
    case '\\':
      return '\\';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto [point, bytes] = decode(text);
    if (char letter = short_escape(point)) {
      out += '\\';
      out += letter;
    } else if (point == kInvalid || point < 0x80) {
      bool plain = point != kInvalid && !is_dangerous(point);
      if (plain) {
        out += text[0];
      } else {
        out += "\\x";
        append_hex(out, static_cast<unsigned char>(text[0]), 2);
      }
    } else if (is_dangerous(point)) {
      out += "\\u{";
      append_hex(out, point, point > 0xffff ? 6 : 4);
      out += '}';
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    auto [point, bytes] = decode(text);
    if (char letter = point == '"' ? '"' : short_escape(point)) {
      out += '\\';
      out += letter;
    } else if (point == kInvalid) {
      out += "\\ufffd";
    } else if (is_dangerous(point)) {
      append_json_point(out, point);
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  out += '"';
}

}  // namespace nokv
