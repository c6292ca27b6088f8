// The part of Transaction that is about files: inodes, links, bodies.
#include <algorithm>

#include "base/check.h"
#include "codec/crc32c.h"
#include "meta/external.h"
#include "meta/transaction.h"

namespace nokv::meta {

using codec::Body;
using codec::Dentry;
using codec::Table;

Result<Transaction::File> Transaction::file(const Dentry& entry) {
  File out;
  out.in_dentry = entry.inode.has_value();
  NOKV_ASSIGN(out.inode, tree_.inode(entry, &out.links));
  return out;
}

Result<> Transaction::put_file(const Spot& spot, const File& file, uint64_t old_size) {
  auto bytes = static_cast<int64_t>(file.inode.body.size) - static_cast<int64_t>(old_size);
  if (file.in_dentry) {
    Dentry dentry = *spot.found.entry;
    dentry.inode = file.inode;
    put_dentry(spot.place, spot.found, dentry);
    changed(spot.place.directory, *spot.place.state, bytes);
    return {};
  }
  NOKV_TRY(put_inode(spot.id(), file.inode, file.links));
  return file_changed(spot.id(), bytes);
}

Result<> Transaction::file_changed(const NodeId& file, int64_t bytes) {
  NOKV_ASSIGN(auto all, tree_.names(file));
  for (const FileName& name : all) {
    // A name in a tree that was removed is there until it is swept, and counts nowhere.
    NOKV_ASSIGN(bool attached, is_attached(name.parent));
    if (!attached) continue;
    Place place{name.parent, nullptr, {}, name.name};
    NOKV_ASSIGN(place.state, directory(name.parent));
    changed(name.parent, *place.state, bytes);
    // The entry stays as it is; writing it again notes that something changed there.
    if (!notes_changes(place)) continue;
    NOKV_ASSIGN(Found found, lookup(name.parent, name.name));
    if (found) put_dentry(place, found, *found.entry);
  }
  return {};
}

Result<> Transaction::file_event(const Spot& spot, const File& file, codec::Event event) {
  event.path = spot.path();
  this->event(event);
  if (file.in_dentry) return {};
  NOKV_ASSIGN(auto all, tree_.names(spot.id()));
  for (const FileName& name : all) {
    if (name.parent == spot.place.directory && name.name == spot.place.name) continue;
    auto path = directory_path(name.parent);
    if (!path && path.error().code() == Code::stale) continue;  // as in put_file()
    if (!path) return std::unexpected(std::move(path).error());
    event.path = join_path(*path, name.name);
    this->event(event);
  }
  return {};
}

// A file of a clone gets rows for all names that the clone shows, and each name a dentry of its
// own: what has records of its own is found by its directory's own dentries.
Result<> Transaction::own_names(const NodeId& file) {
  NOKV_ASSIGN(bool own, tree_.has_own_node(file));
  if (own) return {};
  NOKV_ASSIGN(auto all, tree_.names(file));
  for (const FileName& name : all) {
    NOKV_TRY(
        put(codec::link_key(file, name.parent, name.name), codec::encoded(codec::LinkRecord())));
    NOKV_ASSIGN(Found found, lookup(name.parent, name.name));
    if (!found || found.own_birth != 0) continue;
    Place place{name.parent, nullptr, {}, name.name};
    NOKV_ASSIGN(place.state, directory(name.parent));
    put_dentry(place, found, *found.entry);
    // Nothing changed there to see: only its records, up to the root, become the clone's own.
    place.state->untold = true;
    context_.pending.touch(name.parent, *place.state);
  }
  return {};
}

Result<> Transaction::put_inode(const NodeId& id, const codec::Inode& inode, uint32_t links) {
  NOKV_TRY(own_names(id));
  if (links == 0) return bury(id);
  codec::NodeRecord record;
  record.inode = inode;
  record.links = links;
  return put(codec::node_key(id), codec::encoded(record));
}

Result<> Transaction::put_moved(const NodeId& id, const Place& to, const Place& from) {
  NOKV_ASSIGN(auto before, tree_.moved(id));
  codec::MovedRecord moved{to.directory, to.name, from.directory, from.name};
  if (before) {
    moved.first_parent = before->first_parent;
    moved.first_name = before->first_name;
  }
  return put(codec::moved_key(id), codec::encoded(moved));
}

Result<> Transaction::keep_place(const Spot& spot) {
  NOKV_ASSIGN(auto moved, tree_.moved(spot.id()));
  return moved ? Result<>() : put_moved(spot.id(), spot.place, spot.place);
}

Result<> Transaction::make_linkable(const Spot& spot, File& file) {
  if (!file.in_dentry) return {};
  file.in_dentry = false;
  file.links = 1;
  const NodeId& id = spot.id();
  // First the node record, then the dentry without it: the blobs never lose their last mention.
  codec::NodeRecord record;
  record.inode = file.inode;
  record.links = 1;
  NOKV_TRY(put(codec::node_key(id), codec::encoded(record)));
  put_dentry(spot.place, spot.found, Dentry{id, spot.found.entry->kind, {}});
  NOKV_TRY(put(codec::link_key(id, spot.place.directory, spot.place.name),
               codec::encoded(codec::LinkRecord())));
  NOKV_TRY(put(codec::moved_key(id), std::nullopt));
  return {};
}

void Transaction::stamp(Body& body) const {
  body.generation = version_;
  body.principal = out_.principal;
}

Result<> Transaction::publishes(const NodeId& file) {
  if (published_.insert(file).second) return {};
  return fail(Code::invalid_argument, "a transaction gives a file one body: node ", file.text(),
              " got one already");
}

uint64_t Transaction::add_inline(std::string bytes) {
  uint64_t blob = new_id();
  codec::InlineRecord record{0, crc32c(bytes), bytes};
  context_.pending.put(codec::number_key(Table::inline_blob, blob), codec::encoded(record),
                       version_);
  out_.blobs.push_back({blob, 0, bytes.size(), {}, std::move(bytes)});
  return blob;
}

Result<std::string> Transaction::inline_bytes(uint64_t blob) {
  std::string key = codec::number_key(Table::inline_blob, blob);
  NOKV_ASSIGN(auto record, view().present<codec::InlineRecord>(key));
  if (!record) return fail(Code::data_loss, "inline blob ", blob, " is missing");
  if (crc32c(record->bytes) != record->crc) {
    return fail(Code::data_loss, "inline blob ", blob, " has a wrong checksum");
  }
  return std::move(record->bytes);
}

Result<> Transaction::claim_blobs(const codec::NewBody& body) {
  uint64_t count = codec::blob_count(body.size);
  if (body.block_crcs.size() != codec::block_count(body.size)) {
    return fail(Code::invalid_argument, "a body of ", body.size, " bytes has ",
                codec::block_count(body.size), " blocks, not ", body.block_crcs.size());
  }
  std::string key = codec::number_key(Table::upload, body.upload);
  NOKV_ASSIGN(auto upload, view().present<codec::UploadRecord>(key));
  if (!upload || upload->closed_ns != 0) {
    return fail(Code::failed_precondition, "upload ", body.upload, " is not open");
  }
  if (body.first_blob < upload->first_blob || count > upload->count ||
      body.first_blob - upload->first_blob > upload->count - count) {
    return fail(Code::failed_precondition, "blob ", body.first_blob, " is not of upload ",
                body.upload);
  }
  constexpr size_t kBlocksPerBlob = codec::kBlobBytes / codec::kBlockBytes;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t blob = body.first_blob + i;
    std::string blob_key = codec::number_key(Table::blob, blob);
    NOKV_ASSIGN(auto there, view().get_present(blob_key));
    if (there) return fail(Code::failed_precondition, "blob ", blob, " was published before");
    codec::NewBlob added{blob, body.upload,
                         std::min(codec::kBlobBytes, body.size - i * codec::kBlobBytes)};
    size_t from = i * kBlocksPerBlob;
    size_t to = std::min(from + kBlocksPerBlob, body.block_crcs.size());
    added.block_crcs.assign(body.block_crcs.begin() + static_cast<ptrdiff_t>(from),
                            body.block_crcs.begin() + static_cast<ptrdiff_t>(to));
    codec::BlobRecord record{codec::BlobState::live, 0, added.size, body.upload, added.block_crcs};
    context_.pending.put(blob_key, codec::encoded(record), version_);
    out_.blobs.push_back(std::move(added));
  }
  upload->published += static_cast<uint32_t>(count);
  bool whole = upload->published == upload->count;
  set(key, whole ? std::nullopt : std::optional(codec::encoded(*upload)));
  return {};
}

// Blobs under new ids that say where in the object their bytes are.
Result<> Transaction::add_external(const codec::NewBody& body, Body& out) {
  const codec::External& object = *body.external;
  if (body.upload != 0 || body.first_blob != 0 || !body.block_crcs.empty() || !body.bytes.empty()) {
    return fail(Code::invalid_argument, "the bytes of a body come from one place");
  }
  NOKV_TRY(check_external(object));
  if (body.size > object.size || object.offset > object.size - body.size) {
    return fail(Code::invalid_argument, "a body of ", body.size, " bytes at ", object.offset,
                " of an object of ", object.size);
  }
  if (body.size > (codec::kBodyBlobsMax - external_blobs_) * codec::kBlobBytes) {
    return fail(Code::resource_exhausted, "an object of ", body.size,
                " bytes; a transaction brings in at most ", codec::kBodyBlobsMax / 16, " GiB");
  }
  external_blobs_ += static_cast<uint32_t>(codec::blob_count(body.size));
  if (body.size == object.size) out.etag = object.etag;
  if (body.size == 0) return {};
  out.blob = next_id();
  for (uint64_t done = 0; done < body.size; done += codec::kBlobBytes) {
    codec::NewBlob added{.blob = new_id(),
                         .size = std::min(codec::kBlobBytes, body.size - done),
                         .external = object};
    added.external->offset += done;
    codec::BlobRecord record{.bytes = added.size, .external = added.external};
    context_.pending.put(codec::number_key(Table::blob, added.blob), codec::encoded(record),
                         version_);
    out_.blobs.push_back(std::move(added));
  }
  return {};
}

Result<Body> Transaction::take_body(const codec::NewBody& body) {
  Body out;
  out.size = out.base_size = body.size;
  stamp(out);
  out.digest = body.digest;
  out.content_type = body.content_type;
  out.producer = body.producer;
  if (body.content_type.size() > codec::kNameMax || body.producer.size() > codec::kNameMax ||
      body.digest.bytes.size() > 64) {
    return fail(Code::resource_exhausted, "content type and producer have at most ",
                codec::kNameMax, " bytes, a digest 64");
  }
  if (body.external) {
    NOKV_TRY(add_external(body, out));
    return out;
  }
  if (body.size == 0) return out;
  if (body.upload != 0) {
    NOKV_TRY(claim_blobs(body));
    out.blob = body.first_blob;
    return out;
  }
  if (body.bytes.size() != body.size) {
    return fail(Code::invalid_argument, "a body of ", body.size, " bytes came with ",
                body.bytes.size());
  }
  if (body.size > codec::kInlineMax) {
    return fail(Code::resource_exhausted, "a body of ", body.size,
                " bytes does not travel in the request; the limit is ", codec::kInlineMax);
  }
  if (!body.block_crcs.empty() && body.block_crcs[0] != crc32c(body.bytes)) {
    return fail(Code::data_loss, "the body has another checksum than was sent with it");
  }
  out.is_inline = true;
  out.blob = add_inline(body.bytes);
  return out;
}

}  // namespace nokv::meta
