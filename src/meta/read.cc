#include "meta/read.h"

#include <algorithm>

#include "codec/crc32c.h"

namespace nokv::meta {

using codec::Body;
using codec::BodyPlan;
using codec::Kind;
using codec::PlanExtent;

codec::Failure failure_of(const Error& error) {
  return {error.code(), error.message(), error.hint()};
}

Result<codec::Entry> entry_of(const Tree& tree, const Located& located) {
  codec::Entry out;
  out.name = located.name;
  out.id = located.id();
  out.parent = located.parent;
  out.kind = located.dentry.kind;
  if (out.kind == Kind::directory) {
    NOKV_ASSIGN(auto node, tree.node(out.id));
    if (!node || !node->directory) {
      return fail(Code::stale, "directory ", out.id.text(), " is no longer in the tree");
    }
    codec::Directory& directory = *node->directory;
    out.attributes = directory.attributes;
    out.xattrs = std::move(directory.xattrs);
    out.entries = directory.entries;
    out.totals = directory.totals;
    out.quota = directory.quota;
    out.links = 1;
    return out;
  }
  NOKV_ASSIGN(auto inode, tree.inode(located.dentry, &out.links));
  out.attributes = inode.attributes;
  out.xattrs = std::move(inode.xattrs);
  out.body = std::move(inode.body);
  out.target = std::move(inode.target);
  return out;
}

namespace {

// Collects extents of the wanted range.
class Planner {
 public:
  Planner(const Tree& tree, BodyPlan& plan, uint64_t from, uint64_t to)
      : tree_(tree), plan_(plan), at_(from), to_(to) {}

  uint64_t at() const { return at_; }
  bool full() const { return plan_.extents.size() >= kExtentsMax; }

  // Bytes [offset, offset + length) of the file lie at `blob_offset` of `blob`.
  Result<> add(uint64_t offset, uint64_t length, uint64_t blob, uint64_t blob_offset,
               bool is_inline) {
    if (offset + length <= at_ || offset >= to_ || full()) return {};
    zeros_until(offset);
    uint64_t skip = at_ - offset;
    PlanExtent extent{at_, std::min(length - skip, to_ - at_), blob, blob_offset + skip};
    if (is_inline) {
      NOKV_TRY(add_inline(extent));
    } else {
      NOKV_ASSIGN(auto record, tree_.view().present<codec::BlobRecord>(
                                   codec::number_key(codec::Table::blob, blob)));
      if (!record) return fail(Code::data_loss, "blob ", blob, " has no record");
      extent.blob_bytes = record->bytes;
      extent.block_crcs = std::move(record->block_crcs);
      extent.external = record->external.has_value();
    }
    at_ += extent.length;
    plan_.extents.push_back(std::move(extent));
    return {};
  }

  // What nothing describes reads as zeros.
  void zeros_until(uint64_t offset) {
    offset = std::min(offset, to_);
    if (offset <= at_ || full()) return;
    plan_.extents.push_back({at_, offset - at_});
    at_ = offset;
  }

 private:
  Result<> add_inline(PlanExtent& extent) {
    NOKV_ASSIGN(auto record, tree_.view().present<codec::InlineRecord>(
                                 codec::number_key(codec::Table::inline_blob, extent.blob)));
    if (!record) return fail(Code::data_loss, "inline blob ", extent.blob, " is missing");
    if (crc32c(record->bytes) != record->crc ||
        extent.blob_offset + extent.length > record->bytes.size()) {
      return fail(Code::data_loss, "inline blob ", extent.blob, " has a wrong checksum");
    }
    extent.bytes = record->bytes.substr(extent.blob_offset, extent.length);
    extent.blob_bytes = record->bytes.size();
    return {};
  }

  const Tree& tree_;
  BodyPlan& plan_;
  uint64_t at_;
  uint64_t to_;
};

Result<> plan_base(Planner& planner, const Body& body, uint64_t chunk) {
  uint64_t start = chunk * codec::kChunkBytes;
  if (body.blob == 0 || start >= body.base_size) return {};
  uint64_t length = std::min(codec::kChunkBytes, body.base_size - start);
  uint64_t blob = body.is_inline ? body.blob : body.blob + chunk;
  return planner.add(start, length, blob, 0, body.is_inline);
}

}  // namespace

Result<BodyPlan> plan_of(const Tree& tree, const NodeId& file, const Body& body, uint64_t offset,
                         uint64_t length) {
  BodyPlan plan;
  uint64_t to = offset >= body.size ? offset : offset + std::min(length, body.size - offset);
  Planner planner(tree, plan, offset, to);
  for (uint64_t chunk = offset / codec::kChunkBytes;
       planner.at() < to && !planner.full() && chunk * codec::kChunkBytes < to; ++chunk) {
    std::optional<Raw> raw;
    if (body.body_number != 0) {
      NOKV_ASSIGN(raw, tree.file_record(file, [&](const NodeId& id) {
        return codec::chunk_key(id, body.body_number, static_cast<uint32_t>(chunk));
      }));
    }
    if (!raw) {
      NOKV_TRY(plan_base(planner, body, chunk));
    } else {
      codec::ChunkRecord record;
      if (!codec::decode(raw->value, record)) return damaged("chunk");
      for (const auto& extent : record.extents) {
        NOKV_TRY(planner.add(chunk * codec::kChunkBytes + extent.offset, extent.length, extent.blob,
                             extent.blob_offset, extent.is_inline));
      }
    }
    planner.zeros_until((chunk + 1) * codec::kChunkBytes);
  }
  plan.more = planner.at() < to;
  return plan;
}

}  // namespace nokv::meta
