#include "cli/json_lines.h"

#include <nlohmann/json.hpp>

namespace nokv::cli {

Result<std::map<std::string, std::string>> parse_json_line(std::string_view line) {
  auto parsed = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return fail(Code::invalid_argument, "is no JSON");
  if (!parsed.is_object()) return fail(Code::invalid_argument, "is no JSON object");
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : parsed.items()) {
    if (value.is_string()) {
      fields[name] = value.get_ref<const std::string&>();
    } else if (value.is_structured()) {
      return fail(Code::invalid_argument, "field '", name, "' is neither text nor a number");
    } else {
      fields[name] = value.dump();
    }
  }
  return fields;
}

}  // namespace nokv::cli
