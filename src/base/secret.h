// A value that must not be seen.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nokv {

// Overwrites the bytes, also where the compiler knows that nobody reads them again.
void wipe(std::span<char> bytes);

// A token, key or password. It does not convert, print, or compare with ==, so that it cannot slip
// into a message or a log; copies are asked for by name. Its bytes are wiped when it goes.
class Secret {
 public:
  Secret() = default;
  // Wipes `value`; other copies of it are the caller's business.
  explicit Secret(std::string value);
  ~Secret() { wipe({bytes_.get(), size_}); }
  Secret(Secret&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);  // `other` wipes what this held
    std::swap(size_, other.size_);
    return *this;
  }

  Secret copy() const { return Secret(std::string(reveal())); }

  bool empty() const { return size_ == 0; }

  // The bytes, for the one call that needs them. Valid while the Secret lives.
  std::string_view reveal() const { return {bytes_.get(), size_}; }

  // Takes a time that depends on the length of `guess` alone.
  bool matches(std::string_view guess) const;

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

}  // namespace nokv
