// Reads the frames of one segment file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/env/files.h"
#include "log/frame.h"

namespace nokv::log {

// Names of segment files sort in the order of their numbers.
std::string segment_name(uint64_t number);
// The number in a name made by segment_name(); nullopt for other names.
std::optional<uint64_t> segment_number(std::string_view name);

// Reads frames at known offsets, through a window of the file. Home: one thread; blocks.
class SegmentReader {
 public:
  // `segment_bytes` is the file's full size; a shorter file reads as if it ended in zeros.
  SegmentReader(std::shared_ptr<const File> file, LogId log, uint64_t number,
                uint64_t segment_bytes)
      : file_(std::move(file)), log_(log), number_(number), segment_bytes_(segment_bytes) {}

  struct Frame {
    FrameHeader header;
    std::string_view payload;  // valid until the next call
    uint64_t end = 0;          // where the next frame begins
  };

  // The frame at `offset`; nullopt when there is none with a right checksum. Reads nothing at or
  // beyond `limit`. Errors: those of File.
  Result<std::optional<Frame>> frame_at(uint64_t offset, uint64_t limit);

  // The offset of the first frame at or after `from`.
  Result<std::optional<uint64_t>> find_frame(uint64_t from);

  uint64_t number() const { return number_; }

 private:
  // `size` bytes at `offset`, fewer at the limit or the end of the file.
  Result<std::string_view> bytes(uint64_t offset, uint64_t size, uint64_t limit);

  std::shared_ptr<const File> file_;
  LogId log_;
  uint64_t number_;
  uint64_t segment_bytes_;
  std::string window_;
  uint64_t window_at_ = 0;
};

}  // namespace nokv::log
