// A segment of arbitrary bytes: reading it ends, stays inside, and gives only frames whose checksum
// is right.
#include "log/segment.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "log/identity.h"

namespace nokv::log {
namespace {

class BytesFile final : public File {
 public:
  explicit BytesFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::string> read_at(uint64_t offset, size_t size) const override {
    if (offset > bytes_.size()) return std::string();
    return bytes_.substr(offset, size);
  }
  Result<> write_at(uint64_t, std::string_view) override { return {}; }
  Result<> sync() override { return {}; }
  Result<uint64_t> size() const override { return bytes_.size(); }
  Result<> truncate(uint64_t) override { return {}; }

 private:
  std::string bytes_;
};

// The golden frame's, so that its corpus entry is a good frame at offset 0 of this segment.
const LogId kLog{0x0123456789abcdef, 0xfedcba9876543210};

void read(const std::string& bytes) {
  SegmentReader reader(std::make_shared<BytesFile>(bytes), kLog, 3, bytes.size());
  uint64_t offset = 0;
  while (auto frame = reader.frame_at(offset, bytes.size()).value()) {
    check(frame->end > offset && frame->end <= bytes.size(), "a frame lies inside the segment");
    check(frame->payload.size() == frame->header.length, "the payload is whole");
    offset = frame->end;
  }
  auto later = reader.find_frame(0).value();
  check(offset == 0 || later == 0, "a frame at the beginning is found");
}

}  // namespace
}  // namespace nokv::log

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  nokv::log::read(bytes);
  (void)nokv::log::decode_identity(bytes);
  return 0;
}
