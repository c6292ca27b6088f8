#include "server/identity.h"

#include <algorithm>

namespace nokv::server {
namespace {

constexpr std::string_view kAnyFormat = "nokv data directory, format ";
constexpr std::string_view kFormat = "nokv data directory, format 1\n";
constexpr std::string_view kNamespace = "namespace ";
constexpr size_t kIdSize = 32;
constexpr std::string_view kHex = "0123456789abcdef";

}  // namespace

std::string make_namespace_id(Random& random) {
  std::string out;
  for (int word = 0; word < 2; ++word) {
    uint64_t bits = random.next();
    for (int i = 0; i < 16; ++i, bits >>= 4) out += kHex[bits & 15];
  }
  return out;
}

std::string encode_identity(std::string_view namespace_id) {
  return str(kFormat, kNamespace, namespace_id, "\n");
}

Result<std::string> decode_identity(std::string_view bytes) {
  if (bytes.starts_with(kAnyFormat) && !bytes.starts_with(kFormat) &&
      bytes.find('\n') != std::string_view::npos) {
    return fail(Code::failed_precondition, "it was written by another version, of format ",
                bytes.substr(kAnyFormat.size(), bytes.find('\n') - kAnyFormat.size()),
                "; this one reads format 1");
  }
  std::string id(bytes.substr(std::min(bytes.size(), kFormat.size() + kNamespace.size())));
  id.resize(std::min(id.size(), kIdSize));
  bool hex = id.size() == kIdSize && id.find_first_not_of(kHex) == std::string::npos;
  if (!hex || bytes != encode_identity(id)) {
    return fail(Code::data_loss, "the file 'identity' is damaged");
  }
  return id;
}

}  // namespace nokv::server
