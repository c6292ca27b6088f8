#include "log/recovery.h"

#include <vector>

#include "log/segment.h"

namespace nokv::log {
namespace {

class Recovery {
 public:
  Recovery(Files& files, const std::string& dir, LogId log, uint64_t segment_bytes)
      : files_(files), dir_(dir), log_(log), segment_bytes_(segment_bytes) {}

  Result<Recovered> run() {
    NOKV_ASSIGN(auto numbers, list());
    if (numbers.empty()) return out_;
    out_.last_segment = numbers.back();
    for (uint64_t number : numbers) NOKV_TRY(look_at_first_frame(number));
    NOKV_TRY(check_no_holes(numbers));
    if (!out_.segments.empty()) NOKV_TRY(walk_tail_segment());
    for (uint64_t number : numbers) {
      if (number > out_.tail_segment || out_.segments.empty()) {
        NOKV_TRY(check_no_frame_after(number, 0));
      }
    }
    return out_;
  }

 private:
  std::string path(uint64_t number) const { return str(dir_, "/", segment_name(number)); }

  Result<std::vector<uint64_t>> list() {
    NOKV_ASSIGN(auto names, files_.list(dir_));
    std::vector<uint64_t> numbers;
    for (const std::string& name : names) {
      auto number = segment_number(name);
      if (!number) continue;
      if (!numbers.empty() && *number != numbers.back() + 1) {
        return fail(Code::data_loss, path(numbers.back() + 1), ": the segment is missing");
      }
      numbers.push_back(*number);
    }
    return numbers;
  }

  Result<SegmentReader> reader(uint64_t number) {
    NOKV_ASSIGN(std::shared_ptr<File> file, files_.open(path(number), OpenMode::read));
    NOKV_ASSIGN(uint64_t size, file->size());
    if (size != segment_bytes_) {
      return fail(Code::data_loss, path(number), ": ", size, " bytes instead of ", segment_bytes_);
    }
    return SegmentReader(std::move(file), log_, number, segment_bytes_);
  }

  Result<> look_at_first_frame(uint64_t number) {
    NOKV_ASSIGN(SegmentReader segment, reader(number));
    NOKV_ASSIGN(auto frame, segment.frame_at(0, segment_bytes_));
    if (frame) out_.segments.emplace(number, frame->header.first);
    return {};
  }

  // Up to the last segment with frames, each must have some; when none has, it must be a new log.
  Result<> check_no_holes(const std::vector<uint64_t>& numbers) {
    uint64_t lowest = numbers.front();
    if (out_.segments.empty()) {
      if (lowest == 1) return {};
      return fail(Code::data_loss, path(lowest), ": no group at offset 0, and none in the ",
                  numbers.size(), " segments from here on");
    }
    uint64_t last = out_.segments.rbegin()->first;
    for (uint64_t number = lowest; number < last; ++number) {
      if (!out_.segments.contains(number)) return damaged(number, 0, last);
    }
    return {};
  }

  Result<> walk_tail_segment() {
    auto [number, first] = *out_.segments.rbegin();
    NOKV_ASSIGN(SegmentReader segment, reader(number));
    out_.tail_segment = number;
    while (true) {
      NOKV_ASSIGN(auto frame, segment.frame_at(out_.tail_offset, segment_bytes_));
      if (!frame) break;
      const FrameHeader& header = frame->header;
      if (out_.tail_offset == 0) {
        out_.tail = {Version{header.first.value() - 1}, header.before};
      }
      NOKV_TRY(follow(header, frame->payload));
      out_.tail_offset = frame->end;
    }
    return check_no_frame_after(number, out_.tail_offset);
  }

  Result<> follow(const FrameHeader& header, std::string_view payload) {
    Group group{header.first, header.last, std::string(payload)};
    if (header.first.value() != out_.tail.version.value() + 1 ||
        header.before != out_.tail.digest || chain(header.before, group) != header.after) {
      return fail(Code::data_loss, path(out_.tail_segment), ": offset ", out_.tail_offset,
                  ": versions ", header.first.value(), " to ", header.last.value(),
                  " do not follow version ", out_.tail.version.value());
    }
    out_.tail = {header.last, header.after};
    return {};
  }

  // There is no frame at `offset`: it may be the end, but not when a good one comes later.
  Result<> check_no_frame_after(uint64_t number, uint64_t offset) {
    NOKV_ASSIGN(SegmentReader segment, reader(number));
    NOKV_ASSIGN(auto later, segment.find_frame(offset));
    if (!later) return {};
    return fail(Code::data_loss, path(number), ": offset ", offset,
                ": the frame is damaged; a good one follows at offset ", *later);
  }

  std::unexpected<Error> damaged(uint64_t number, uint64_t offset, uint64_t later) const {
    return fail(Code::data_loss, path(number), ": offset ", offset,
                ": the frame is damaged; good ones follow in ", segment_name(later));
  }

  Files& files_;
  const std::string& dir_;
  LogId log_;
  uint64_t segment_bytes_;
  Recovered out_;
};

}  // namespace

Result<Recovered> recover(Files& files, const std::string& dir, LogId log, uint64_t segment_bytes) {
  return Recovery(files, dir, log, segment_bytes).run();
}

}  // namespace nokv::log
