// Which blobs the records mention, and what they take them for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meta/check/pass.h"

namespace nokv::meta::fsck {

struct Mention {
  uint64_t blob = 0;
  bool is_inline = false;
  uint64_t bytes = 0;  // that it has to hold at least
  bool whole = false;  // and no more
};

// Appends what a record of the dentry, node or chunk table mentions; false when it is damaged.
bool mentions_of(std::string_view key, std::string_view value, std::vector<Mention>& out);

// The body of a file, of a record of the dentry or node table, when it has a digest.
std::optional<codec::Body> digested_body_of(std::string_view key, std::string_view value);

// All records that may mention blobs, live and past, one after another.
class MentionScan {
 public:
  // The view outlives the scan. `live_only` leaves the past out.
  MentionScan(const View& view, bool live_only) : view_(view), live_only_(live_only) {}

  // False at the end. Then key() is the key in the engine, record_key() that of the live record,
  // and mentions() what it mentions; damaged() when that cannot be read.
  Result<bool> next();
  std::string_view key() const { return rows_->key(); }
  const std::string& record_key() const { return record_key_; }
  uint64_t death() const { return death_; }  // 0: live
  // The record without its birth. Valid until next().
  std::string_view record() const { return record_; }
  uint64_t birth() const { return birth_; }
  const std::vector<Mention>& mentions() const { return mentions_; }
  bool damaged() const { return damaged_; }

 private:
  void parse();

  const View& view_;
  bool live_only_;
  size_t table_ = 0;
  std::unique_ptr<engine::Iterator> rows_;
  std::string record_key_;
  uint64_t death_ = 0;
  uint64_t birth_ = 0;
  std::string_view record_;
  std::vector<Mention> mentions_;
  bool damaged_ = false;
};

}  // namespace nokv::meta::fsck
