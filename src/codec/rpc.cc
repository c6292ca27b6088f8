#include "codec/rpc.h"

namespace nokv::codec {

std::string blob_object_name(uint64_t blob, uint32_t block) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string id(16, '0');
  for (size_t i = 16; i-- > 0; blob >>= 4) id[i] = kHex[blob & 15];
  // The last digits change fastest, so they spread the blobs over the directories.
  return str("blobs/", id.substr(14), "/", id, "/", block);
}

}  // namespace nokv::codec
