// What S3 says and is told in XML. Private to object/s3.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/object_store.h"

namespace nokv::object {

struct S3Error {
  std::string code;     // "NoSuchKey"; empty when the answer says none
  std::string message;  // one line, cut to a sensible length
};

// Reads what it can of the body of an answer of 300 or above.
S3Error read_error(std::string_view body);

// ListObjectsV2: keys as the bucket has them. Errors: data_loss.
Result<ListPage> read_list(std::string_view body);

struct DeleteError {
  std::string key;
  S3Error error;
};

// DeleteObjects: those that failed. Errors: data_loss.
Result<std::vector<DeleteError>> read_delete_errors(std::string_view body);

// The body of DeleteObjects; at most 1,000 keys.
std::string write_delete(const std::vector<std::string>& keys);

// CreateMultipartUpload: what names the upload. Errors: data_loss.
Result<std::string> read_upload(std::string_view body);

// The body of CompleteMultipartUpload: the ETags of parts 1, 2, ...
std::string write_parts(const std::vector<std::string>& etags);

// CompleteMultipartUpload: whether the object is there. Errors: what the store says, as of a key;
// data_loss (no such answer).
Result<> check_finished(std::string_view body);

}  // namespace nokv::object
