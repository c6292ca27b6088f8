// PUT and GET of 4 MiB through S3Store, next to the same requests by CurlClient alone.
//
// Against a versitygw that it starts. Read the ratio of the rows, not the rows: the server takes
// most of the machine.

#include <array>
#include <cstdio>
#include <cstdlib>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_random.h"
#include "base/posix/testing/temp_dir.h"
#include "net/curl/curl_client.h"
#include "object/s3/s3_store.h"
#include "object/s3/sigv4.h"
#include "object/waiter.h"

namespace nokv::object {
namespace {

using namespace std::chrono_literals;

constexpr size_t kBody = 4 << 20;
constexpr size_t kParallel = 16;
constexpr size_t kObjects = 32;

std::string script(const std::string& arguments) {
  std::string command = str("\"", NOKV_SOURCE_DIR, "/tools/s3_server.sh\" ", arguments);
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 1024> line{};
  std::string out;
  while (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr)
    out += line.data();
  ::pclose(pipe);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

struct Setup {
  Setup() {
    options.endpoint = script(str("start versitygw '", dir / "s3", "' ", ::getpid()));
    options.bucket = "bench";
    options.parallel_max = kParallel;
    host = options.endpoint.substr(options.endpoint.find("://") + 3);
    request("PUT", "/bench", std::make_shared<const std::string>()).wait().value();
    store = S3Store::create(options, http, fixed_credentials(credentials), clock, random, *timers)
                .value();
  }
  ~Setup() { script(str("stop '", dir / "s3", "'")); }

  Waiter<net::HttpClientResponse> request(const std::string& method, const std::string& path,
                                          std::shared_ptr<const std::string> sent) {
    Waiter<net::HttpClientResponse> waiter;
    SignableRequest signable{method, host, path, {}, {}};
    net::HttpClientRequest out{
        method, options.endpoint + path, {}, std::move(sent), clock.now() + 60s};
    out.headers =
        sign_headers({credentials, "us-east-1", clock.wall()}, signable, kUnsignedPayload);
    http.send(std::move(out), waiter.done());
    return waiter;
  }

  TempDir dir;
  PosixClock clock;
  PosixRandom random;
  PosixExecutors executors;
  std::unique_ptr<Executor> timers = executors.serial("timers");
  Credentials credentials{"testkey", Secret("testsecret123"), Secret(), std::nullopt, "bench"};
  net::CurlClient http{clock, executors, {.connections_max = kParallel}};
  S3Options options;
  std::string host;
  std::unique_ptr<S3Store> store;
  std::shared_ptr<const std::string> body = std::make_shared<const std::string>(kBody, 'x');
};

Setup& setup() {
  static Setup the;
  return the;
}

// Sends kObjects requests at once (the client lets kParallel through) and waits for all.
void run(benchmark::State& state, auto&& start) {
  setup();
  for (auto _ : state) {
    std::vector<decltype(start(size_t{0}))> waiters;
    for (size_t i = 0; i < kObjects; ++i) waiters.push_back(start(i));
    for (auto& waiter : waiters) {
      if (!waiter.wait()) state.SkipWithError("a request failed");
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kObjects * kBody));
}

void put_raw(benchmark::State& state) {
  run(state, [](size_t i) { return setup().request("PUT", str("/bench/k", i), setup().body); });
}
void put_store(benchmark::State& state) {
  run(state, [](size_t i) {
    Waiter<> waiter;
    setup().store->put(str("k", i), setup().body, {}, setup().clock.now() + 60s, waiter.done());
    return waiter;
  });
}
void get_raw(benchmark::State& state) {
  run(state, [](size_t i) { return setup().request("GET", str("/bench/k", i), nullptr); });
}
void get_store(benchmark::State& state) {
  run(state, [](size_t i) {
    Waiter<std::string> waiter;
    setup().store->get(str("k", i), std::nullopt, setup().clock.now() + 60s, waiter.done());
    return waiter;
  });
}

BENCHMARK(put_raw)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(put_store)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(get_raw)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(get_store)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nokv::object
