// The kernel's random numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/env/random.h"
#include "base/guarded.h"

namespace nokv {

// getrandom(), a buffer at a time. Thread-safe. A number is wiped from the buffer when it is handed
// out. After fork() parent and child would share the rest of the buffer: make a new one in the
// child.
class PosixRandom final : public Random {
 public:
  uint64_t next() override;

 private:
  struct Buffer {
    std::array<uint64_t, 32> numbers{};  // 256 bytes: the most getrandom() gives uninterrupted
    size_t left = 0;
  };

  Guarded<Buffer> buffer_;
};

}  // namespace nokv
