#include "base/secret.h"

#include <algorithm>

namespace nokv {

void wipe(std::span<char> bytes) {
  for (char& byte : bytes) *static_cast<volatile char*>(&byte) = 0;
}

Secret::Secret(std::string value)
    : bytes_(std::make_unique<char[]>(value.size())), size_(value.size()) {
  std::copy(value.begin(), value.end(), bytes_.get());
  wipe(value);
}

bool Secret::matches(std::string_view guess) const {
  unsigned difference = size_ == guess.size() ? 0 : 1;
  for (size_t i = 0; i < guess.size(); ++i) {
    // Past its end the secret is compared with the guess's own bytes; the length told already.
    char mine = i < size_ ? bytes_[i] : guess[i];
    difference |= static_cast<unsigned char>(mine ^ guess[i]);
  }
  return difference == 0;
}

}  // namespace nokv
