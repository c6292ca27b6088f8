#include "codec/crc32c.h"

#include <algorithm>

#include <isa-l/crc.h>

namespace nokv {

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
  // isa-l takes an int as the length, and a pointer to non-const that it does not write through.
  static constexpr size_t kStepMax = size_t{1} << 30;
  uint32_t crc = ~seed;
  while (!bytes.empty()) {
    size_t step = std::min(bytes.size(), kStepMax);
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    crc = crc32_iscsi(const_cast<unsigned char*>(data), static_cast<int>(step), crc);
    bytes.remove_prefix(step);
  }
  return ~crc;
}

}  // namespace nokv
