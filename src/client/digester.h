// The digest of a whole body, while its bytes pass by.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "client/client.h"
#include "codec/record.h"

namespace nokv::client {

// Bodies up to this size get sha256, larger ones xxh3-128, unless somebody chooses.
constexpr uint64_t kSha256Max = 64 << 20;

// Used by one thread. Sums: XXH3-128 in its canonical (big-endian) form, SHA-256 as usual.
class Digester {
 public:
  // Without `size` both sums are made until the body is known to be large.
  Digester(DigestChoice choice, std::optional<uint64_t> size);
  // Makes that sum, to compare with one that is known.
  explicit Digester(codec::DigestKind kind);
  ~Digester();

  void add(std::string_view bytes);

  // Of all that was added; once.
  codec::Digest finish();

 private:
  struct Sha;
  struct Xxh;

  std::unique_ptr<Sha> sha_;
  std::unique_ptr<Xxh> xxh_;
  uint64_t size_ = 0;
};

}  // namespace nokv::client
