// The whole content of a MemoryEngine as one run of bytes.
//
// Only tests and simulations read it back, in the same build, so it is no format of the product.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nokv::engine {

// Collects entries in key order.
class ImageWriter {
 public:
  ImageWriter();
  void add(std::string_view key, std::string_view value);
  // The image; the writer is used up.
  std::string finish();

 private:
  std::string bytes_;
};

// Walks the entries of an image that outlives it.
class ImageReader {
 public:
  // Errors: data_loss when the checksum or the header is wrong.
  static Result<ImageReader> open(std::string_view image);

  // False at the end.
  bool next();
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  explicit ImageReader(std::string_view entries) : rest_(entries) {}
  std::string_view take();

  std::string_view rest_;
  std::string_view key_;
  std::string_view value_;
};

}  // namespace nokv::engine
