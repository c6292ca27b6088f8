// The digest that a body gets, while its bytes pass by.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "client/client.h"
#include "codec/digester.h"

namespace nokv::client {

// Bodies up to this size get sha256, larger ones xxh3-128, unless somebody chooses.
constexpr uint64_t kSha256Max = 64 << 20;

// Used by one thread.
class Digester {
 public:
  // Without `size` both sums are made until the body is known to be large.
  Digester(DigestChoice choice, std::optional<uint64_t> size);

  void add(std::string_view bytes);

  // Of all that was added; once.
  codec::Digest finish();

 private:
  std::optional<codec::Digester> sha_;
  std::optional<codec::Digester> xxh_;
  uint64_t size_ = 0;
};

}  // namespace nokv::client
