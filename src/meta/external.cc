#include "meta/external.h"

#include <algorithm>

#include "object/key.h"

namespace nokv::meta {

Result<> check_external_store(std::string_view store) {
  constexpr std::string_view kScheme = "s3://";
  constexpr size_t kBucketMin = 3;
  constexpr size_t kBucketMax = 255;
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  std::string_view bucket = store;
  if (bucket.starts_with(kScheme)) bucket.remove_prefix(kScheme.size());
  if (bucket.size() == store.size() || bucket.size() < kBucketMin || bucket.size() > kBucketMax ||
      bucket.starts_with('.') || !std::ranges::all_of(bucket, good)) {
    return std::unexpected(
        Error(Code::invalid_argument, "what is imported lies in a bucket of an S3 store")
            .with_hint("it is named s3://BUCKET"));
  }
  return {};
}

Result<> check_external(const codec::External& object) {
  NOKV_TRY(check_external_store(object.store));
  NOKV_TRY(object::check_key(object.key));
  // It goes into a header as it is.
  auto good = [](char c) { return c > 0x20 && c < 0x7f && c != '"'; };
  if (object.etag.empty() || object.etag.size() > kEtagMax ||
      !std::ranges::all_of(object.etag, good)) {
    return fail(Code::invalid_argument, external_name(object), ": has no usable ETag");
  }
  return {};
}

std::string external_name(const codec::External& object) {
  return str(object.store, "/", object.key);
}

}  // namespace nokv::meta
