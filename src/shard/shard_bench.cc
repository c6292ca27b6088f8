// A shard on a real disk, asked in this process: what planning, the log and the engine cost
// without a network. Requests are encoded and decoded as they would be on the wire.
#include <algorithm>
#include <atomic>
#include <latch>
#include <semaphore>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "engine/rocks_engine.h"
#include "log/local_log.h"
#include "object/memory_store.h"
#include "shard/service.h"

namespace nokv::shard {
namespace {

// A fresh namespace in a temporary directory.
class Fixture {
 public:
  Fixture() {
    engine_ = engine::RocksEngine::open(temp_ / "engine", {}).value();
    log_ = log::LocalLog::open(env_, temp_ / "log", {}).value();
    shard_ = Shard::open(env_, *engine_, *log_, events_, {}).value();
    background_ = std::make_unique<Background>(env_, *shard_, *engine_, *log_, store_, events_,
                                               BackgroundOptions());
    service_ = std::make_unique<Service>(env_, *shard_, *background_, store_, ServiceOptions());
    call(codec::Method::init, codec::encoded(codec::InitRequest()));
    commit({mkdir("/d")});
  }
  ~Fixture() {
    std::latch stopped(1);
    shard_->stop([&] { stopped.count_down(); });
    stopped.wait();
    background_.reset();
    service_.reset();
    shard_.reset();
  }

  static codec::Operation mkdir(std::string path) {
    codec::Mkdir op;
    op.target.path = std::move(path);
    op.mode = 0755;
    return op;
  }

  static codec::Operation create(uint64_t number) {
    codec::Publish op;
    op.target.path = str("/d/file-", number);
    op.mode = 0644;
    op.exists = codec::Exists::create;
    return op;
  }

  static std::string request(std::vector<codec::Operation> operations) {
    codec::CommitRequest request;
    for (auto& op : operations) request.operations.push_back({std::move(op)});
    return codec::encoded(request);
  }

  void begin(codec::Method method, std::string_view body, Service::Done done) {
    service_->call(method, body, {"bench", env_.clock.now() + std::chrono::minutes(1)},
                   std::move(done));
  }

  std::string call(codec::Method method, std::string_view body) {
    std::binary_semaphore came(0);
    std::string out;
    begin(method, body, [&](Result<std::string> answer) {
      check(answer.has_value(), answer ? "" : answer.error().message());
      out = *std::move(answer);
      came.release();
    });
    came.acquire();
    return out;
  }

  void commit(std::vector<codec::Operation> operations) {
    call(codec::Method::commit, request(std::move(operations)));
  }

 private:
  TempDir temp_;
  PosixEnv posix_;
  Env env_ = posix_.env();
  NoEvents events_;
  std::unique_ptr<Executor> store_executor_ = env_.executors.serial("store");
  object::MemoryStore store_{*store_executor_, env_.clock};
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<log::LogStore> log_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<Background> background_;
  std::unique_ptr<Service> service_;
};

// range(0) creates in one transaction, range(1) transactions under way at once; with range(2)
// all directories have a quota.
void durable_creates(benchmark::State& state) {
  Fixture fixture;
  for (std::string path : {"/", "/d"}) {
    if (state.range(2) != 0) fixture.commit({codec::SetQuota{{path, {}}, UINT64_MAX, UINT64_MAX}});
  }
  auto at_once = static_cast<ptrdiff_t>(state.range(1));
  std::counting_semaphore<> free(at_once);
  uint64_t number = 0;
  for (auto _ : state) {
    std::vector<codec::Operation> operations;
    for (int64_t i = 0; i < state.range(0); ++i) operations.push_back(Fixture::create(++number));
    std::string request = Fixture::request(std::move(operations));
    free.acquire();
    fixture.begin(codec::Method::commit, request, [&](Result<std::string> answer) {
      check(answer.has_value(), answer ? "" : answer.error().message());
      free.release();
    });
  }
  for (ptrdiff_t i = 0; i < at_once; ++i) free.acquire();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(durable_creates)
    ->Args({1, 1, 0})
    ->Args({1, 16, 0})
    ->Args({1, 256, 0})
    ->Args({1, 256, 1})
    ->Args({256, 1, 0})
    ->Args({256, 4, 0})
    ->UseRealTime();

// One after another, beside range(0) others.
void durable_clones(benchmark::State& state) {
  Fixture fixture;
  fixture.commit({Fixture::mkdir("/all"), Fixture::create(1)});
  int64_t number = 0;
  auto clone = [&] {
    fixture.commit({codec::Clone{{"/d", {}}, {}, {str("/all/", ++number), {}}}});
  };
  while (number < state.range(0)) clone();
  for (auto _ : state) clone();
}
BENCHMARK(durable_clones)->Arg(10)->Arg(1000)->Arg(10'000)->Arg(100'000)->UseRealTime();

void stat(benchmark::State& state) {
  Fixture fixture;
  fixture.commit({Fixture::mkdir("/a"), Fixture::mkdir("/a/b"), Fixture::mkdir("/a/b/c"),
                  Fixture::mkdir("/a/b/c/d")});
  std::string request = codec::encoded(codec::StatRequest{{{"/a/b/c/d", {}}}, {}});
  for (auto _ : state) {
    fixture.begin(codec::Method::stat, request,
                  [](Result<std::string> answer) { benchmark::DoNotOptimize(answer); });
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(stat);

void list(benchmark::State& state) {
  Fixture fixture;
  for (int64_t made = 0; made < state.range(0); made += 250) {
    std::vector<codec::Operation> operations;
    for (int64_t i = 0; i < 250; ++i) {
      operations.push_back(Fixture::create(static_cast<uint64_t>(made + i)));
    }
    fixture.commit(std::move(operations));
  }
  std::string request = codec::encoded(codec::ListRequest{{"/d", {}}, {}, {}, 1000});
  for (auto _ : state) benchmark::DoNotOptimize(fixture.call(codec::Method::list, request));
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(list)->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace nokv::shard
