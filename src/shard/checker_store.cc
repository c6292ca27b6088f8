// The part of a check that looks into the object store.
#include <charconv>

#include "meta/external.h"
#include "shard/checker_run.h"

namespace nokv::shard {

using codec::Table;
using meta::fsck::RemoveObject;

namespace {
constexpr size_t kLooksAtOnce = 256;
constexpr std::string_view kOwnStore = "";  // among those that failed
}  // namespace

std::optional<std::pair<uint64_t, uint32_t>> parse_object_name(std::string_view name) {
  size_t id_at = name.find('/', name.find('/') + 1);
  if (!name.starts_with("blobs/") || id_at == std::string_view::npos) return std::nullopt;
  std::string_view rest = name.substr(id_at + 1);
  uint64_t blob = 0;
  uint32_t block = 0;
  size_t slash = rest.find('/');
  if (slash != 16) return std::nullopt;
  std::string_view number = rest.substr(slash + 1);
  std::from_chars(rest.data(), rest.data() + slash, blob, 16);
  std::from_chars(number.data(), number.data() + number.size(), block);
  if (codec::blob_object_name(blob, block) != name) return std::nullopt;
  return std::pair(blob, block);
}

Result<bool> in_an_upload(const meta::State& state, uint64_t blob) {
  std::string table = codec::table_key(Table::upload);
  // An upload's id comes right before its blobs, so those with greater ids do not matter.
  auto rows = state.snapshot->iterate(table, codec::number_key(Table::upload, blob));
  for (rows->seek(table); rows->valid(); rows->next()) {
    codec::UploadRecord upload;
    if (!codec::decode(rows->value(), upload)) continue;
    if (blob >= upload.first_blob && blob - upload.first_blob < upload.count) return true;
  }
  NOKV_TRY(rows->status());
  return false;
}

// ---- blobs that records know

void Checker::Run::expand(uint64_t blob, const codec::BlobRecord& record, const std::string& path,
                          std::vector<Look>& out) {
  if (record.state != codec::BlobState::live) return;
  if (record.external) return expand_external(blob, record, path, out);
  if (failed_.contains(kOwnStore)) return;
  auto blocks = std::min<size_t>(codec::block_count(record.bytes), record.block_crcs.size());
  for (uint32_t i = 0; i < blocks; ++i) {
    uint64_t bytes = std::min(codec::kBlockBytes, record.bytes - i * codec::kBlockBytes);
    out.push_back({.object = codec::blob_object_name(blob, i),
                   .blob = blob,
                   .block = i,
                   .bytes = bytes,
                   .crc = record.block_crcs[i],
                   .path = path});
  }
}

// Where objects are only looked for, one look is for all of the blob.
void Checker::Run::expand_external(uint64_t blob, const codec::BlobRecord& record,
                                   const std::string& path, std::vector<Look>& out) {
  if (failed_.contains(record.external->store)) return;
  uint64_t step = request_.read_data ? codec::kBlockBytes : codec::kBlobBytes;
  uint64_t bytes = std::min(record.bytes, codec::kBlobBytes);  // another pass tells of more
  for (uint64_t done = 0; done < bytes; done += step) {
    Look& look = out.emplace_back();
    look.object = meta::external_name(*record.external);
    look.blob = blob;
    look.block = static_cast<uint32_t>(done / codec::kBlockBytes);
    look.bytes = std::min(step, bytes - done);
    look.external = record.external;
    look.external->offset += done;
    look.path = path;
  }
}

void Checker::Run::look(std::vector<Look> looks) {
  if (looks.empty()) return next();
  const CheckerOptions& options = checker_.options_;
  LookOptions how{request_.read_data, false,
                  request_.read_data ? options.reads_at_once : options.heads_at_once, deadline_,
                  options.store_timeout};
  auto self = shared_from_this();
  look_at(
      checker_.desk_, stores(), checker_.env_.clock, std::move(looks), how,
      [self](const Look& look, const Result<Held>& held) { self->seen(look, held); },
      [self] { self->next(); });
}

// The check reads an older state: what died since may have been deleted rightly.
bool Checker::Run::still_live(uint64_t blob) {
  auto record = checker_.shard_.state()->view().present<codec::BlobRecord>(
      codec::number_key(Table::blob, blob));
  return record && *record && (*record)->state == codec::BlobState::live;
}

void Checker::Run::seen(const Look& look, const Result<Held>& held) {
  auto& report = check_->report();
  report.looked_at();
  auto problem = [&](std::string_view code, std::string detail) {
    if (look.generation != 0) detail += str("; generation ", look.generation);
    report.add({.code = code,
                .path = look.path,
                .id = std::to_string(look.blob),
                .detail = std::move(detail),
                .blob = look.blob});
  };
  if (!held) {
    const Error& error = held.error();
    bool gone = error.code() == Code::not_found;
    if (gone || error.code() == Code::data_loss ||
        (look.external && error.code() == Code::aborted)) {
      if (!still_live(look.blob)) return;
      bool tells = look.external && bad_.size() < meta::fsck::Report::kProblemsMax;
      if (tells && !bad_.insert(look.blob).second) return;
      if (look.external) {  // whose name is in the message
        problem(gone ? "external_missing" : "external_changed", error.message());
      } else {
        problem(gone ? "missing_object" : "object_unreadable",
                str("object ", look.object, ": ", error.message()));
      }
      return;
    }
    std::string_view store = look.external ? std::string_view(look.external->store) : kOwnStore;
    if (failed_.emplace(store).second) {
      report.add({.code = "store",
                  .detail = str(look.external ? store : "the object store",
                                " cannot be checked: ", error.message())});
    }
    return;
  }
  if (held->bytes != look.bytes) {
    problem("object_size", str("object ", look.object, " has ", held->bytes,
                               " bytes; its record says ", look.bytes));
  } else if (request_.read_data && !look.external && held->crc != look.crc) {
    problem("object_checksum",
            str("object ", look.object, " has another checksum than its record says"));
  }
}

void Checker::Run::blobs() {
  std::string table = codec::table_key(Table::blob);
  if (blobs_ == nullptr) {
    blobs_ = state_->snapshot->iterate(table, codec::prefix_end(table));
    blobs_->seek(table);
  }
  std::vector<Look> looks;
  for (; blobs_->valid() && looks.size() < kLooksAtOnce; blobs_->next()) {
    uint64_t blob = 0;
    codec::BlobRecord record;
    if (codec::split_number_key(blobs_->key(), blob) && !read_.contains(blob) &&
        codec::decode(blobs_->value(), record)) {
      expand(blob, record, {}, looks);
    }
  }
  if (!blobs_->valid()) {
    if (auto status = blobs_->status(); !status) {
      check_->report().add(
          {.code = "unreadable", .detail = str("blobs: ", status.error().message())});
    }
    phase_ = request_.orphans && !failed_.contains(kOwnStore) ? Phase::orphans : Phase::naming;
  }
  look(std::move(looks));
}

// ---- objects that no record knows

void Checker::Run::orphans() {
  auto self = shared_from_this();
  auto desk = checker_.desk_;
  auto deadline = std::min(deadline_, checker_.env_.clock.now() + checker_.options_.store_timeout);
  checker_.store_.list(
      "blobs/", listed_, object::kListMax, deadline, [self, desk](Result<object::ListPage> page) {
        desk->post([self, page = std::move(page)] {
          if (page) {
            self->see_page(*page);
            return;
          }
          self->check_->report().add(
              {.code = "store",
               .detail = str("the object store cannot be listed: ", page.error().message())});
          self->phase_ = Phase::naming;
          self->next();
        });
      });
}

void Checker::Run::see_page(const object::ListPage& page) {
  if (page.more && !page.objects.empty()) {
    listed_ = page.objects.back().key;
  } else {
    phase_ = Phase::naming;
  }
  // Newer than the list: what is uploaded was announced before.
  auto now = checker_.shard_.state();
  for (const auto& object : page.objects) {
    check_->report().looked_at();
    see_object(*now, object.key);
  }
  auto self = shared_from_this();
  LookOptions how{false, false, checker_.options_.heads_at_once, deadline_,
                  checker_.options_.store_timeout};
  look_at(
      checker_.desk_, stores(), checker_.env_.clock, std::exchange(suspects_, {}), how,
      [self](const Look& look, const Result<Held>& held) { self->suspect(look, held); },
      [self] { self->next(); });
}

void Checker::Run::see_object(const meta::State& now, const std::string& key) {
  auto name = parse_object_name(key);
  if (!name || name->first >= now.record.next_id) {
    check_->report().add({.code = "foreign_object",
                          .is_error = false,
                          .id = key,
                          .detail = "the object's name was never given here: another namespace "
                                    "may use the same place"});
    return;
  }
  auto record = now.view().present<codec::BlobRecord>(codec::number_key(Table::blob, name->first));
  if (!record) return;  // the pass over blobs tells
  if (*record) {
    if (name->second < codec::block_count((*record)->bytes)) return;
  } else {
    auto uploading = in_an_upload(now, name->first);
    if (!uploading || *uploading) return;
  }
  suspects_.push_back({key, name->first, name->second});
}

// It may have been deleted between the list and the state.
void Checker::Run::suspect(const Look& look, const Result<Held>& held) {
  if (!held) return;
  check_->report().add({.code = "orphan_object",
                        .is_error = false,
                        .id = look.object,
                        .detail = str("an object of ", held->bytes,
                                      " bytes that no record knows, and none ever will"),
                        .repair = RemoveObject{look.object, look.blob, look.block}});
}

void Checker::Run::remove_object(const RemoveObject& it, meta::fsck::Problem& problem) {
  auto self = shared_from_this();
  auto desk = checker_.desk_;
  auto deadline = std::min(deadline_, checker_.env_.clock.now() + checker_.options_.store_timeout);
  // Ids are given once and an upload's range never grows, so what was an orphan stays one.
  checker_.store_.remove(
      {it.object}, deadline,
      [self, desk, &problem](Result<std::vector<object::RemoveFailure>> result) {
        Result<> done;
        if (!result) {
          done = std::unexpected(result.error());
        } else if (!result->empty()) {
          done = std::unexpected(result->front().error);
        }
        desk->post([self, &problem, done = std::move(done)] { self->mended(problem, done); });
      });
}

}  // namespace nokv::shard
