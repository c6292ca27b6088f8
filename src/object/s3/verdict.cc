#include "object/s3/verdict.h"

#include <algorithm>
#include <array>

namespace nokv::object {
namespace {

struct Row {
  std::string_view store_code;
  Code code;
  bool retry;
};

// Only codes whose status alone would mislead.
constexpr std::array kRows = {
    Row{"SlowDown", Code::unavailable, true},
    Row{"Throttling", Code::unavailable, true},
    Row{"ThrottlingException", Code::unavailable, true},
    Row{"TooManyRequests", Code::unavailable, true},
    Row{"RequestTimeout", Code::unavailable, true},
    Row{"InternalError", Code::unavailable, true},
    Row{"ServiceUnavailable", Code::unavailable, true},
    Row{"OperationAborted", Code::unavailable, true},
    Row{"ConditionalRequestConflict", Code::unavailable, true},
    Row{"PreconditionFailed", Code::already_exists, false},
    Row{"RequestTimeTooSkewed", Code::failed_precondition, false},
    Row{"InvalidRange", Code::data_loss, false},
    // The body was damaged on its way, or the caller's checksum is not that of the body.
    Row{"BadDigest", Code::data_loss, true},
    Row{"InvalidDigest", Code::data_loss, true},
    Row{"XAmzContentChecksumMismatch", Code::data_loss, true},
    Row{"IncompleteBody", Code::data_loss, true},
    Row{"InvalidAccessKeyId", Code::permission_denied, false},
    Row{"InvalidToken", Code::permission_denied, false},
    Row{"InvalidTokenId", Code::permission_denied, false},
    Row{"ExpiredToken", Code::permission_denied, false},
    Row{"TokenRefreshRequired", Code::permission_denied, false},
    Row{"QuotaExceeded", Code::resource_exhausted, false},
    Row{"InsufficientCapacity", Code::resource_exhausted, false},
    Row{"XMinioStorageFull", Code::resource_exhausted, false},
    Row{"PermanentRedirect", Code::failed_precondition, false},
    Row{"NotImplemented", Code::unimplemented, false},
};

Row row_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return {"", Code::permission_denied, false};
    case 404:
      return {"", Code::not_found, false};
    case 408:
    case 429:
      return {"", Code::unavailable, true};
    case 409:
      return {"", Code::invalid_argument, false};  // a key below another one
    case 412:
      return {"", Code::already_exists, false};
    case 416:
      return {"", Code::data_loss, false};
    case 501:
      return {"", Code::unimplemented, false};
    case 507:
      return {"", Code::resource_exhausted, false};
    default:
      break;
  }
  if (status >= 500) return {"", Code::unavailable, true};
  if (status < 400) return {"", Code::failed_precondition, false};  // another region or endpoint
  return {"", Code::invalid_argument, false};
}

Row row_of(std::string_view store_code, int status) {
  auto found = std::ranges::find(kRows, store_code, &Row::store_code);
  return found != kRows.end() ? *found : row_of_status(status);
}

std::string hint_of(const S3Error& said, const net::HttpClientResponse& response) {
  if (said.code == "RequestTimeTooSkewed") return "set this machine's clock, e.g. by NTP";
  if (said.code == "NoSuchBucket") return "create the bucket, or name another one";
  if (said.code == "SignatureDoesNotMatch") return "the secret key does not belong to the key id";
  if (std::string_view region = response.header("x-amz-bucket-region"); response.status < 400) {
    if (!region.empty()) return str("the bucket is in region ", region);
  }
  return {};
}

std::string told(int status, const S3Error& said) {
  std::string out = std::to_string(status);
  if (!said.code.empty()) out += " " + said.code;
  if (!said.message.empty()) out += ": " + said.message;
  return out;
}

}  // namespace

Verdict judge_answer(const net::HttpClientResponse& response, WallTime wall) {
  S3Error said = read_error(response.body);
  Row row = row_of(said.code, response.status);
  std::string message = told(response.status, said);
  if (said.code == "RequestTimeTooSkewed") {
    message += str(" (the store's clock says ", response.header("date"), ", ours is ",
                   to_unix_ns(wall) / 1'000'000'000, " s since 1970)");
  }
  Error error(row.code, std::move(message));
  if (std::string hint = hint_of(said, response); !hint.empty()) {
    error = std::move(error).with_hint(std::move(hint));
  }
  bool expired = said.code == "ExpiredToken" || said.code == "TokenRefreshRequired";
  return Verdict{std::move(error), row.retry || expired, expired};
}

Verdict judge_failure(Error error) {
  Code code = error.code();
  bool retry = code == Code::unavailable || code == Code::data_loss || code == Code::overloaded;
  return Verdict{std::move(error), retry, false};
}

Error error_of_key(const S3Error& error) {
  Row row = row_of(error.code, error.code == "AccessDenied" ? 403 : 500);
  return {row.code, error.code + (error.message.empty() ? "" : ": " + error.message)};
}

}  // namespace nokv::object
