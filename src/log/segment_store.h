// The files of a local log: which segments there are, the next one ready to be written, old ones
// kept for reuse.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/env/files.h"
#include "base/result.h"

namespace nokv::log {

// Thread-safe; every call blocks, also while another one is at work.
class SegmentStore {
 public:
  // `files` outlives it. At most `spares_max` old files are kept.
  SegmentStore(Files& files, std::string dir, uint64_t segment_bytes, size_t spares_max)
      : files_(files),
        dir_(std::move(dir)),
        segment_bytes_(segment_bytes),
        spares_max_(spares_max) {}

  // Takes stock of spare files; removes what a crash left half made. Call it first.
  Result<> open(uint64_t segments);

  // Makes sure that segment `number` exists with all its bytes allocated, durably: an old file or
  // a new one full of zeros. Errors: resource_exhausted when the disk is full, others of Files;
  // then there is no such segment and it may be tried again.
  Result<> prepare(uint64_t number);

  // The segment, made by prepare() if need be.
  Result<std::shared_ptr<File>> open_for_writing(uint64_t number);
  Result<std::shared_ptr<File>> open_for_reading(uint64_t number);

  // The segment's file becomes a spare, or goes.
  Result<> retire(uint64_t number);

  // Of all files, spares included.
  uint64_t size_bytes() const;

 private:
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  Result<> prepare_locked(uint64_t number);
  Result<> sync_names();
  Result<> fill(const std::string& path);

  Files& files_;
  const std::string dir_;
  const uint64_t segment_bytes_;
  const size_t spares_max_;

  mutable std::mutex mutex_;
  std::vector<std::string> spares_;  // names
  uint64_t segments_ = 0;
  bool names_unsynced_ = false;
};

}  // namespace nokv::log
