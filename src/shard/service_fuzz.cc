// Any bytes as a request of any method, to a namespace with a few files in it: what a peer sends
// never ends the server. The first byte is the method; hostile_test.cc sends what decodes.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "shard/testing/sim_namespace.h"

namespace nokv::shard {
namespace {

void ask(codec::Method method, std::string_view body) {
  SimNamespace space(1);
  check(space.open().has_value() && space.init().has_value(), "a namespace is made");
  check(space.commit({mkdir_op("/a"), put_op("/a/f", "12345")}).has_value(), "it has a file");
  check(space.commit({snapshot_op("s", "/a")}).has_value(), "and a snapshot");
  Caller caller{"somebody", space.scheduler().clock().now() + std::chrono::seconds(1)};
  auto answered = std::make_shared<bool>(false);
  space.service().call(method, body, caller,
                       [answered](const Result<std::string>&) { *answered = true; });
  space.scheduler().run_until([&] { return *answered; }, std::chrono::seconds(10));
  check(!space.shard().failure(), "the shard serves");
}

}  // namespace
}  // namespace nokv::shard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  nokv::shard::ask(static_cast<nokv::codec::Method>(bytes[0] & 31), bytes.substr(1));
  return 0;
}
