#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "base/sim/sim_files.h"
#include "base/sim/sim_scheduler.h"
#include "log/local_log.h"
#include "log/testing/log_store_suite.h"

namespace nokv::log {
namespace {

class RealFiles final : public LogFixture {
 public:
  explicit RealFiles(uint64_t segment_bytes) : segment_bytes_(segment_bytes) {}
  std::unique_ptr<LogStore> open() override {
    return LocalLog::open(posix_.env(), temp_ / "log", {.segment_bytes = segment_bytes_}).value();
  }

 private:
  uint64_t segment_bytes_;
  TempDir temp_;
  PosixEnv posix_;
};

class SimulatedFiles final : public LogFixture {
 public:
  std::unique_ptr<LogStore> open() override {
    Env env{scheduler_.clock(), scheduler_.random(), files_, executors_};
    return LocalLog::open(env, "/log", {.segment_bytes = 4 << 10}).value();
  }

 private:
  SimScheduler scheduler_{1};
  SimExecutors executors_{scheduler_};
  SimFiles files_;
};

std::unique_ptr<LogFixture> simulated() { return std::make_unique<SimulatedFiles>(); }
std::unique_ptr<LogFixture> small_segments() { return std::make_unique<RealFiles>(4 << 10); }
std::unique_ptr<LogFixture> large_segments() { return std::make_unique<RealFiles>(64 << 10); }

INSTANTIATE_TEST_SUITE_P(Local, LogStoreSuite,
                         testing::Values(LogKind{"small_segments", small_segments, 300},
                                         LogKind{"large_segments", large_segments, 5000},
                                         LogKind{"simulated", simulated, 300}),
                         log_kind_name);

}  // namespace
}  // namespace nokv::log
