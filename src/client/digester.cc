#include "client/digester.h"

namespace nokv::client {

Digester::Digester(DigestChoice choice, std::optional<uint64_t> size) {
  bool sha = choice == DigestChoice::sha256;
  bool xxh = choice == DigestChoice::xxh3_128;
  if (choice == DigestChoice::by_size) {
    sha = size.value_or(0) <= kSha256Max;
    xxh = size.value_or(UINT64_MAX) > kSha256Max;
  }
  if (sha) sha_.emplace(codec::DigestKind::sha256);
  if (xxh) xxh_.emplace(codec::DigestKind::xxh3_128);
}

void Digester::add(std::string_view bytes) {
  size_ += bytes.size();
  if (sha_ && xxh_ && size_ > kSha256Max) sha_.reset();
  if (sha_) sha_->add(bytes);
  if (xxh_) xxh_->add(bytes);
}

codec::Digest Digester::finish() {
  if (sha_) return sha_->finish();
  if (xxh_) return xxh_->finish();
  return {};
}

}  // namespace nokv::client
