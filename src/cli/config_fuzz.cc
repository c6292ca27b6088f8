// A config file.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "cli/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto values = nokv::cli::parse_toml(text, "config.toml");
  if (!values) {
    nokv::check(values.error().message().starts_with("config.toml:"), "an error names the file");
  }
  return 0;
}
