#include "engine/rocks_status.h"

#include <gtest/gtest.h>
#include <rocksdb/status.h>

namespace nokv::engine {
namespace {

using rocksdb::Status;

TEST(RocksStatus, TellsWhatTheCallerShouldDo) {
  EXPECT_TRUE(rocks_result(Status::OK(), "write"));
  EXPECT_EQ(rocks_error(Status::NoSpace(), "write").code(), Code::resource_exhausted);
  EXPECT_EQ(rocks_error(Status::Corruption("block"), "get").code(), Code::data_loss);
  EXPECT_EQ(rocks_error(Status::IOError("read"), "get").code(), Code::unavailable);
  EXPECT_EQ(rocks_error(Status::IOError("While lock file: LOCK"), "open").code(),
            Code::failed_precondition);
  EXPECT_EQ(rocks_error(Status::Corruption("in 12.sst"), "get key").message(),
            "get key: Corruption: in 12.sst");
}

}  // namespace
}  // namespace nokv::engine
