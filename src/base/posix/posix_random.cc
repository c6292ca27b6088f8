#include "base/posix/posix_random.h"

#include <cerrno>
#include <utility>

#include <sys/random.h>

#include "base/check.h"

namespace nokv {

uint64_t PosixRandom::next() {
  return buffer_.with([](Buffer& buffer) {
    if (buffer.left == 0) {
      ssize_t got = 0;
      do {
        got = getrandom(buffer.numbers.data(), sizeof(buffer.numbers), 0);
      } while (got < 0 && errno == EINTR);
      check(got == ssize_t{sizeof(buffer.numbers)}, "the kernel gives random bytes");
      buffer.left = buffer.numbers.size();
    }
    return std::exchange(buffer.numbers[--buffer.left], 0);
  });
}

}  // namespace nokv
