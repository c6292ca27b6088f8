#include "object/s3/answers.h"

#include "object/s3/xml.h"

// No answer of a store may do more than fail.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view body(reinterpret_cast<const char*>(data), size);
  nokv::object::read_error(body);
  (void)nokv::object::read_list(body);
  (void)nokv::object::read_delete_errors(body);
  std::string document = "<a>" + nokv::object::xml_escape(body) + "</a>";
  std::string back;
  auto read = nokv::object::read_xml(
      document, [&](std::string_view, const std::string& text) { back = text; });
  if (!read || back != body) __builtin_trap();
  return 0;
}
