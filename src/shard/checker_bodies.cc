// The part of a check that reads bodies whole, to compare their digests.
#include "codec/crc32c.h"
#include "shard/checker_run.h"

namespace nokv::shard {

using codec::Table;
using meta::fsck::SeenBody;

namespace {
constexpr size_t kBodiesAtOnce = 64;
}

// Bodies of all files, of kept versions too.
void Checker::Run::bodies() {
  if (scan_ == nullptr) {
    scan_ = std::make_unique<meta::fsck::MentionScan>(check_->subject().view, false);
  }
  Result<bool> more = true;
  for (size_t i = 0; i < checker_.options_.records_at_once && bodies_.size() < kBodiesAtOnce; ++i) {
    more = scan_->next();
    if (!more || !*more) break;
    if (scan_->damaged()) continue;  // another pass tells
    auto body = meta::fsck::digested_body_of(scan_->record_key(), scan_->record());
    if (body) want({{}, *std::move(body)});
  }
  if (!more) {
    check_->report().add({.code = "unreadable", .detail = str("bodies: ", more.error().message())});
  }
  if (!more || !*more) {
    scan_.reset();
    phase_ = Phase::blobs;
  }
  next();
}

// Small bodies are compared at once, the others when their blocks were read; each once, however
// many files and versions have it.
void Checker::Run::want(SeenBody seen) {
  const codec::Body& body = seen.body;
  if (!request_.read_data || body.size != body.base_size) return;
  codec::Digester digester(body.digest.kind);
  if (body.is_inline) {
    auto record = check_->subject().view.present<codec::InlineRecord>(
        codec::number_key(Table::inline_blob, body.blob));
    if (!record || !*record || crc32c((*record)->bytes) != (*record)->crc) {
      return;  // another pass tells
    }
    digester.add((*record)->bytes);
    return compare(seen, digester.finish());
  }
  if (body.size == 0) return compare(seen, digester.finish());
  if (read_.contains(body.blob)) return;
  for (uint64_t i = 0; i < codec::blob_count(body.size); ++i) {
    if (read_.size() < checker_.options_.blob_window) read_.insert(body.blob + i);
  }
  bodies_.push_back({std::move(seen), std::move(digester)});
}

// Asks for the next blocks, be they of one body or of several.
void Checker::Run::read_bodies() {
  std::vector<Look> looks;
  for (Reading& reading : bodies_) {
    const codec::Body& body = reading.seen.body;
    while (reading.asked < body.size && looks.size() < checker_.options_.reads_at_once) {
      uint64_t blob = body.blob + reading.asked / codec::kBlobBytes;
      auto block = static_cast<uint32_t>(reading.asked % codec::kBlobBytes / codec::kBlockBytes);
      uint64_t bytes = std::min(codec::kBlockBytes, body.size - reading.asked);
      reading.asked += bytes;
      auto record =
          check_->subject().view.present<codec::BlobRecord>(codec::number_key(Table::blob, blob));
      std::vector<Look> of_blob;
      if (record && *record) expand(blob, **record, reading.seen.path, of_blob);
      if (block < of_blob.size() && of_blob[block].bytes == bytes) {
        looks.push_back(std::move(of_blob[block]));
        looks.back().place = looks.size() - 1;
      } else {
        reading.whole = false;  // another pass tells
        reading.passed += bytes;
      }
    }
    if (looks.size() == checker_.options_.reads_at_once) break;
  }
  auto blocks = std::make_shared<std::vector<std::string>>(looks.size());
  auto good = std::make_shared<std::vector<bool>>(looks.size());
  LookOptions how{true, true, checker_.options_.reads_at_once, deadline_,
                  checker_.options_.store_timeout};
  auto self = shared_from_this();
  look_at(
      checker_.desk_, stores(), checker_.env_.clock, std::move(looks), how,
      [self, blocks, good](const Look& look, const Result<Held>& held) {
        self->seen(look, held);
        if (!held || held->bytes != look.bytes) return;
        if (!look.external && held->crc != look.crc) return;
        (*good)[look.place] = true;
        (*blocks)[look.place] = held->data;
      },
      [self, blocks, good] {
        self->take_blocks(*blocks, *good);
        self->next();
      });
}

void Checker::Run::take_blocks(const std::vector<std::string>& blocks,
                               const std::vector<bool>& good) {
  size_t at = 0;
  while (!bodies_.empty()) {
    Reading& reading = bodies_.front();
    for (; at < blocks.size() && reading.passed < reading.asked; ++at) {
      reading.whole = reading.whole && good[at];
      reading.digester.add(blocks[at]);
      reading.passed += std::min(codec::kBlockBytes, reading.seen.body.size - reading.passed);
    }
    if (reading.passed < reading.seen.body.size) return;
    if (reading.whole) compare(reading.seen, reading.digester.finish());
    bodies_.pop_front();
  }
}

void Checker::Run::compare(const SeenBody& seen, const codec::Digest& found) {
  check_->report().looked_at();
  const codec::Digest& told = seen.body.digest;
  if (found == told) return;
  check_->report().add({.code = "body_digest",
                        .path = seen.path,
                        .id = std::to_string(seen.body.blob),
                        .detail = str("the body of generation ", seen.body.generation,
                                      " has another digest than it was published with"),
                        .blob = seen.body.blob});
}

}  // namespace nokv::shard
