// JSON, written: fields in the order they are added, valid UTF-8 whatever goes in.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace nokv::cli {

// Appends `text` in quotes. Bytes that are no UTF-8 become \xHH (as text: "\\xff").
void append_json_string(std::string& out, std::string_view text);

class JsonArray;

// `JsonObject().add("path", path).add("size", size).text()`.
class JsonObject {
 public:
  JsonObject& add(std::string_view name, std::string_view value);
  JsonObject& add(std::string_view name, const char* value) {
    return add(name, std::string_view(value));
  }
  JsonObject& add(std::string_view name, std::same_as<bool> auto value) {
    return raw(name, value ? "true" : "false");
  }
  JsonObject& add(std::string_view name, std::integral auto value)
    requires(!std::same_as<decltype(value), bool>)
  {
    return raw(name, std::to_string(value));
  }
  JsonObject& add(std::string_view name, const JsonObject& value) {
    return raw(name, value.text());
  }
  JsonObject& add(std::string_view name, const JsonArray& value);
  JsonObject& add_null(std::string_view name) { return raw(name, "null"); }
  // `json` is a JSON value already.
  JsonObject& raw(std::string_view name, std::string_view json);

  std::string text() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

class JsonArray {
 public:
  JsonArray& add(std::string_view value);
  JsonArray& add(const JsonObject& value) { return raw(value.text()); }
  JsonArray& raw(std::string_view json);

  std::string text() const { return "[" + body_ + "]"; }

 private:
  std::string body_;
};

}  // namespace nokv::cli
