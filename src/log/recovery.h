// Finds what a local log holds after a crash.
#pragma once

#include <map>
#include <string>

#include "base/env/files.h"
#include "log/frame.h"

namespace nokv::log {

struct Recovered {
  // Segments with frames, by number, and the first version in each.
  std::map<uint64_t, Version> segments;
  // The highest segment file, with frames or prepared for some; 0 when there is none.
  uint64_t last_segment = 0;
  // After the last whole group, and where the next frame goes.
  Position tail;
  uint64_t tail_segment = 1;
  uint64_t tail_offset = 0;
};

// Reads the first frame of each segment and all frames of the last one. Bytes after the last whole
// group that are no frame are what a crash left of a group that was never acknowledged: they are
// overwritten later. Blocks; changes nothing.
// Errors: data_loss names the file and the offset: a bad frame with a good one after it, a gap, a
// segment that is missing or has not `segment_bytes`.
Result<Recovered> recover(Files& files, const std::string& dir, LogId log, uint64_t segment_bytes);

}  // namespace nokv::log
