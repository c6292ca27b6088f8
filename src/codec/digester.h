// The digest of a body, while its bytes pass by.
#pragma once

#include <memory>
#include <string_view>

#include "codec/record.h"

namespace nokv::codec {

// Used by one thread. Sums: XXH3-128 in its canonical (big-endian) form, SHA-256 as usual; none is
// no sum.
class Digester {
 public:
  explicit Digester(DigestKind kind);
  ~Digester();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;

  void add(std::string_view bytes);

  // Of all that was added; once.
  Digest finish();

 private:
  struct Sha;
  struct Xxh;

  std::unique_ptr<Sha> sha_;
  std::unique_ptr<Xxh> xxh_;
};

}  // namespace nokv::codec
