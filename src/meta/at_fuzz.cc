// What people write after --at.
#include "meta/at.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace meta = nokv::meta;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  bool taken = false;
  if (auto age = meta::parse_age(text)) {
    nokv::check(*age >= 0, "an age is not negative");
    taken = true;
  }
  if (auto version = meta::parse_version(text)) {
    nokv::check(meta::parse_version("v" + std::to_string(*version)) == version, "a version");
    taken = true;
  }
  if (auto time = meta::parse_time(text)) {
    nokv::check(meta::parse_time(meta::format_time(*time)) == time, "a time");
    taken = true;
  }
  if (taken) nokv::check(!meta::check_snapshot_name(text), "no snapshot is called so");
  return 0;
}
