// A stream gives the same messages and the same error however it is cut, and memory stays bounded.
#include "codec/frame.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"

namespace nokv::codec {
namespace {

constexpr size_t kMax = 4096;

std::vector<std::string> run(std::string_view stream, size_t step) {
  FrameDecoder decoder(kMax);
  std::vector<std::string> out;
  while (!stream.empty()) {
    size_t taken = std::min(step, stream.size());
    std::string piece(stream.substr(0, taken));
    stream.remove_prefix(taken);
    decoder.feed(piece);
    while (true) {
      auto next = decoder.next();
      if (!next) {
        out.push_back(next.error().message());
        return out;
      }
      check(decoder.held_bytes() <= 4 * (kMax + kFrameHeaderSize), "memory is bounded");
      if (!*next) break;
      out.emplace_back(next->value_or(""));
    }
  }
  out.push_back(decoder.unfinished());
  return out;
}

}  // namespace
}  // namespace nokv::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nokv;  // NOLINT(google-build-using-namespace)
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size >= codec::kPreambleSize) (void)codec::decode_preamble(bytes);
  auto whole = codec::run(bytes, bytes.size());
  check(whole == codec::run(bytes, 1), "cut in single bytes");
  check(whole == codec::run(bytes, 13), "cut in pieces");
  return 0;
}
