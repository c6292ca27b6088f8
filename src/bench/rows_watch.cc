// Events: how soon after the acknowledgement, and how many to how many.
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bench/floor.h"
#include "bench/rows.h"
#include "client/wait.h"

namespace nokv::bench {
namespace {

constexpr size_t kBatch = 256;
constexpr int kBatchesAtOnce = 4;
constexpr size_t kBatchLogBytes = kBatch * 150;
constexpr int kWatchers = 10;
constexpr Duration kPollWait = std::chrono::milliseconds(200);

// Events that came to one watch, and when the last of them did. Thread-safe.
class Heard {
 public:
  explicit Heard(const Clock& clock) : clock_(clock) {}

  void add(size_t events) {
    {
      std::lock_guard lock(mutex_);
      events_ += events;
      last_ = clock_.now();
    }
    changed_.notify_all();
  }
  // The last poll was answered, and there will be no other: with an error, or as it was asked to.
  void end(std::optional<Error> error) {
    std::lock_guard lock(mutex_);
    error_ = std::move(error);
    asking_ = false;
    changed_.notify_all();
  }
  bool begin() {
    std::lock_guard lock(mutex_);
    return asking_ = !stopping_;
  }
  void ask_to_end() {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !asking_; });
  }
  // When event number `count` had come. Errors: of the watch, unavailable when it does not come.
  Result<Clock::Instant> wait_for(uint64_t count) {
    std::unique_lock lock(mutex_);
    bool came = changed_.wait_for(lock, std::chrono::seconds(10),
                                  [&] { return error_ || events_ >= count; });
    if (error_) return std::unexpected(*error_);
    if (!came) return nokv::fail(Code::unavailable, "event ", count, " does not come");
    return last_;
  }

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t events_ = 0;
  Clock::Instant last_{};
  std::optional<Error> error_;
  bool asking_ = false;
  bool stopping_ = false;
};

// One watch on a connection of its own, that asks on as soon as it was told.
class Listener {
 public:
  Listener(const Clock& clock, std::unique_ptr<Peer> peer, std::string path)
      : heard_(clock), peer_(std::move(peer)), path_(std::move(path)) {}
  ~Listener() {
    ask_to_end();
    heard_.wait_for_end();
  }
  // The destructor waits until it has: many end sooner when all are asked first.
  void ask_to_end() { heard_.ask_to_end(); }

  // From when it returns nothing is missed. Blocks. Errors: those of the watch.
  Result<> begin() {
    client::Wait<codec::WatchReply> first;
    peer_->ask<codec::WatchReply>(codec::Method::watch, codec::WatchRequest{.path = path_},
                                  first.done());
    NOKV_ASSIGN(auto reply, first.wait());
    ask(std::move(reply.cursor));
    return {};
  }
  Heard& heard() { return heard_; }

 private:
  void ask(std::string cursor) {
    if (!heard_.begin()) return heard_.end(std::nullopt);
    codec::WatchRequest request{.path = path_, .since = std::move(cursor)};
    request.wait_ns = Duration(kPollWait).count();
    peer_->ask<codec::WatchReply>(codec::Method::watch, request,
                                  [this](Result<codec::WatchReply> reply) {
                                    if (!reply) return heard_.end(std::move(reply).error());
                                    if (!reply->events.empty()) heard_.add(reply->events.size());
                                    ask(std::move(reply->cursor));
                                  });
  }

  Heard heard_;
  std::unique_ptr<Peer> peer_;
  const std::string path_;
};

}  // namespace

Result<> watch_delivery(Scene& scene, Row& row, uint64_t) {
  row.unit = "us";
  row.boundary = scene.boundary("rpc");
  row.durability = "durable";
  NOKV_ASSIGN(std::string where, scene.directory(row.row));
  auto writer = scene.peer();
  Listener listener(scene.clock(), scene.peer(), where);
  NOKV_TRY(listener.begin());
  uint64_t created = 0;
  auto once = [&](Duration time) -> Result<Run> {
    Run run;
    Clock::Instant end = scene.clock().now() + time;
    while (scene.clock().now() < end) {
      if (scene.options().stop.stop_requested()) return fail(Code::cancelled, "interrupted");
      client::Wait<> acknowledged;
      Clock::Instant acknowledged_at{};
      writer->commit(empty_file(str(where, "/", file_name(created))), codec::Durability::durable,
                     [&, done = acknowledged.done()](Result<> result) mutable {
                       acknowledged_at = scene.clock().now();
                       done(std::move(result));
                     });
      NOKV_TRY(acknowledged.wait());
      NOKV_ASSIGN(Clock::Instant told, listener.heard().wait_for(++created));
      // It may come first.
      run.latencies_us.push_back(std::max(0.0, to_us(told - acknowledged_at)));
    }
    run.value = median(run.latencies_us);
    return run;
  };
  return scene.measure(row, [&] { return scene.echo(kEchoReplyBytes); }, once);
}

Result<> watch_10(Scene& scene, Row& row, uint64_t) {
  row.unit = "event/s";
  row.boundary = scene.boundary("rpc");
  row.durability = "durable";
  row.concurrency = kWatchers;
  NOKV_ASSIGN(std::string where, scene.directory(row.row));
  auto writer = scene.peer();
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < kWatchers; ++i) {
    listeners.push_back(std::make_unique<Listener>(scene.clock(), scene.peer(), where));
    NOKV_TRY(listeners.back()->begin());
  }
  uint64_t batches = 0;  // whose names are used up
  uint64_t acknowledged = 0;
  auto once = [&](Duration time) -> Result<Run> {
    uint64_t first = batches;
    Clock::Instant began = scene.clock().now();
    LoadOptions options{.lanes = kBatchesAtOnce, .time = time, .stop = scene.options().stop};
    NOKV_ASSIGN(
        Load load, run_load(scene.clock(), options, [&](int, uint64_t number, LoadDone done) {
          std::vector<codec::OperationBox> operations;
          operations.reserve(kBatch);
          for (size_t i = 0; i < kBatch; ++i) {
            operations.push_back(
                {empty_file(str(where, "/", file_name((first + number) * kBatch + i)))});
          }
          writer->commit(std::move(operations), codec::Durability::durable,
                         [done = std::move(done)](Result<codec::CommitReply> reply) mutable {
                           if (!reply) return done(std::unexpected(std::move(reply).error()));
                           done({});
                         });
        }));
    acknowledged += load.operations;
    batches += load.numbers;
    Clock::Instant last = began;
    for (auto& listener : listeners) {
      NOKV_ASSIGN(Clock::Instant at, listener->heard().wait_for(acknowledged * kBatch));
      last = std::max(last, at);
    }
    double value = static_cast<double>(load.operations * kBatch) / to_s(last - began);
    return Run{value, std::move(load.latencies_us)};
  };
  auto floor = [&]() -> Result<Floor> {
    NOKV_ASSIGN(Floor disk, scene.sync(kBatchLogBytes));
    return Floor{str(kBatch, "/", disk.row), 1e6 * kBatch / disk.value, "event/s"};
  };
  Result<> measured = scene.measure(row, floor, once);
  for (auto& listener : listeners) listener->ask_to_end();
  return measured;
}

}  // namespace nokv::bench
