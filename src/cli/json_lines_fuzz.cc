// A line of `nokv publish --from`.
#include "cli/json_lines.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)nokv::cli::parse_json_line({reinterpret_cast<const char*>(data), size});
  return 0;
}
