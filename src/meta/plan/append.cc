#include <algorithm>

#include "meta/plan/plan.h"

namespace nokv::meta::planning {

using codec::Body;
using codec::ChunkRecord;
using codec::kChunkBytes;

namespace {

Result<std::optional<ChunkRecord>> read_chunk(Transaction& txn, const NodeId& file,
                                              uint64_t body_number, uint32_t index) {
  NOKV_ASSIGN(auto raw, txn.tree().file_record(file, [&](const NodeId& id) {
    return codec::chunk_key(id, body_number, index);
  }));
  if (!raw) return std::nullopt;
  ChunkRecord chunk;
  if (!codec::decode(raw->value, chunk)) {
    return damaged(codec::chunk_key(file, body_number, index));
  }
  return chunk;
}

// What chunk `index` of the body holds: its record, or what the base says of it.
Result<ChunkRecord> chunk_of(Transaction& txn, const NodeId& file, const Body& body,
                             uint32_t index) {
  if (body.body_number != 0) {
    NOKV_ASSIGN(auto own, read_chunk(txn, file, body.body_number, index));
    if (own) return *std::move(own);
  }
  ChunkRecord chunk;
  uint64_t from = uint64_t{index} * kChunkBytes;
  if (body.blob != 0 && from < body.base_size) {
    uint64_t length = std::min(kChunkBytes, body.base_size - from);
    chunk.extents.push_back({0, length, body.blob + index, 0, body.is_inline});
  }
  return chunk;
}

// Adds the run [offset, offset + length) of `added`, which begins at `at` in the file.
Result<> lay(Transaction& txn, const NodeId& file, Body& body, uint64_t at, const Body& added) {
  uint64_t done = 0;
  while (done < added.size) {
    uint64_t position = at + done;
    auto index = static_cast<uint32_t>(position / kChunkBytes);
    NOKV_ASSIGN(ChunkRecord chunk, chunk_of(txn, file, body, index));
    uint64_t in_chunk = position % kChunkBytes;
    uint64_t in_blob = added.is_inline ? done : done % codec::kBlobBytes;
    uint64_t length = std::min({added.size - done, kChunkBytes - in_chunk,
                                added.is_inline ? added.size : codec::kBlobBytes - in_blob});
    uint64_t blob = added.is_inline ? added.blob : added.blob + done / codec::kBlobBytes;
    chunk.extents.push_back({in_chunk, length, blob, in_blob, added.is_inline});
    NOKV_TRY(txn.put(codec::chunk_key(file, body.body_number, index), codec::encoded(chunk)));
    done += length;
  }
  return {};
}

}  // namespace

Result<OperationResult> run(Transaction& txn, const codec::Append& op) {
  NOKV_ASSIGN(auto spot, txn.existing(op.target, true));
  if (spot.is_root() || spot.found.is_directory()) {
    return fail(Code::is_directory, spot.path(), ": is a directory");
  }
  NOKV_ASSIGN(auto file, txn.file(*spot.found.entry));
  if (file.inode.kind != codec::Kind::file) {
    return fail(Code::failed_precondition, spot.path(), ": not a regular file");
  }
  NOKV_TRY(check_precondition(spot.path(), file.inode, codec::Exists::any, op.if_generation));
  Body& body = file.inode.body;
  uint64_t old_size = body.size;
  uint64_t old_generation = body.generation;
  if (op.at_size && *op.at_size != old_size) {
    return fail(Code::aborted, spot.path(), ": its size is ", old_size, ", not ", *op.at_size);
  }
  bool small = body.body_number == 0 && (body.is_inline || old_size == 0) && op.body.upload == 0 &&
               !op.body.external && old_size + op.body.size <= codec::kInlineMax;
  Body added;
  if (small && old_size != 0) {
    // Both fit: one inline blob for the whole, so that logs written by lines stay small.
    NOKV_ASSIGN(std::string bytes, txn.inline_bytes(body.blob));
    codec::NewBody whole;
    whole.bytes = bytes + op.body.bytes;
    whole.size = old_size + op.body.size;
    if (op.body.bytes.size() != op.body.size) {
      return fail(Code::invalid_argument, "a body of ", op.body.size, " bytes came with ",
                  op.body.bytes.size());
    }
    NOKV_ASSIGN(added, txn.take_body(whole));
  } else {
    NOKV_ASSIGN(added, txn.take_body(op.body));
  }
  if (small) {
    added.content_type = body.content_type.empty() ? op.body.content_type : body.content_type;
    added.producer = op.body.producer.empty() ? body.producer : op.body.producer;
    body = std::move(added);
    if (old_size != 0) body.digest = {};
  } else {
    if (body.body_number == 0) {
      body.body_number = txn.new_id();
      if (file.in_dentry) NOKV_TRY(txn.keep_place(spot));
    }
    NOKV_TRY(lay(txn, spot.id(), body, old_size, added));
    body.size = old_size + op.body.size;
    body.digest = {};
    body.etag.clear();
    if (!op.body.producer.empty()) body.producer = op.body.producer;
  }
  txn.stamp(body);
  file.inode.attributes.mtime_ns = file.inode.attributes.ctime_ns = txn.now_ns();
  NOKV_TRY(txn.put_file(spot, file, old_size));
  NOKV_TRY(txn.publishes(spot.id()));
  codec::Event event{codec::EventKind::published, false, "", "", spot.id(), codec::Kind::file};
  event.generation = body.generation;
  event.old_generation = old_generation;
  event.size = body.size;
  NOKV_TRY(txn.file_event(spot, file, std::move(event)));
  OperationResult out{spot.path(), spot.id()};
  out.generation = body.generation;
  out.size = body.size;
  out.digest = body.digest;
  return out;
}

}  // namespace nokv::meta::planning
