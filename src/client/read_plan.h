// Where the bytes of a stretch of a file lie, as the server told it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/block_io.h"
#include "codec/rpc.h"

namespace nokv::client {

// A run of a file's bytes that lies in one place.
struct Piece {
  enum class Kind : uint8_t {
    zeros,
    bytes,  // they came with the plan
    block,
  };
  Kind kind = Kind::zeros;
  uint64_t offset = 0;  // in the file
  uint64_t length = 0;
  std::string_view bytes;  // lives as long as the plan
  uint64_t blob = 0;
  uint32_t block = 0;  // of the blob
  uint64_t from = 0;   // where in the block it begins
  size_t extent = 0;   // of the plan
};

// Immutable.
class ReadPlan {
 public:
  // Checks that the plan makes sense from `offset` on and that what it carries is undamaged.
  // Errors: data_loss.
  static Result<std::shared_ptr<const ReadPlan>> make(codec::BodyPlan plan, uint64_t offset,
                                                      uint64_t file_size);

  // Whether it tells of the byte at `offset`.
  bool covers(uint64_t offset) const { return offset >= begin_ && offset < end_; }
  bool expired(int64_t now_ns) const { return good_until_ns_ != 0 && now_ns >= good_until_ns_; }
  const codec::BlobAccess& access() const { return access_; }

  // The piece that begins at `offset`, which is covered, and ends at `end` at the latest.
  Piece piece(uint64_t offset, uint64_t end) const;
  // The ways to the block that a piece lies in.
  BlockPlace place(const Piece& piece) const;

 private:
  ReadPlan() = default;

  std::vector<codec::PlanExtent> extents_;
  std::vector<size_t> first_url_;  // of each extent
  codec::BlobAccess access_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  int64_t good_until_ns_ = 0;
};

}  // namespace nokv::client
