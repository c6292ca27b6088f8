// A text that must not be printed.
#pragma once

#include <string>
#include <utility>

namespace nokv::object {

// Has no formatter and no conversion, so only reveal() shows it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string text_;
};

}  // namespace nokv::object
