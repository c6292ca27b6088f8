// Bodies: small ones that travel inside requests, large ones in objects, samples of a data set.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bench/floor.h"
#include "bench/raw_blocks.h"
#include "bench/rows.h"

namespace nokv::bench {
namespace {

using SharedBytes = std::shared_ptr<const std::string>;

constexpr size_t kSmallBytes = 4 << 10;
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kLargeBytes = 64 * kMiB;
constexpr int kAtOnce = 16;
constexpr uint64_t kSampleBytes = 16 << 10;
constexpr size_t kSamplesAtOnce = 256;

// Bytes that no filesystem or store can make smaller.
SharedBytes random_bytes(const Env& env, size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = env.random.next() | 1;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    for (size_t b = 0; b < 8; ++b) bytes[i + b] = static_cast<char>(state >> (8 * b));
  }
  return std::make_shared<const std::string>(std::move(bytes));
}

class SharedSource final : public client::Source {
 public:
  explicit SharedSource(SharedBytes bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read(std::span<char> buffer) override {
    size_t count = bytes_->copy(buffer.data(), buffer.size(), at_);
    at_ += count;
    return count;
  }

 private:
  SharedBytes bytes_;
  size_t at_ = 0;
};

class NullSink final : public client::Sink {
 public:
  Result<> write(std::string_view) override { return {}; }
};

Result<> put_file(Scene& scene, const std::string& path, const SharedBytes& bytes) {
  SharedSource source(bytes);
  NOKV_TRY(scene.client().put({.target = {.path = path}, .mode = 0644}, source,
                              {.size = bytes->size()}, scene.write()));
  return {};
}

double mib_per_s(uint64_t bytes, Duration elapsed) {
  return static_cast<double>(bytes) / static_cast<double>(kMiB) / to_s(elapsed);
}

// ---- small files

// Calls the blocking `once` again and again. Also says how many requests each took.
Result<> blocking_calls(Scene& scene, Row& row, const Scene::FloorOf& floor,
                        const std::function<Result<>(uint64_t)>& once) {
  uint64_t number = 0;
  uint64_t objects_before = scene.object_requests();
  uint64_t requests_before = scene.client().counters().requests;
  auto measured = scene.measure(row, floor, [&](Duration time) -> Result<Run> {
    std::vector<double> latencies;
    for (auto end = scene.clock().now() + time; scene.clock().now() < end;) {
      auto began = scene.clock().now();
      NOKV_TRY(once(number++));
      latencies.push_back(to_us(scene.clock().now() - began));
    }
    double middle = median(latencies);
    return Run{middle, std::move(latencies)};
  });
  NOKV_TRY(measured);
  row.requests = static_cast<double>(scene.client().counters().requests - requests_before) /
                 static_cast<double>(number);
  row.object_requests = scene.object_requests() - objects_before;
  return {};
}

// ---- large files

struct Shape {
  uint64_t file_bytes = 0;
  uint64_t files = 0;  // in one run
  uint64_t object_bytes() const { return std::min(file_bytes, codec::kBlockBytes); }
  uint64_t bytes() const { return file_bytes * files; }
};

// Plain PUTs of the same bytes, as many at once as the client has.
Result<Floor> raw_puts(Scene& scene, const Shape& shape) {
  uint64_t count = shape.bytes() / shape.object_bytes();
  NOKV_ASSIGN(auto raw, RawBlocks::for_writing(scene, count, shape.object_bytes()));
  SharedBytes bytes = random_bytes(scene.env(), shape.object_bytes());
  LoadOptions load{.lanes = kAtOnce,
                   .time = std::chrono::minutes(5),
                   .count = count,
                   .stop = scene.options().stop};
  NOKV_ASSIGN(Load done, run_load(scene.clock(), load, [&](int, uint64_t i, LoadDone put) {
                raw->put(i, bytes, std::move(put));
              }));
  return Floor{"raw_put", mib_per_s(shape.bytes(), done.elapsed), "MiB/s"};
}

Result<Run> publish_run(Scene& scene, const Shape& shape, const SharedBytes& bytes) {
  NOKV_ASSIGN(std::string where, scene.directory("publish"));
  auto pool = scene.env().executors.pool("nokv-put", kAtOnce);
  LoadOptions load{.lanes = static_cast<int>(std::min<uint64_t>(kAtOnce, shape.files)),
                   .time = std::chrono::minutes(5),
                   .count = shape.files,
                   .stop = scene.options().stop};
  NOKV_ASSIGN(Load done, run_load(scene.clock(), load, [&](int, uint64_t i, LoadDone put) {
                pool->post([&scene, &where, &bytes, i, put = std::move(put)]() mutable {
                  put(put_file(scene, str(where, "/", file_name(i)), bytes));
                });
              }));
  return Run{mib_per_s(shape.bytes(), done.elapsed), std::move(done.latencies_us)};
}

// The floor and the row take turns: what else the disk does strikes both alike.
Result<> publish(Scene& scene, Row& row, const Shape& shape) {
  row.unit = "MiB/s";
  row.boundary = scene.boundary("sdk");
  row.durability = "durable";
  row.concurrency = static_cast<int>(std::min<uint64_t>(kAtOnce, shape.files));
  SharedBytes bytes = random_bytes(scene.env(), shape.file_bytes);
  uint64_t before = scene.object_requests();
  std::vector<Run> runs;
  std::vector<double> floors;
  Floor floor;
  for (int i = 0; i < scene.runs(); ++i) {
    NOKV_ASSIGN(floor, raw_puts(scene, shape));
    floors.push_back(floor.value);
    NOKV_ASSIGN(Run run, publish_run(scene, shape, bytes));
    runs.push_back(std::move(run));
  }
  floor.value = median(std::move(floors));
  row.floor = floor;
  row.object_requests = scene.object_requests() - before;
  row.take(runs);
  return {};
}

// A file of kLargeBytes, made once for all rows that read it.
Result<std::string> large_file(Scene& scene) {
  std::string path = scene.path("large");
  if (scene.client().stat({.path = path}, {.call = scene.call()})) return path;
  NOKV_TRY(put_file(scene, path, random_bytes(scene.env(), kLargeBytes)));
  return path;
}

// Plain GETs of all the objects of the file, as many at once as the client has.
Result<Duration> raw_gets(Scene& scene, RawBlocks& raw) {
  LoadOptions load{.lanes = kAtOnce,
                   .time = std::chrono::minutes(5),
                   .count = raw.size(),
                   .stop = scene.options().stop};
  NOKV_ASSIGN(Load done, run_load(scene.clock(), load, [&](int, uint64_t i, LoadDone got) {
                raw.get(i, std::move(got));
              }));
  return done.elapsed;
}

// ---- samples

std::vector<client::Reader::Range> some_samples(const Env& env) {
  std::vector<client::Reader::Range> ranges;
  for (size_t i = 0; i < kSamplesAtOnce; ++i) {
    ranges.push_back({env.random.below(kLargeBytes / kSampleBytes) * kSampleBytes, kSampleBytes});
  }
  return ranges;
}

Result<> read_samples(client::Reader& reader, const std::vector<client::Reader::Range>& ranges) {
  for (auto& sample : reader.read_many(ranges)) {
    if (!sample) return std::unexpected(std::move(sample).error());
    if (sample->size() != kSampleBytes) return fail(Code::data_loss, "a short sample");
  }
  return {};
}

// Batches until `time` has passed, each read by what `next_reader` gives.
using Readers = std::function<Result<client::Reader*>()>;
Result<Run> sample_run(Scene& scene, const Readers& next_reader, Duration time) {
  std::vector<double> latencies;
  Duration reading{};
  auto began = scene.clock().now();
  do {
    auto ranges = some_samples(scene.env());
    NOKV_ASSIGN(client::Reader * reader, next_reader());
    auto one = scene.clock().now();
    NOKV_TRY(read_samples(*reader, ranges));
    Duration took = scene.clock().now() - one;
    latencies.push_back(to_us(took));
    reading += took;
  } while (scene.clock().now() - began < time);
  auto samples = static_cast<double>(latencies.size() * kSamplesAtOnce);
  return Run{samples / to_s(reading), std::move(latencies)};
}

// A client, and the large file opened by it.
struct OpenFile {
  std::unique_ptr<Client> client;
  std::unique_ptr<client::Reader> reader;
};

Result<OpenFile> open_large(Scene& scene) {
  NOKV_ASSIGN(std::string path, large_file(scene));
  OpenFile open{scene.fresh_client({.cache_bytes_max = 2 * kLargeBytes}), nullptr};
  NOKV_ASSIGN(open.reader,
              open.client->open_read({.target = {.path = path}, .call = scene.call()}));
  return open;
}

void sample_row(Scene& scene, Row& row, std::string_view cache) {
  row.unit = "samples/s";
  row.boundary = scene.boundary("sdk");
  row.durability = "none";
  row.cache = cache;
}

}  // namespace

Result<> put_small(Scene& scene, Row& row, uint64_t) {
  row.unit = "us";
  row.boundary = scene.boundary("sdk");
  row.durability = "durable";
  NOKV_ASSIGN(std::string where, scene.directory("small"));
  SharedBytes bytes = random_bytes(scene.env(), kSmallBytes);
  auto floor = [&] { return scene.echo_and_sync(); };
  return blocking_calls(scene, row, floor, [&](uint64_t number) {
    return put_file(scene, str(where, "/", file_name(number)), bytes);
  });
}

Result<> get_small(Scene& scene, Row& row, uint64_t) {
  row.unit = "us";
  row.boundary = scene.boundary("sdk");
  row.durability = "none";
  row.cache = "warm";
  NOKV_ASSIGN(std::string where, scene.directory("small"));
  SharedBytes bytes = random_bytes(scene.env(), kSmallBytes);
  constexpr uint64_t kFiles = 64;
  for (uint64_t i = 0; i < kFiles; ++i) {
    NOKV_TRY(put_file(scene, str(where, "/", file_name(i)), bytes));
  }
  auto floor = [&] { return scene.echo(kSmallBytes); };
  return blocking_calls(scene, row, floor, [&](uint64_t number) -> Result<> {
    NOKV_ASSIGN(
        std::string got,
        scene.client().read(
            {.target = {.path = str(where, "/", file_name(number % kFiles))}, .call = scene.call()},
            kSmallBytes));
    if (got != *bytes) return fail(Code::data_loss, "other bytes than were written");
    return {};
  });
}

Result<> publish_1m(Scene& scene, Row& row, uint64_t) {
  return publish(scene, row, {kMiB, scene.options().quick ? 64U : 256U});
}

Result<> publish_64m(Scene& scene, Row& row, uint64_t) {
  return publish(scene, row, {kLargeBytes, scene.options().quick ? 4U : 16U});
}

Result<> read_64m(Scene& scene, Row& row, uint64_t) {
  row.unit = "MiB/s";
  row.boundary = scene.boundary("sdk");
  row.durability = "none";
  row.cache = "cold";
  NOKV_ASSIGN(std::string path, large_file(scene));
  NOKV_ASSIGN(auto raw, RawBlocks::of_file(scene, path));
  auto client = scene.fresh_client({.cache_bytes_max = 0});
  std::vector<Run> runs;
  std::vector<double> floors;
  const int times = scene.options().quick ? 3 : 9;  // each is short
  for (int i = 0; i <= times; ++i) {
    NOKV_ASSIGN(Duration plain, raw_gets(scene, *raw));
    NullSink sink;
    auto began = scene.clock().now();
    // Blocks are checked, as those of the floor are not; the digest of the whole is left out.
    NOKV_ASSIGN(
        auto reader,
        client->open_read({.target = {.path = path}, .check_digest = false, .call = scene.call()}));
    NOKV_TRY(reader->copy_to(sink));
    Duration took = scene.clock().now() - began;
    if (i == 0) continue;  // to warm up both
    floors.push_back(mib_per_s(kLargeBytes, plain));
    runs.push_back({mib_per_s(kLargeBytes, took), {to_us(took)}});
  }
  row.floor = Floor{"raw_get", median(std::move(floors)), "MiB/s"};
  row.object_requests = client->counters().blocks_fetched;
  row.take(runs);
  return {};
}

Result<> samples_cold(Scene& scene, Row& row, uint64_t) {
  sample_row(scene, row, "cold");
  OpenFile open;
  uint64_t fetched = 0;
  NOKV_ASSIGN(std::string path, large_file(scene));
  NOKV_ASSIGN(auto raw, RawBlocks::of_file(scene, path));
  NOKV_TRY(raw_gets(scene, *raw));  // to warm it up
  // A batch touches each of the file's objects once, or nearly.
  auto floor = [&]() -> Result<Floor> {
    NOKV_ASSIGN(Duration took, raw_gets(scene, *raw));
    return Floor{"raw_get_of_their_objects", static_cast<double>(kSamplesAtOnce) / to_s(took),
                 "samples/s"};
  };
  auto measured = scene.measure(row, floor, [&](Duration time) {
    // A client that has read nothing, for each batch.
    Readers fresh = [&]() -> Result<client::Reader*> {
      if (open.client) fetched += open.client->counters().blocks_fetched;
      open.reader.reset();
      NOKV_ASSIGN(open, open_large(scene));
      return open.reader.get();
    };
    return sample_run(scene, fresh, time);
  });
  NOKV_TRY(measured);
  row.object_requests = fetched + open.client->counters().blocks_fetched;
  return {};
}

Result<> samples_warm(Scene& scene, Row& row, uint64_t) {
  sample_row(scene, row, "warm");
  NOKV_ASSIGN(OpenFile open, open_large(scene));
  NOKV_TRY(open.reader->copy_to(*std::make_unique<NullSink>()));
  uint64_t before = open.client->counters().blocks_fetched;
  auto floor = [&]() -> Result<Floor> {
    Run copies = copy_run(scene.clock(), kLargeBytes, kSampleBytes, scene.time() / 4);
    return Floor{"copy_16k", copies.value, "samples/s"};
  };
  NOKV_TRY(scene.measure(row, floor, [&](Duration time) {
    return sample_run(scene, [&]() -> Result<client::Reader*> { return open.reader.get(); }, time);
  }));
  row.object_requests = open.client->counters().blocks_fetched - before;
  return {};
}

}  // namespace nokv::bench
