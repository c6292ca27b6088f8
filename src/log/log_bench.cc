// Appends of one group at a time, beside their floor: the same bytes by pwrite and fdatasync into a
// preallocated file, in the same run. Directories are below TMPDIR.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "log/local_log.h"

namespace nokv::log {
namespace {

Group group_after(const Position& tail, size_t size) {
  Version version{tail.version.value() + 1};
  return {version, version, std::string(size, 'x')};
}

void raw_sync(benchmark::State& state) {
  constexpr uint64_t kFileBytes = 64 << 20;
  PosixEnv posix;
  TempDir temp;
  auto file = posix.files.open(temp / "raw", OpenMode::create_new).value();
  std::string zeros(1 << 20, '\0');
  for (uint64_t at = 0; at < kFileBytes; at += zeros.size())
    check(file->write_at(at, zeros).has_value());
  check(file->sync().has_value());
  std::string bytes(frame_bytes(static_cast<uint64_t>(state.range(0))), 'x');
  uint64_t at = 0;
  for (auto _ : state) {
    if (at + bytes.size() > kFileBytes) at = 0;
    check(file->write_at(at, bytes).has_value() && file->sync().has_value());
    at += bytes.size();
  }
  state.SetItemsProcessed(state.iterations());
}

void local_log_append(benchmark::State& state) {
  PosixEnv posix;
  TempDir temp;
  auto log = LocalLog::open(posix.env(), temp / "log", {}).value();
  auto [epoch, tail] = log->claim("bench").value();
  Group group = group_after(tail, static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    log->append(epoch, tail, group,
                [](Result<Appended> answer) { check(answer == Appended::appended); });
    tail = {group.last, chain(tail.digest, group)};
    group.first = group.last = Version{tail.version.value() + 1};
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(raw_sync)->Arg(300)->Arg(64 << 10)->UseRealTime();
BENCHMARK(local_log_append)->Arg(300)->Arg(64 << 10)->UseRealTime();

}  // namespace
}  // namespace nokv::log
