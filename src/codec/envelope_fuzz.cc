// What decodes encodes to the same bytes again, so a message has one reading.
#include "codec/envelope.h"

#include <string>

#include "base/check.h"

namespace {

template <class Head>
void read_and_write(std::string_view bytes) {
  Head head;
  std::string_view body;
  if (!nokv::codec::decode(bytes, head, body)) return;
  std::string again;
  nokv::codec::encode(head, again);
  nokv::check(again.append(body) == bytes, "one form only");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_and_write<nokv::codec::RequestHead>(bytes);
  read_and_write<nokv::codec::ReplyHead>(bytes);
  return 0;
}
