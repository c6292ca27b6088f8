// What tests ask of every struct that is stored or travels, without its type: so that the code for
// each is made once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sim/sim_random.h"

namespace nokv::codec {

struct MessageKind {
  struct Message {
    std::string bytes;    // encoded
    std::string printed;  // every field
  };
  const char* name = "";
  std::vector<uint32_t> numbers;  // that fields() names, in its order
  size_t members = 0;             // that the struct has
  Message empty;
  Message example;  // no field has its default
  std::function<Message(SimRandom&)> random;
  std::function<std::optional<Message>(std::string_view bytes)> read;  // none: refused
};

// By the pages of docs/formats.
enum class MessageGroup : uint8_t {
  record,
  redo,
  operation,
  rpc,
  backup
};
std::vector<MessageKind> message_kinds(MessageGroup group);
std::vector<MessageKind> all_message_kinds();

}  // namespace nokv::codec
