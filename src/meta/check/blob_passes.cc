#include "meta/check/blob_passes.h"

#include <algorithm>
#include <utility>

#include "codec/crc32c.h"

namespace nokv::meta::fsck {

using codec::BlobState;
using codec::Table;

// ---- references

Result<> BlobPass::open(Table table, std::unique_ptr<engine::Iterator>& rows) {
  rows = subject_.view.snapshot().iterate(codec::table_key(table),
                                          codec::prefix_end(codec::table_key(table)));
  rows->seek(codec::table_key(table));
  return rows->status();
}

Result<bool> BlobPass::step(size_t records) {
  if (blobs_ == nullptr) {
    NOKV_TRY(open(Table::blob, blobs_));
    NOKV_TRY(open(Table::inline_blob, inline_));
  }
  if (scan_ == nullptr) {
    NOKV_ASSIGN(bool more, load(records));
    if (!more) scan_ = std::make_unique<MentionScan>(subject_.view, false);
    return true;
  }
  NOKV_ASSIGN(bool more, count(records));
  if (more) return true;
  compare();
  scan_.reset();
  window_.clear();
  from_ = last_ + 1;
  first_window_ = false;
  return !last_window_;
}

void BlobPass::undecodable(std::string_view key) {
  report_.add({.code = "undecodable",
               .id = hex(key),
               .detail = "the record with this key cannot be decoded"});
}

// Fills the window with the next blobs of both tables, in the order of their ids.
Result<bool> BlobPass::load(size_t records) {
  while (records-- > 0 && window_.size() < window_max_) {
    uint64_t blob = UINT64_MAX;
    uint64_t small = UINT64_MAX;
    if (blobs_->valid() && !codec::split_number_key(blobs_->key(), blob)) {
      undecodable(blobs_->key());
      blobs_->next();
      continue;
    }
    if (inline_->valid() && !codec::split_number_key(inline_->key(), small)) {
      undecodable(inline_->key());
      inline_->next();
      continue;
    }
    NOKV_TRY(blobs_->status());
    NOKV_TRY(inline_->status());
    if (!blobs_->valid() && !inline_->valid()) {
      last_window_ = true;
      last_ = UINT64_MAX;
      return false;
    }
    report_.looked_at();
    if (!inline_->valid() || (blobs_->valid() && blob <= small)) {
      NOKV_TRY(load_blob(blob));
      blobs_->next();
      last_ = blob;
    } else {
      NOKV_TRY(load_inline(small));
      inline_->next();
      last_ = small;
    }
  }
  return window_.size() < window_max_;
}

Result<> BlobPass::load_blob(uint64_t blob) {
  codec::BlobRecord record;
  if (!codec::decode(blobs_->value(), record)) {
    undecodable(blobs_->key());
    window_.push_back({.blob = blob, .wrong_size = true});
    return {};
  }
  bool dead = record.state == BlobState::dead;
  window_.push_back({blob, record.bytes, record.references, 0, false, dead});
  size_t crcs = record.external ? 0 : codec::block_count(record.bytes);
  if (record.bytes == 0 || record.bytes > codec::kBlobBytes || record.block_crcs.size() != crcs) {
    report_.add({.code = "blob",
                 .id = std::to_string(blob),
                 .detail = str(record.bytes, " bytes with ", record.block_crcs.size(),
                               " checksums of blocks"),
                 .blob = blob});
  }
  if (blob >= subject_.next_id()) {
    report_.add({.code = "bad_id",
                 .id = std::to_string(blob),
                 .detail = str("the next id to be given is ", subject_.next_id()),
                 .repair = mend_next_id(blob),
                 .blob = blob});
  }
  return dead ? see_dead(blob, record) : Result<>();
}

Result<> BlobPass::see_dead(uint64_t blob, const codec::BlobRecord& record) {
  NOKV_ASSIGN(auto row, subject_.view.get_present(codec::dead_key(record.dead_ns, blob)));
  if (row) return {};
  report_.add({.code = "dead_unlisted",
               .is_error = false,
               .id = std::to_string(blob),
               .detail = "the blob is dead, and garbage collection does not know of it",
               .repair = ListDead{blob}});
  return {};
}

Result<> BlobPass::load_inline(uint64_t blob) {
  codec::InlineRecord record;
  if (!codec::decode(inline_->value(), record)) {
    undecodable(inline_->key());
    window_.push_back({.blob = blob, .is_inline = true, .wrong_size = true});
    return {};
  }
  window_.push_back({blob, record.bytes.size(), record.references, 0, true, false});
  if (crc32c(record.bytes) != record.crc) {
    report_.add({.code = "inline_checksum",
                 .id = std::to_string(blob),
                 .detail = str("the ", record.bytes.size(),
                               " bytes of this inline body have another checksum"),
                 .blob = blob});
  }
  return {};
}

Result<bool> BlobPass::count(size_t records) {
  while (records-- > 0) {
    NOKV_ASSIGN(bool more, scan_->next());
    if (!more) return false;
    if (first_window_) report_.looked_at();
    if (scan_->damaged() && first_window_) undecodable(scan_->key());
    for (const Mention& each : scan_->mentions()) mention(each);
  }
  return true;
}

void BlobPass::mention(const Mention& mention) {
  if (mention.blob < from_ || mention.blob > last_) return;
  auto order = [](const Row& row) { return std::pair(row.blob, row.is_inline); };
  auto found =
      std::ranges::lower_bound(window_, std::pair(mention.blob, mention.is_inline), {}, order);
  std::string id = std::to_string(mention.blob);
  // Without a path: the pass that finds names looks for all of them at once.
  if (found == window_.end() || found->blob != mention.blob ||
      found->is_inline != mention.is_inline) {
    report_.add({.code = "missing_blob",
                 .id = id,
                 .detail = str(mention.is_inline ? "inline blob " : "blob ", id,
                               " is mentioned and has no record"),
                 .blob = mention.blob});
    return;
  }
  ++found->counted;
  bool good = mention.whole ? found->bytes == mention.bytes : found->bytes >= mention.bytes;
  if (good || std::exchange(found->wrong_size, true)) return;
  report_.add({.code = "blob_size",
               .id = id,
               .detail = str("the blob has ", found->bytes, " bytes, a body takes ", mention.bytes,
                             " from it"),
               .blob = mention.blob});
}

void BlobPass::compare() {
  for (const Row& row : window_) {
    std::string id = std::to_string(row.blob);
    if (row.dead && row.counted != 0) {
      report_.add({.code = "dead_blob_mentioned",
                   .id = id,
                   .detail = str("the blob is dead, and ", row.counted, " records mention it"),
                   .blob = row.blob});
    } else if (row.counted != row.says || (row.counted == 0 && !row.dead)) {
      auto off = static_cast<int64_t>(row.counted - row.says);
      report_.add({.code = "references",
                   .is_error = row.counted > row.says,  // else it is only never freed
                   .id = id,
                   .detail = str("says ", row.says, " references, has ", row.counted),
                   .repair = MendReferences{row.blob, row.is_inline, off},
                   .blob = row.blob});
    }
  }
}

// ---- the dead, and uploads

Result<> DeadPass::row(std::string_view key, std::string_view /*value*/) {
  std::string_view rest = key.substr(1);
  uint64_t died = 0;
  uint64_t blob = 0;
  if (!codec::take_u64(rest, died) || !codec::take_u64(rest, blob) || !rest.empty()) {
    return undecodable(key);
  }
  NOKV_ASSIGN(auto value, view_.get_present(codec::number_key(Table::blob, blob)));
  codec::BlobRecord record;
  if (value && !codec::decode(*value, record)) return {};  // the pass over blobs tells
  if (value && record.state == BlobState::dead && record.dead_ns == static_cast<int64_t>(died)) {
    return {};
  }
  report_.add({.code = "dead_row",
               .is_error = false,
               .id = std::to_string(blob),
               .detail = "listed as dead, and it is not",
               .repair = DropRow{std::string(key)}});
  return {};
}

Result<> UploadPass::row(std::string_view key, std::string_view value) {
  uint64_t id = 0;
  codec::UploadRecord upload;
  if (!codec::split_number_key(key, id) || !codec::decode(value, upload)) return undecodable(key);
  auto problem = [&](std::string detail) {
    report_.add({.code = "upload",
                 .is_error = false,
                 .id = std::to_string(id),
                 .detail = std::move(detail)});
  };
  uint64_t end = upload.first_blob + upload.count;
  if (upload.first_blob <= id || end > subject_.next_id() || upload.first_blob < last_end_) {
    problem(str("its blobs ", upload.first_blob, " to ", end, " are not its own"));
    return {};
  }
  last_end_ = end;
  std::string first = codec::number_key(Table::blob, upload.first_blob);
  auto blobs = view_.snapshot().iterate(first, codec::number_key(Table::blob, end));
  uint32_t published = 0;
  for (blobs->seek(first); blobs->valid(); blobs->next()) ++published;
  NOKV_TRY(blobs->status());
  // Once it is closed its dead blobs may be gone.
  bool good = upload.closed_ns == 0 ? published == upload.published : published <= upload.published;
  if (!good) {
    problem(
        str("says that ", upload.published, " of its blobs are published; ", published, " are"));
  }
  return {};
}

// ---- names

void NamingPass::begin() {
  scan_ = std::make_unique<MentionScan>(subject_.view, false);
  const auto& problems = report_.problems();
  for (size_t i = 0; i < problems.size(); ++i) {
    if (problems[i].blob != 0 && problems[i].path.empty()) wanted_[problems[i].blob].push_back(i);
  }
}

Result<bool> NamingPass::step(size_t records) {
  if (scan_ == nullptr) begin();
  if (wanted_.empty()) return false;
  while (records-- > 0) {
    NOKV_ASSIGN(bool more, scan_->next());
    if (!more) return false;
    if (scan_->damaged()) continue;
    // Chunks and nodes come first, so their files are known when the entries come.
    if (static_cast<Table>(scan_->record_key()[0]) == Table::dentry) {
      see_dentry();
      continue;
    }
    for (const Mention& mention : scan_->mentions()) {
      auto found = wanted_.find(mention.blob);
      if (found == wanted_.end()) continue;
      std::string_view key = std::string_view(scan_->record_key()).substr(1);
      NodeId file;
      if (!file.take_key(key)) continue;
      auto& problems = files_[file];
      problems.insert(problems.end(), found->second.begin(), found->second.end());
    }
  }
  return true;
}

void NamingPass::see_dentry() {
  codec::DentryKey key;
  codec::Dentry dentry;
  if (!codec::split_dentry_key(scan_->record_key(), key)) return;
  if (!codec::decode(scan_->record(), dentry)) return;
  auto name = [&](const std::vector<size_t>& problems) {
    for (size_t i : problems) {
      Problem& problem = report_.problems()[i];
      if (!problem.path.empty()) continue;
      problem.path = path_of(subject_.view, key.directory, key.name);
      if (dentry.inode) problem.detail += str("; generation ", dentry.inode->body.generation);
      if (scan_->death() != 0) problem.detail += "; only older versions have it";
    }
  };
  for (const Mention& mention : scan_->mentions()) {
    if (auto found = wanted_.find(mention.blob); found != wanted_.end()) name(found->second);
  }
  if (files_.empty()) return;
  if (auto found = files_.find(dentry.child); found != files_.end()) name(found->second);
}

}  // namespace nokv::meta::fsck
