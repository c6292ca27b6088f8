#include "bench/objects.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "base/posix/process.h"
#include "bench/floor.h"
#include "bench/load.h"
#include "object/waiter.h"

namespace nokv::bench {
namespace {

constexpr double kMiB = 1 << 20;
constexpr size_t kObjectsMax = 4096;           // of one size: what is left for the deletions
constexpr uint64_t kStoredMax = 512ULL << 20;  // bytes in the store at a time

class ObjectBench {
 public:
  ObjectBench(const Env& env, object::ObjectStore& store, const ObjectBenchOptions& options,
              const BenchListener& listener)
      : env_(env), store_(store), options_(options), listener_(listener) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (int i = 0; i < 8; ++i) prefix_ += kDigits[env_.random.below(16)];
  }

  Result<BenchSummary> run() {
    summary_.directory = prefix_;
    all_ = options_.sizes.size() * (2 * options_.at_once.size() + 1);
    Result<> first = try_one();
    if (first) {
      for (uint64_t size : options_.sizes) measure_size(size);
    }
    remove_all();
    NOKV_TRY(first);
    if (options_.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
    return summary_;
  }

 private:
  Duration time() const { return std::chrono::milliseconds(options_.quick ? 300 : 1500); }
  int runs() const { return options_.quick ? 1 : 3; }
  Clock::Instant deadline() const { return env_.clock.now() + options_.deadline; }
  std::string key(uint64_t number) const { return str(prefix_, "/", size_, "/", number); }

  // A store that does not work is told before anything is measured.
  Result<> try_one() {
    object::Waiter<> put;
    size_ = 1;
    count_ = 1;
    store_.put(key(0), std::make_shared<const std::string>("x"), {}, deadline(), put.done());
    return put.wait();
  }

  void measure_size(uint64_t size) {
    remove_all();
    size_ = size;
    body_ = std::make_shared<const std::string>(size, 'x');
    for (int lanes : options_.at_once) {
      row("put", lanes, [&](uint64_t number, LoadDone done) {
        store_.put(key(number), body_, {}, deadline(), std::move(done));
      });
    }
    for (int lanes : options_.at_once) {
      row("get", lanes, [&](uint64_t number, LoadDone done) {
        store_.get(key(number % std::max<uint64_t>(readable_, 1)), std::nullopt, deadline(),
                   [done = std::move(done), size](Result<std::string> got) mutable {
                     if (!got) return done(std::unexpected(std::move(got).error()));
                     if (got->size() != size) return done(fail(Code::data_loss, "a short object"));
                     done({});
                   });
      });
    }
    delete_row(count_);
  }

  Row begin(std::string name, int lanes) {
    listener_.begins(name, summary_.measured + summary_.failed, all_);
    Row row;
    row.row = std::move(name);
    row.unit = size_ >= 1 << 20 ? "MiB/s" : "op/s";
    row.boundary = "object store";
    row.durability = "none";
    row.cache = "none";
    row.concurrency = lanes;
    return row;
  }

  void end(Row row, const Result<>& measured) {
    if (options_.stop.stop_requested()) return;
    if (!measured) {
      row.value.reset();
      row.error = measured.error().message();
    }
    row.peak_memory = peak_rss_bytes();
    ++(row.value ? summary_.measured : summary_.failed);
    listener_.measured(row);
  }

  // What one operation is in the row's unit.
  double unit_of_one() const { return size_ >= 1 << 20 ? static_cast<double>(size_) / kMiB : 1.0; }

  void row(std::string_view verb, int lanes,
           const std::function<void(uint64_t, LoadDone)>& request) {
    if (options_.stop.stop_requested()) return;
    Row row = begin(str(verb, "_", size_name(size_), "_", lanes), lanes);
    if (verb == "put") row.durability = "durable";
    row.floor = floor_of(verb, row.unit);
    // The newest puts overwrite nothing: a store may take longer for that.
    uint64_t first = verb == "put" ? count_ : 0;
    uint64_t most = verb == "put" ? puts_left() : UINT64_MAX;
    std::vector<Run> all;
    Result<> measured;
    for (int i = 0; i < runs() && measured; ++i) {
      LoadOptions load{.lanes = lanes,
                       .time = time(),
                       .count = std::max<uint64_t>(most / static_cast<uint64_t>(runs()), 1),
                       .stop = options_.stop};
      auto done = run_load(env_.clock, load, [&](int, uint64_t number, LoadDone finished) {
        request(first + number, std::move(finished));
      });
      if (!done) {
        measured = std::unexpected(std::move(done).error());
        if (verb == "put") first += load.count;  // how far it came is not told
        break;
      }
      first += done->numbers;
      if (verb == "put" && readable_ == 0) readable_ = readable_after(*done, lanes);
      all.push_back({done->per_second() * unit_of_one(), std::move(done->latencies_us)});
    }
    if (verb == "put") count_ = first;
    if (measured) row.take(all);
    end(std::move(row), measured);
  }

  // What the machine takes for as many bytes: in a directory the disk or the memory, else the wire.
  std::optional<Floor> floor_of(std::string_view verb, const std::string& unit) const {
    std::string directory = store_.shared_directory();
    if (directory.empty()) {
      auto echo = echo_run(env_.clock, size_, time() / 4);
      if (!echo) return std::nullopt;
      return Floor{str("echo_", size_), 1e6 / echo->value * unit_of_one(), unit};
    }
    if (verb == "put") {
      auto sync = sync_run(env_.clock, directory, size_, time() / 4);
      if (!sync) return std::nullopt;
      return Floor{str("fdatasync_", size_), 1e6 / sync->value * unit_of_one(), unit};
    }
    Run copies = copy_run(env_.clock, 2 * kObjectBytesMax, size_, time() / 4);
    return Floor{str("copy_", size_), copies.value * unit_of_one(), unit};
  }

  // Objects that are certainly there: of the last few numbers of a load some were left out.
  static uint64_t readable_after(const Load& load, int lanes) {
    auto last = static_cast<uint64_t>(lanes);
    return load.operations > last ? load.operations - last : 1;
  }

  // So that neither disk nor patience ends: half of the bound for each number at once.
  uint64_t puts_left() const {
    uint64_t bound = std::min<uint64_t>(kObjectsMax, kStoredMax / size_);
    return std::max<uint64_t>(bound / options_.at_once.size(), 16);
  }

  void delete_row(uint64_t there) {
    if (options_.stop.stop_requested()) return;
    Row row = begin(str("delete_", size_name(size_)), 1);
    row.unit = "op/s";
    if (auto echo = echo_run(env_.clock, kEchoReplyBytes, time() / 4)) {
      row.floor = Floor{str("echo_", kEchoReplyBytes), 1e6 / echo->value, "op/s"};
    }
    auto began = env_.clock.now();
    Result<> removed = remove_first(there);
    Duration took = env_.clock.now() - began;
    if (removed) row.take({{static_cast<double>(there) / to_s(took), {to_us(took)}}});
    end(std::move(row), removed);
  }

  Result<> remove_first(uint64_t count) {
    std::vector<std::string> keys;
    for (uint64_t i = 0; i < count; ++i) keys.push_back(key(i));
    object::Waiter<std::vector<object::RemoveFailure>> removed;
    store_.remove(std::move(keys), env_.clock.now() + 3 * options_.deadline, removed.done());
    NOKV_ASSIGN(auto failures, removed.wait());
    if (failures.empty()) return {};
    return std::unexpected(failures.front().error);
  }

  // What is left of the size, also of puts that nobody waited for.
  void remove_all() {
    if (count_ > 0) (void)remove_first(count_);
    count_ = 0;
    readable_ = 0;
  }

  const Env& env_;
  object::ObjectStore& store_;
  const ObjectBenchOptions& options_;
  const BenchListener& listener_;
  std::string prefix_ = "nokv-bench-";
  std::shared_ptr<const std::string> body_;
  uint64_t size_ = 0;
  uint64_t count_ = 0;     // objects of that size that may be there
  uint64_t readable_ = 0;  // and that are
  size_t all_ = 0;
  BenchSummary summary_;
};

}  // namespace

std::string size_name(uint64_t bytes) {
  if (bytes % (1 << 20) == 0 && bytes > 0) return str(bytes >> 20, "m");
  if (bytes % (1 << 10) == 0 && bytes > 0) return str(bytes >> 10, "k");
  return std::to_string(bytes);
}

Result<BenchSummary> run_object_bench(const Env& env, object::ObjectStore& store,
                                      const ObjectBenchOptions& options,
                                      const BenchListener& listener) {
  return ObjectBench(env, store, options, listener).run();
}

}  // namespace nokv::bench
