#include "log/identity.h"

#include <charconv>
#include <vector>

#include "codec/crc32c.h"

namespace nokv::log {
namespace {

constexpr std::string_view kFirstLine = "nokv-log 1\n";

std::string hex(uint64_t number, size_t digits) {
  std::string out(digits, '0');
  for (size_t i = digits; i-- > 0; number >>= 4) out[i] = "0123456789abcdef"[number & 15];
  return out;
}

// Takes "NAME VALUE\n" off `rest` and returns the value.
Result<std::string_view> take_line(std::string_view& rest, std::string_view name) {
  size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  if (end == std::string_view::npos || !line.starts_with(name) || line.size() <= name.size() ||
      line[name.size()] != ' ') {
    return fail(Code::data_loss, "no line for ", name);
  }
  rest.remove_prefix(end + 1);
  return line.substr(name.size() + 1);
}

Result<uint64_t> take_number(std::string_view& rest, std::string_view name) {
  NOKV_ASSIGN(std::string_view text, take_line(rest, name));
  uint64_t number = 0;
  const char* last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last) {
    return fail(Code::data_loss, name, ": no number: ", text);
  }
  return number;
}

Result<LogId> take_log_id(std::string_view& rest) {
  NOKV_ASSIGN(std::string_view text, take_line(rest, "id"));
  LogId id;
  bool good = text.size() == 32;
  for (uint64_t* half : {&id.high, &id.low}) {
    if (!good) break;
    const char* last = text.data() + 16;
    auto [end, error] = std::from_chars(text.data(), last, *half, 16);
    good = error == std::errc() && end == last;
    text.remove_prefix(16);
  }
  if (!good) return fail(Code::data_loss, "id: no 32 hex digits");
  return id;
}

}  // namespace

std::string encode_identity(const Identity& identity) {
  std::string out = str(kFirstLine, "id ", hex(identity.log.high, 16), hex(identity.log.low, 16),
                        "\nsegment-bytes ", identity.segment_bytes, "\nepoch ",
                        identity.epoch.value(), "\nnode ", identity.node, "\n");
  return str(out, "crc32c ", hex(crc32c(out), 8), "\n");
}

Result<Identity> decode_identity(std::string_view bytes) {
  constexpr size_t last_line_size = sizeof("crc32c 00000000\n") - 1;
  if (!bytes.starts_with(kFirstLine) || bytes.size() < kFirstLine.size() + last_line_size) {
    return fail(Code::data_loss, "no log identity of version 1");
  }
  std::string_view body = bytes.substr(0, bytes.size() - last_line_size);
  if (bytes.substr(body.size()) != str("crc32c ", hex(crc32c(body), 8), "\n")) {
    return fail(Code::data_loss, "wrong checksum in the last line");
  }
  body.remove_prefix(kFirstLine.size());
  Identity identity;
  NOKV_ASSIGN(identity.log, take_log_id(body));
  NOKV_ASSIGN(identity.segment_bytes, take_number(body, "segment-bytes"));
  NOKV_ASSIGN(uint64_t epoch, take_number(body, "epoch"));
  identity.epoch = Epoch{epoch};
  NOKV_ASSIGN(std::string_view node, take_line(body, "node"));
  identity.node = node;
  if (!body.empty()) return fail(Code::data_loss, "bytes after the last line");
  return identity;
}

}  // namespace nokv::log
