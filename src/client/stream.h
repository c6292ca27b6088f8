// Where the bytes of bodies come from and go to.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace nokv::client {

// Used by one thread; may block.
class Source {
 public:
  virtual ~Source() = default;

  // Fills the front of `buffer`, which is not empty, and returns how much; 0 only at the end.
  virtual Result<size_t> read(std::span<char> buffer) = 0;
};

// Used by one thread; may block.
class Sink {
 public:
  virtual ~Sink() = default;

  // Takes all of `bytes`, which follow those of the call before.
  virtual Result<> write(std::string_view bytes) = 0;
};

class StringSource final : public Source {
 public:
  explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}

  Result<size_t> read(std::span<char> buffer) override {
    size_t count = bytes_.copy(buffer.data(), buffer.size(), at_);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

class StringSink final : public Sink {
 public:
  Result<> write(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

}  // namespace nokv::client
