// Objects of 1 and 4 MiB through LocalStore, next to open, write, fdatasync and rename by as many
// threads, and to open and read.

#include <benchmark/benchmark.h>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_files.h"
#include "base/posix/posix_random.h"
#include "base/posix/testing/temp_dir.h"
#include "object/local_store.h"
#include "object/waiter.h"

namespace nokv::object {
namespace {

constexpr int kThreads = 16;
constexpr size_t kObjects = 64;

struct Setup {
  TempDir dir;
  PosixClock clock;
  PosixFiles files;
  PosixRandom random;
  PosixExecutors executors;
  std::unique_ptr<Executor> pool = executors.pool("objects", kThreads);
  std::unique_ptr<LocalStore> store =
      LocalStore::open(files, *pool, clock, random, {.root = dir / "objects"}).value();

  Clock::Instant soon() { return clock.now() + std::chrono::seconds(60); }
};

Setup& setup() {
  static Setup the;
  return the;
}

void run(benchmark::State& state, auto&& start) {
  setup();
  auto size = static_cast<size_t>(state.range(0));
  auto body = std::make_shared<const std::string>(size, 'x');
  for (auto _ : state) {
    std::vector<decltype(start(size_t{0}, body))> waiters;
    for (size_t i = 0; i < kObjects; ++i) waiters.push_back(start(i, body));
    for (auto& waiter : waiters) {
      if (!waiter.wait()) state.SkipWithError("a call failed");
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kObjects * size));
}

template <class T>
Waiter<T> on_pool(std::function<Result<T>()> work) {
  Waiter<T> waiter;
  setup().pool->post([work = std::move(work), done = waiter.done()]() mutable { done(work()); });
  return waiter;
}

using Body = std::shared_ptr<const std::string>;

void put_raw(benchmark::State& state) {
  run(state, [](size_t i, const Body& body) {
    return on_pool<void>([i, body]() -> Result<> {
      std::string path = setup().dir / str("raw", i);
      NOKV_ASSIGN(auto file, setup().files.open(path + ".new", OpenMode::create_new));
      NOKV_TRY(file->write_at(0, *body));
      NOKV_TRY(file->sync());
      return setup().files.rename(path + ".new", path);
    });
  });
}

void put_store(benchmark::State& state) {
  run(state, [](size_t i, const Body& body) {
    Waiter<> waiter;
    setup().store->put(str("d/k", i), body, {}, setup().soon(), waiter.done());
    return waiter;
  });
}

void get_raw(benchmark::State& state) {
  run(state, [](size_t i, const Body& body) {
    return on_pool<std::string>([i, size = body->size()]() -> Result<std::string> {
      NOKV_ASSIGN(auto file, setup().files.open(setup().dir / str("raw", i), OpenMode::read));
      return file->read_at(0, size);
    });
  });
}

void get_store(benchmark::State& state) {
  run(state, [](size_t i, const Body& body) {
    Waiter<std::string> waiter;
    setup().store->get(str("d/k", i), Range{0, body->size()}, setup().soon(), waiter.done());
    return waiter;
  });
}

void sizes(benchmark::internal::Benchmark* row) {
  row->UseRealTime()->Unit(benchmark::kMillisecond)->Arg(1 << 20)->Arg(4 << 20);
}
BENCHMARK(put_raw)->Apply(sizes);
BENCHMARK(put_store)->Apply(sizes);
BENCHMARK(get_raw)->Apply(sizes);
BENCHMARK(get_store)->Apply(sizes);

}  // namespace
}  // namespace nokv::object
