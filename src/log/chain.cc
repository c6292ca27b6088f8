#include <array>
#include <cstring>

// Shows the state, so that it can lie on the stack.
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "log/log_store.h"

namespace nokv::log {
namespace {

std::array<uint8_t, 8> little_endian(uint64_t number) {
  std::array<uint8_t, 8> out;
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(number >> (8 * i));
  return out;
}

}  // namespace

ChainDigest chain(const ChainDigest& before, const Group& group) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  auto first = little_endian(group.first.value());
  auto last = little_endian(group.last.value());
  std::array<uint8_t, 32> head;
  std::memcpy(head.data(), before.data(), before.size());
  std::memcpy(head.data() + 16, first.data(), first.size());
  std::memcpy(head.data() + 24, last.data(), last.size());
  XXH3_128bits_update(&state, head.data(), head.size());
  XXH3_128bits_update(&state, group.bytes.data(), group.bytes.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
  ChainDigest out;
  static_assert(sizeof canonical.digest == sizeof out);
  std::memcpy(out.data(), canonical.digest, sizeof out);
  return out;
}

}  // namespace nokv::log
