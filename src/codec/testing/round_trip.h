// For fuzz targets: the first byte says which struct the rest is read as.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "codec/message.h"

namespace nokv::codec {

// A visitor for for_each_record() and its like. What decodes has one form: it encodes to bytes that
// decode to the same again.
struct RoundTrip {
  std::string_view input;
  uint8_t index = 0;

  template <class T>
  void operator()(const char*) {
    if (input.empty() || static_cast<uint8_t>(input[0]) != index++) return;
    T message;
    if (!decode(input.substr(1), message)) return;
    std::string bytes = encoded(message);
    T again;
    check(decode(bytes, again), "what was encoded can be decoded");
    check(encoded(again) == bytes, "one form only");
  }
};

}  // namespace nokv::codec
