// The files and answers from which credentials are read.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "object/s3/dates.h"
#include "object/s3/instance_keys.h"
#include "object/s3/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace object = nokv::object;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& [name, value] : object::read_profile(text, "default")) {
    nokv::check(value.find('\n') == std::string::npos, "a setting is one line's");
  }
  if (auto keys = object::read_instance_keys(text)) {
    nokv::check(!keys->access_key_id.empty() && !keys->secret_key.empty(), "keys are whole");
  }
  (void)object::parse_iso_date(text);
  (void)object::parse_http_date(text);
  return 0;
}
