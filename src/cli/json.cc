#include "cli/json.h"

#include "cli/name_text.h"

namespace nokv::cli {

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    size_t length = utf8_length(text);
    auto byte = static_cast<uint8_t>(text.front());
    if (length == 0) {
      out += "\\\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
      length = 1;
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text.front();
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

JsonObject& JsonObject::raw(std::string_view name, std::string_view json) {
  if (!body_.empty()) body_ += ',';
  append_json_string(body_, name);
  body_ += ':';
  body_ += json;
  return *this;
}

JsonObject& JsonObject::add(std::string_view name, std::string_view value) {
  std::string quoted;
  append_json_string(quoted, value);
  return raw(name, quoted);
}

JsonObject& JsonObject::add(std::string_view name, const JsonArray& value) {
  return raw(name, value.text());
}

JsonArray& JsonArray::raw(std::string_view json) {
  if (!body_.empty()) body_ += ',';
  body_ += json;
  return *this;
}

JsonArray& JsonArray::add(std::string_view value) {
  std::string quoted;
  append_json_string(quoted, value);
  return raw(quoted);
}

}  // namespace nokv::cli
