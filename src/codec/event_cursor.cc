#include "codec/event_cursor.h"

#include <charconv>
#include <system_error>

#include "base/result.h"

namespace nokv::codec {

namespace {

constexpr size_t kLogDigits = 16;

// All of `text` as one number, without signs or needless zeros.
template <class T>
bool parse_number(std::string_view text, T& out, int base) {
  const char* end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, out, base);
  bool padded = base == 10 && text.size() > 1 && text.front() == '0';
  return error == std::errc() && stopped == end && !padded;
}

}  // namespace

std::string EventCursor::text() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string digits(kLogDigits, '0');
  uint64_t rest = log;
  for (size_t i = kLogDigits; i-- > 0; rest >>= 4) digits[i] = kHex[rest & 15];
  return str("e", digits, "-", version, "-", index);
}

std::optional<EventCursor> EventCursor::parse(std::string_view text) {
  if (text.size() < kLogDigits + 5 || text[0] != 'e' || text[kLogDigits + 1] != '-') {
    return std::nullopt;
  }
  std::string_view log = text.substr(1, kLogDigits);
  std::string_view rest = text.substr(kLogDigits + 2);
  size_t dash = rest.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  EventCursor out;
  bool good = parse_number(log, out.log, 16) &&
              parse_number(rest.substr(0, dash), out.version, 10) &&
              parse_number(rest.substr(dash + 1), out.index, 10);
  // One spelling each, so that a cursor is compared as it is written.
  if (!good || out.text() != text) return std::nullopt;
  return out;
}

}  // namespace nokv::codec
