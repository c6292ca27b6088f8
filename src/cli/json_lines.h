// JSON, read: lines that each hold one object, whose fields hold text, numbers, or objects of them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nokv::cli {

struct JsonField {
  enum class Kind : uint8_t {
    text,
    plain,
    object
  };
  std::string_view name;
  std::string_view text;  // without escapes; of a plain one (a number, "true", "false") as it is
                          // written; empty of null and of an object
  Kind kind = Kind::plain;
  bool inner = false;  // of the object that the last field before which is not inner holds
};

// A line, taken apart. Views of it last as long as it does, or until it parses another one.
class JsonLine {
 public:
  JsonLine() = default;
  JsonLine(const JsonLine&) = delete;
  JsonLine& operator=(const JsonLine&) = delete;

  // False when the line is no JSON, no object, or holds a list or an object deeper inside.
  bool parse(std::string_view line);

  // In the order of the line.
  const std::vector<JsonField>& fields() const { return fields_; }
  // The first one of that name that is not inner; null when there is none.
  const JsonField* find(std::string_view name) const;
  // Those of the object that one of the fields holds.
  std::span<const JsonField> inner(const JsonField& of) const;

 private:
  std::string bytes_;  // of all names and texts
  std::vector<JsonField> fields_;
};

// The fields of one flat object as text ("12", "true", strings as they are); of those of one name
// the last. Errors: invalid_argument (what JsonLine does not take, or a field that holds an
// object).
Result<std::map<std::string, std::string>> parse_json_line(std::string_view line);

}  // namespace nokv::cli
