#include "cli/json_lines.h"

#include <algorithm>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>

namespace nokv::cli {
namespace {

// What Boost.JSON's parser calls; false stops it. Text comes in parts where it holds escapes.
class Handler {
 public:
  using Text = boost::json::string_view;
  using Failure = boost::json::error_code;
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  Handler(std::string& bytes, std::vector<JsonField>& fields) : bytes_(bytes), fields_(fields) {}

  static bool on_document_begin(Failure& /*out*/) { return true; }
  static bool on_document_end(Failure& /*out*/) { return true; }
  bool on_object_begin(Failure& /*out*/) {
    if (!fields_.empty()) fields_.back().kind = JsonField::Kind::object;
    return ++depth_ <= 2;
  }
  bool on_object_end(size_t /*count*/, Failure& /*out*/) { return depth_-- > 0; }
  static bool on_array_begin(Failure& /*out*/) { return false; }
  static bool on_array_end(size_t /*count*/, Failure& /*out*/) { return false; }
  bool on_key_part(Text part, size_t /*so_far*/, Failure& /*out*/) { return add(part); }
  bool on_key(Text rest, size_t /*size*/, Failure& /*out*/) {
    fields_.push_back({ended(rest), {}, {}, depth_ == 2});
    return true;
  }
  bool on_string_part(Text part, size_t /*so_far*/, Failure& /*out*/) { return add(part); }
  bool on_string(Text rest, size_t /*size*/, Failure& /*out*/) {
    return value(rest, JsonField::Kind::text);
  }
  bool on_number_part(Text part, Failure& /*out*/) { return add(part); }
  bool on_int64(int64_t /*it*/, Text rest, Failure& /*out*/) { return value(rest); }
  bool on_uint64(uint64_t /*it*/, Text rest, Failure& /*out*/) { return value(rest); }
  bool on_double(double /*it*/, Text rest, Failure& /*out*/) { return value(rest); }
  bool on_bool(bool it, Failure& /*out*/) { return value(it ? "true" : "false"); }
  bool on_null(Failure& /*out*/) { return value(""); }
  static bool on_comment_part(Text /*part*/, Failure& /*out*/) { return false; }
  static bool on_comment(Text /*rest*/, Failure& /*out*/) { return false; }

 private:
  bool add(Text part) {
    bytes_ += part;
    return true;
  }
  std::string_view ended(Text rest) {
    bytes_ += rest;
    return std::string_view(bytes_).substr(std::exchange(begun_, bytes_.size()));
  }
  bool value(Text rest, JsonField::Kind kind = JsonField::Kind::plain) {
    if (depth_ == 0) return false;
    fields_.back().text = ended(rest);
    fields_.back().kind = kind;
    return true;
  }

  std::string& bytes_;
  std::vector<JsonField>& fields_;
  size_t begun_ = 0;  // in bytes_: where the next name or text begins
  int depth_ = 0;
};

}  // namespace

bool JsonLine::parse(std::string_view line) {
  constexpr size_t kUsualFields = 16;
  bytes_.clear();
  bytes_.reserve(line.size());  // as much as can come of it, so that the views stay
  fields_.clear();
  fields_.reserve(kUsualFields);
  boost::json::basic_parser<Handler> parser({}, bytes_, fields_);
  boost::json::error_code failure;
  size_t read = parser.write_some(/*more=*/false, line.data(), line.size(), failure);
  return !failure && read == line.size();
}

const JsonField* JsonLine::find(std::string_view name) const {
  auto found = std::ranges::find_if(
      fields_, [&](const JsonField& it) { return it.name == name && !it.inner; });
  return found == fields_.end() ? nullptr : &*found;
}

std::span<const JsonField> JsonLine::inner(const JsonField& of) const {
  auto first = fields_.begin() + (&of - fields_.data()) + 1;
  return {first, std::ranges::find(first, fields_.end(), false, &JsonField::inner)};
}

Result<std::map<std::string, std::string>> parse_json_line(std::string_view line) {
  JsonLine json;
  if (!json.parse(line))
    return fail(Code::invalid_argument, "is no JSON object of text and numbers");
  std::map<std::string, std::string> fields;
  for (const JsonField& it : json.fields()) {
    if (it.kind == JsonField::Kind::object) {
      return fail(Code::invalid_argument, "field '", it.name, "' is neither text nor a number");
    }
    fields.insert_or_assign(std::string(it.name), std::string(it.text));
  }
  return fields;
}

}  // namespace nokv::cli
