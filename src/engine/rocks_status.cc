#include "engine/rocks_status.h"

#include <rocksdb/status.h>

#include "base/check.h"

namespace nokv::engine {
namespace {

Code code_of(const rocksdb::Status& status) {
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit)
    return Code::resource_exhausted;
  if (status.IsCorruption()) return Code::data_loss;
  if (status.IsNotFound()) return Code::not_found;
  // The lock's message is all there is to tell it from other I/O errors.
  if (status.IsIOError() && status.ToString().find("lock ") != std::string::npos) {
    return Code::failed_precondition;
  }
  return Code::unavailable;
}

}  // namespace

Error rocks_error(const rocksdb::Status& status, std::string_view doing) {
  check(!status.ok(), "an error is not ok");
  return Error(code_of(status), str(doing, ": ", status.ToString()));
}

Result<> rocks_result(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return {};
  return std::unexpected(rocks_error(status, doing));
}

}  // namespace nokv::engine
