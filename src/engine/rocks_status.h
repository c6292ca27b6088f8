// What RocksDB says, in our words.
#pragma once

#include <string_view>

#include "base/result.h"

namespace rocksdb {
class Status;
}

namespace nokv::engine {

// data_loss for corruption (RocksDB names the file), resource_exhausted for a full disk,
// unavailable for other I/O errors. `status` is not ok; `doing` is what was tried.
Error rocks_error(const rocksdb::Status& status, std::string_view doing);

// Nothing when `status` is ok.
Result<> rocks_result(const rocksdb::Status& status, std::string_view doing);

}  // namespace nokv::engine
