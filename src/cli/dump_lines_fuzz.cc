// A line of a dump. One that is taken reads back as it is written.
#include "cli/dump_lines.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace nokv::cli {
namespace {

std::string text_of(const DumpLine& line) {
  return std::visit([](const auto& it) { return dump_text(it); }, line);
}

}  // namespace
}  // namespace nokv::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nokv;  // NOLINT(google-build-using-namespace)
  auto line = cli::parse_dump_line({reinterpret_cast<const char*>(data), size});
  if (!line) return 0;
  std::string written = cli::text_of(*line);
  auto again = cli::parse_dump_line(written);
  check(again && cli::text_of(*again) == written, "a line reads back as it was written");
  return 0;
}
