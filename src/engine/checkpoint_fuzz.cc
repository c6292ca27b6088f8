// The lines of a manifest that lies on a disk, under a checksum that is right.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "base/check.h"
#include "engine/rocks_checkpoint.h"

namespace {

// CRC-32C bit by bit: the checksum of a manifest is private to the engine.
uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text = "nokv-checkpoint 1\n";
  text.append(reinterpret_cast<const char*>(data), size);
  char sum[9];
  std::snprintf(sum, sizeof(sum), "%08x", crc32c(text));
  text += std::string("end ") + sum + "\n";
  auto files = nokv::engine::decode_checkpoint_manifest(text);
  if (!files) return 0;
  nokv::check(nokv::engine::encode_checkpoint_manifest(*files) == text, "one form only");
  for (const auto& file : *files) {
    nokv::check(file.name.find('/') == std::string::npos, "a file lies in the directory");
  }
  return 0;
}
