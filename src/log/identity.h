// Which log a directory holds, and who claimed it last: the file IDENTITY of docs/formats/log.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "log/frame.h"

namespace nokv::log {

struct Identity {
  LogId log;
  uint64_t segment_bytes = 0;
  Epoch epoch{};       // of the last claim; 0 before the first
  std::string node{};  // who made it
  bool operator==(const Identity&) const = default;
};

// `node` has no line break.
std::string encode_identity(const Identity& identity);

// Errors: data_loss when the bytes are not what encode_identity() made.
Result<Identity> decode_identity(std::string_view bytes);

}  // namespace nokv::log
