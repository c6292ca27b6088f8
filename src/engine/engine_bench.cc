// The engine alone: no log, no RPC. A million keys of 32 bytes with values of 60, spread evenly.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/posix/testing/temp_dir.h"
#include "engine/rocks_engine.h"

namespace nokv::engine {
namespace {

constexpr uint64_t kKeys = 1'000'000;

std::string key(uint64_t i) {
  std::string digits = std::to_string(i * 0x9e3779b97f4a7c15);
  return "k" + std::string(31 - digits.size(), '0') + digits;
}

struct Fixture {
  Fixture() {
    engine = RocksEngine::open(temp / "engine", {}).value();
    auto batch = engine->batch();
    for (uint64_t i = 0; i < kKeys; ++i) {
      batch->put(key(i), std::string(60, static_cast<char>('a' + i % 26)));
      if (i % 256 == 255) write(*batch);
    }
    write(*batch);
    check(engine->flush().has_value() && engine->compact("", "").has_value());
  }
  void write(Batch& batch) const {
    check(engine->write(batch).has_value());
    batch.clear();
  }

  TempDir temp;
  std::unique_ptr<Engine> engine;
};

Fixture& filled() {
  static Fixture fixture;
  return fixture;
}

void put_batches(benchmark::State& state) {
  TempDir temp;
  auto engine = RocksEngine::open(temp / "engine", {}).value();
  auto batch = engine->batch();
  std::string value(60, 'v');
  uint64_t i = 0;
  for (auto _ : state) {
    for (int64_t n = 0; n < state.range(0); ++n) batch->put(key(i++), value);
    check(engine->write(*batch).has_value());
    batch->clear();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void get_present(benchmark::State& state) {
  auto snapshot = filled().engine->snapshot();
  std::string value;
  uint64_t i = 0;
  for (auto _ : state) check(snapshot->get(key(i++ * 7919 % kKeys), value).value());
}

void get_absent(benchmark::State& state) {
  auto snapshot = filled().engine->snapshot();
  std::string value;
  uint64_t i = kKeys;
  for (auto _ : state) check(!snapshot->get(key(i++), value).value());
}

void multi_get_64(benchmark::State& state) {
  auto snapshot = filled().engine->snapshot();
  std::vector<std::string> keys(64);
  std::vector<std::string_view> views(64);
  std::vector<std::optional<std::string>> values;
  uint64_t i = 0;
  for (auto _ : state) {
    for (size_t n = 0; n < 64; ++n) views[n] = keys[n] = key(i++ * 7919 % kKeys);
    check(snapshot->multi_get(views, values).has_value());
  }
}

void scan_100(benchmark::State& state) {
  auto snapshot = filled().engine->snapshot();
  uint64_t i = 0;
  for (auto _ : state) {
    auto entries = snapshot->iterate("k", "l");
    entries->seek(key(i++ * 7919 % kKeys));
    for (int n = 0; n < 100 && entries->valid(); ++n) entries->next();
  }
}

void snapshot_again(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(filled().engine->snapshot());
}

void write_one_and_snapshot(benchmark::State& state) {
  TempDir temp;
  auto engine = RocksEngine::open(temp / "engine", {}).value();
  auto batch = engine->batch();
  for (auto _ : state) {
    batch->put("key", "value");
    check(engine->write(*batch).has_value());
    batch->clear();
    benchmark::DoNotOptimize(engine->snapshot());
  }
}

void bytes_per_entry(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(filled().engine->stats());
  state.counters["disk"] = static_cast<double>(filled().engine->stats().live_bytes) / kKeys;
}

BENCHMARK(put_batches)->Arg(1)->Arg(64)->Arg(256);
BENCHMARK(get_present);
BENCHMARK(get_absent);
BENCHMARK(multi_get_64);
BENCHMARK(scan_100);
BENCHMARK(snapshot_again);
BENCHMARK(write_one_and_snapshot);
BENCHMARK(bytes_per_entry);

}  // namespace
}  // namespace nokv::engine
