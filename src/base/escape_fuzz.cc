// What is escaped keeps to one line and to what a terminal prints.
#include "base/escape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::string shown;
  nokv::append_escaped(shown, text);
  nokv::check(std::ranges::none_of(shown, control), "no control characters");
  std::string json;
  nokv::append_json_string(json, text);
  nokv::check(std::ranges::none_of(json, control), "none in JSON");
  nokv::check(json.size() >= 2 && json.front() == '"' && json.back() == '"', "quoted");
  for (size_t i = 1; i + 1 < json.size(); ++i) {
    nokv::check(json[i] != '"', "a quote inside is escaped");
    if (json[i] == '\\') ++i;
  }
  return 0;
}
