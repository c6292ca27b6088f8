// The checksum of blocks, frames and records: CRC-32C (Castagnoli, RFC 3720 appendix B.4).
#pragma once

#include <cstdint>
#include <string_view>

namespace nokv {

// The checksum of `bytes`. With `seed`, the checksum of what came before, that of both together:
// crc32c(ab) == crc32c(b, crc32c(a)). Tens of GB/s.
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);

}  // namespace nokv
