#include "log/segment_store.h"

#include <algorithm>

#include "log/segment.h"

namespace nokv::log {
namespace {

constexpr std::string_view kSpare = "spare-";
constexpr std::string_view kUnfinished = "unfinished";
// Small steps, each synced, so that appends meanwhile never wait for much.
constexpr uint64_t kFillBytes = 1 << 20;

}  // namespace

Result<> SegmentStore::open(uint64_t segments) {
  std::lock_guard lock(mutex_);
  segments_ = segments;
  NOKV_ASSIGN(auto names, files_.list(dir_));
  for (const std::string& name : names) {
    bool spare = name.starts_with(kSpare);
    if (spare && spares_.size() < spares_max_) {
      spares_.push_back(name);
    } else if (spare || name == kUnfinished) {
      NOKV_TRY(files_.remove(path(name)));
    }
  }
  return {};
}

Result<> SegmentStore::prepare(uint64_t number) {
  std::lock_guard lock(mutex_);
  return prepare_locked(number);
}

Result<> SegmentStore::prepare_locked(uint64_t number) {
  std::string wanted = path(segment_name(number));
  NOKV_ASSIGN(bool there, files_.exists(wanted));
  if (there) return sync_names();
  names_unsynced_ = true;
  if (spares_.empty()) {
    NOKV_TRY(fill(path(std::string(kUnfinished))));
    NOKV_TRY(files_.rename(path(std::string(kUnfinished)), wanted));
  } else {
    NOKV_TRY(files_.rename(path(spares_.back()), wanted));
    spares_.pop_back();
  }
  ++segments_;
  return sync_names();
}

Result<> SegmentStore::sync_names() {
  if (!names_unsynced_) return {};
  NOKV_TRY(files_.sync_dir(dir_));
  names_unsynced_ = false;
  return {};
}

Result<> SegmentStore::fill(const std::string& path) {
  Result<> filled = [&]() -> Result<> {
    NOKV_ASSIGN(auto file, files_.open(path, OpenMode::create));
    NOKV_TRY(file->truncate(0));
    const std::string zeros(std::min(segment_bytes_, kFillBytes), '\0');
    for (uint64_t at = 0; at < segment_bytes_; at += zeros.size()) {
      NOKV_TRY(file->write_at(
          at, std::string_view(zeros).substr(0, std::min(zeros.size(), segment_bytes_ - at))));
      NOKV_TRY(file->sync());
    }
    return {};
  }();
  if (!filled) (void)files_.remove(path);  // gives the space back; the first error is the one
  return filled;
}

Result<std::shared_ptr<File>> SegmentStore::open_for_writing(uint64_t number) {
  std::lock_guard lock(mutex_);
  NOKV_TRY(prepare_locked(number));
  NOKV_ASSIGN(std::shared_ptr<File> file, files_.open(path(segment_name(number)), OpenMode::write));
  return file;
}

Result<std::shared_ptr<File>> SegmentStore::open_for_reading(uint64_t number) {
  NOKV_ASSIGN(std::shared_ptr<File> file, files_.open(path(segment_name(number)), OpenMode::read));
  return file;
}

Result<> SegmentStore::retire(uint64_t number) {
  std::lock_guard lock(mutex_);
  std::string old = path(segment_name(number));
  names_unsynced_ = true;
  if (spares_.size() < spares_max_) {
    std::string spare = str(kSpare, segment_name(number));
    NOKV_TRY(files_.rename(old, path(spare)));
    spares_.push_back(spare);
  } else {
    NOKV_TRY(files_.remove(old));
  }
  --segments_;
  // Before the next one goes, so that a crash never leaves a hole among the segments.
  return sync_names();
}

uint64_t SegmentStore::size_bytes() const {
  std::lock_guard lock(mutex_);
  return (segments_ + spares_.size()) * segment_bytes_;
}

}  // namespace nokv::log
