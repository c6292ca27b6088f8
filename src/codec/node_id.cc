#include "codec/node_id.h"

#include <charconv>

#include "codec/key.h"
#include "codec/message.h"

namespace nokv::codec {

void NodeId::put_bytes(std::string& out) const {
  if (origin == 0) return;
  put_varint(out, origin);
  for (const Hop& hop : hops) {
    put_varint(out, hop.clone);
    put_varint(out, hop.generation);
  }
}

bool NodeId::take_bytes(std::string_view in) {
  *this = NodeId();
  if (in.empty()) return true;
  if (!take_varint(in, origin) || origin == 0) return false;
  while (!in.empty()) {
    uint64_t generation = 0;
    Hop hop;
    if (!take_varint(in, hop.clone) || !take_varint(in, generation)) return false;
    if (generation > UINT32_MAX || hops.size() == kHopsMax) return false;
    hop.generation = static_cast<uint32_t>(generation);
    hops.push_back(hop);
  }
  return true;
}

void NodeId::put_key(std::string& out) const {
  put_u64(out, origin);
  out += static_cast<char>(hops.size());
  for (const Hop& hop : hops) {
    put_u64(out, hop.clone);
    put_u32(out, hop.generation);
  }
}

bool NodeId::take_key(std::string_view& in) {
  if (!take_u64(in, origin) || in.empty()) return false;
  auto count = static_cast<uint8_t>(in[0]);
  in.remove_prefix(1);
  if (count > kHopsMax) return false;
  hops.assign(count, Hop());
  for (Hop& hop : hops) {
    if (!take_u64(in, hop.clone) || !take_u32(in, hop.generation)) return false;
  }
  return true;
}

std::string NodeId::text() const {
  std::string out = std::to_string(origin);
  for (const Hop& hop : hops) out += str(".", hop.clone, ":", hop.generation);
  return out;
}

namespace {

template <class T>
bool take_number(std::string_view& in, T& value) {
  auto [end, error] = std::from_chars(in.data(), in.data() + in.size(), value);
  if (error != std::errc()) return false;
  in.remove_prefix(static_cast<size_t>(end - in.data()));
  return true;
}

bool take_char(std::string_view& in, char c) {
  if (!in.starts_with(c)) return false;
  in.remove_prefix(1);
  return true;
}

}  // namespace

Result<NodeId> NodeId::parse(std::string_view text) {
  NodeId id;
  std::string_view rest = text;
  bool good = take_number(rest, id.origin) && id.origin != 0;
  while (good && !rest.empty() && id.hops.size() < kHopsMax) {
    Hop hop;
    good = take_char(rest, '.') && take_number(rest, hop.clone) && take_char(rest, ':') &&
           take_number(rest, hop.generation);
    id.hops.push_back(hop);
  }
  if (!good || !rest.empty()) return fail(Code::invalid_argument, "'", text, "' is not a node id");
  return id;
}

}  // namespace nokv::codec
