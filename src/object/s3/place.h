// Where a bucket is: URLs and Host headers. Private to object/s3.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "object/s3/s3_store.h"

namespace nokv::object {

class Place {
 public:
  // Errors: invalid_argument.
  static Result<Place> of(const S3Options& options);

  const std::string& host() const { return host_; }  // as the Host header has it
  std::string path(std::string_view key) const;      // encoded; "" is the bucket
  std::string url(std::string_view path, std::string_view query) const;
  const std::string& endpoint() const { return endpoint_; }

 private:
  std::string endpoint_;  // "http://127.0.0.1:9000"
  std::string scheme_;    // "http://"
  std::string host_;
  std::string base_path_;  // "/bucket/" or "/"
};

}  // namespace nokv::object
