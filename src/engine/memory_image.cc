#include "engine/memory_image.h"

#include <cstring>

#include <xxhash.h>

#include "base/check.h"

namespace nokv::engine {
namespace {

constexpr std::string_view kMagic = "nokv memory engine 1\n";

void append_u64(std::string& out, uint64_t number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof bytes);
}

uint64_t u64_at(std::string_view bytes, size_t offset) {
  uint64_t number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

}  // namespace

ImageWriter::ImageWriter() : bytes_(kMagic) {}

void ImageWriter::add(std::string_view key, std::string_view value) {
  for (std::string_view part : {key, value}) {
    append_u64(bytes_, part.size());
    bytes_ += part;
  }
}

std::string ImageWriter::finish() {
  append_u64(bytes_, XXH3_64bits(bytes_.data(), bytes_.size()));
  return std::move(bytes_);
}

Result<ImageReader> ImageReader::open(std::string_view image) {
  if (image.size() < kMagic.size() + sizeof(uint64_t) || !image.starts_with(kMagic)) {
    return fail(Code::data_loss, "no engine image: ", image.size(), " bytes");
  }
  std::string_view body = image.substr(0, image.size() - sizeof(uint64_t));
  if (u64_at(image, body.size()) != XXH3_64bits(body.data(), body.size())) {
    return fail(Code::data_loss, "engine image of ", image.size(), " bytes: wrong checksum");
  }
  return ImageReader(body.substr(kMagic.size()));
}

std::string_view ImageReader::take() {
  check(rest_.size() >= sizeof(uint64_t), "an image with a right checksum is well-formed");
  uint64_t size = u64_at(rest_, 0);
  rest_.remove_prefix(sizeof size);
  check(rest_.size() >= size, "an image with a right checksum is well-formed");
  std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

bool ImageReader::next() {
  if (rest_.empty()) return false;
  key_ = take();
  value_ = take();
  return true;
}

}  // namespace nokv::engine
