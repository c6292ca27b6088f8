#include "meta/check/mentions.h"

#include <algorithm>
#include <array>

namespace nokv::meta::fsck {

using codec::Table;

namespace {

void mentions_of(const codec::Body& body, std::vector<Mention>& out) {
  if (body.blob == 0) return;
  if (body.is_inline) {
    out.push_back({body.blob, true, body.base_size, true});
    return;
  }
  for (uint64_t i = 0; i < codec::blob_count(body.base_size); ++i) {
    uint64_t bytes = std::min(codec::kBlobBytes, body.base_size - i * codec::kBlobBytes);
    out.push_back({body.blob + i, false, bytes, true});
  }
}

}  // namespace

bool mentions_of(std::string_view key, std::string_view value, std::vector<Mention>& out) {
  switch (static_cast<Table>(key[0])) {
    case Table::dentry: {
      codec::Dentry dentry;
      if (!codec::decode(value, dentry)) return false;
      if (dentry.inode) mentions_of(dentry.inode->body, out);
      return true;
    }
    case Table::node: {
      codec::NodeRecord node;
      if (!codec::decode(value, node)) return false;
      if (node.inode) mentions_of(node.inode->body, out);
      return true;
    }
    case Table::chunk: {
      codec::ChunkRecord chunk;
      if (!codec::decode(value, chunk)) return false;
      for (const auto& extent : chunk.extents) {
        if (extent.blob == 0) continue;
        out.push_back({extent.blob, extent.is_inline, extent.blob_offset + extent.length, false});
      }
      return true;
    }
    default:
      return true;
  }
}

std::optional<codec::Body> digested_body_of(std::string_view key, std::string_view value) {
  std::optional<codec::Inode> inode;
  codec::Dentry dentry;
  codec::NodeRecord node;
  auto table = static_cast<Table>(key[0]);
  if (table == Table::dentry && codec::decode(value, dentry)) inode = std::move(dentry.inode);
  if (table == Table::node && codec::decode(value, node)) inode = std::move(node.inode);
  if (!inode || inode->body.digest.kind == codec::DigestKind::none) return std::nullopt;
  return std::move(inode->body);
}

Result<bool> MentionScan::next() {
  static constexpr std::array kTables = {Table::chunk, Table::node, Table::dentry};
  if (rows_ != nullptr) rows_->next();
  for (;;) {
    if (rows_ != nullptr && rows_->valid()) {
      parse();
      return true;
    }
    if (rows_ != nullptr) NOKV_TRY(rows_->status());
    if (table_ == kTables.size() * (live_only_ ? 1 : 2)) return false;
    std::string prefix = codec::table_key(kTables[table_ % kTables.size()]);
    if (table_ >= kTables.size()) {
      prefix[0] = static_cast<char>(static_cast<uint8_t>(prefix[0]) | codec::kPast);
    }
    ++table_;
    rows_ = view_.snapshot().iterate(prefix, codec::prefix_end(prefix));
    rows_->seek(prefix);
  }
}

void MentionScan::parse() {
  mentions_.clear();
  record_ = rows_->value();
  death_ = 0;
  damaged_ = true;
  if ((static_cast<uint8_t>(rows_->key()[0]) & codec::kPast) != 0) {
    if (!codec::split_past_key(rows_->key(), record_key_, death_)) return;
  } else {
    record_key_ = rows_->key();
  }
  if (!codec::take_birth(record_, birth_)) return;
  damaged_ = !mentions_of(record_key_, record_, mentions_);
}

}  // namespace nokv::meta::fsck
