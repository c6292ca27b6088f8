#include "object/key.h"

#include <algorithm>

namespace nokv::object {
namespace {

const char* wrong_with(std::string_view key) {
  if (key.empty()) return "it is empty";
  if (key.size() > kKeyBytesMax) return "it is longer than 1024 bytes";
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(key, control)) return "it has a control character";
  for (size_t begin = 0; begin <= key.size();) {
    size_t end = std::min(key.find('/', begin), key.size());
    std::string_view segment = key.substr(begin, end - begin);
    if (segment.empty()) return "it has an empty segment";
    if (segment == "." || segment == "..") return "it has the segment . or ..";
    if (segment.size() > kSegmentBytesMax) return "a segment is longer than 255 bytes";
    begin = end + 1;
  }
  return nullptr;
}

}  // namespace

Result<> check_key(std::string_view key) {
  if (const char* wrong = wrong_with(key)) {
    return fail(Code::invalid_argument, "object key '", key.substr(0, 100), "': ", wrong);
  }
  return {};
}

}  // namespace nokv::object
