#include "bench/scene.h"

#include <algorithm>
#include <utility>

#include "bench/floor.h"
#include "client/wait.h"

namespace nokv::bench {
namespace {

constexpr size_t kBatch = 256;
constexpr int kBatchesAtOnce = 4;

uint64_t number_after(std::string_view text, std::string_view name) {
  size_t at = text.find(str("\"", name, "\":"));
  if (at == std::string_view::npos) return 0;
  uint64_t value = 0;
  for (at = text.find(':', at) + 1; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + static_cast<uint64_t>(text[at] - '0');
  }
  return value;
}

}  // namespace

Result<Floor> in_ms(Result<Floor> floor) {
  if (!floor) return floor;
  floor->value /= 1e3;
  floor->unit = "ms";
  return floor;
}

std::string file_name(uint64_t number) {
  std::string digits = std::to_string(number);
  return "f" + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

codec::Publish empty_file(std::string path) {
  return {.target = {.path = std::move(path)}, .exists = codec::Exists::create, .mode = 0644};
}

// ---- peers

Peer::Peer(const Env& env, std::unique_ptr<client::Transport> transport, Duration deadline)
    : clock_(env.clock),
      deadline_(deadline),
      timers_(env.executors.serial("nokv-bench")),
      transport_(std::move(transport)),
      caller_({*transport_, env.clock, env.random, *timers_}),
      session_({*transport_, env.clock, env.random, *timers_}) {}

Peer::~Peer() {
  client::Wait<> closed;
  session_.close(clock_.now() + std::chrono::seconds(1), closed.done());
  (void)closed.wait();
  caller_.stop();
  session_.stop();
  transport_.reset();
}

void Peer::commit(std::vector<codec::OperationBox> operations, codec::Durability durability,
                  client::Done<codec::CommitReply> done) {
  session_.commit({std::move(operations), durability}, clock_.now() + deadline_, std::move(done));
}

void Peer::commit(codec::Operation operation, codec::Durability durability, LoadDone done) {
  std::vector<codec::OperationBox> operations;
  operations.push_back({std::move(operation)});
  commit(std::move(operations), durability,
         [done = std::move(done)](Result<codec::CommitReply> reply) mutable {
           if (!reply) return done(std::unexpected(std::move(reply).error()));
           done({});
         });
}

Result<> Peer::sync() {
  client::Wait<uint64_t> synced;
  session_.sync(clock_.now() + deadline_, synced.done());
  NOKV_TRY(synced.wait());
  return {};
}

// ---- the scene

Scene::Scene(const BenchParts& parts, const BenchOptions& options)
    : parts_(parts), options_(options) {
  client_ = fresh_client({});
}

Scene::~Scene() = default;

Result<> Scene::begin() {
  NOKV_ASSIGN(auto status, client_->status(call()));
  server_directory_ = status.directory;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string tag;
  for (int i = 0; i < 8; ++i) tag += kDigits[parts_.env.random.below(16)];
  std::string parent = options_.path == "/" ? "" : options_.path;
  root_ = str(parent, "/.bench-", tag);
  // From here on it may be there, whatever the answer is; an interrupt does not end the waiting.
  made_ = true;
  NOKV_TRY(
      client_->mkdir({.target = {.path = root_}, .mode = 0755}, {.call = {options_.deadline}}));
  return {};
}

Result<> Scene::remove_snapshots() {
  for (const auto& name : std::exchange(snapshots_, {})) {
    auto removed = client_->snapshot_remove({.name = name}, {.call = {options_.deadline}});
    if (!removed && removed.error().code() != Code::not_found) {
      return std::unexpected(removed.error());
    }
  }
  return {};
}

Result<> Scene::end() {
  Result<> first = remove_snapshots();
  if (made_ && !options_.keep) {
    // Without the caller's stop token: what an interrupted run made has to go as well.
    auto removed = client_->remove({.target = {.path = root_}, .missing_ok = true},
                                   {.call = {options_.deadline}});
    if (first && !removed) first = std::unexpected(removed.error());
  }
  (void)client_->close({.deadline = std::chrono::seconds(1)});
  return first;
}

std::unique_ptr<Peer> Scene::peer() {
  return std::make_unique<Peer>(env(), parts_.connect().transport, options_.deadline);
}

std::unique_ptr<Client> Scene::fresh_client(client::ClientOptions options) {
  options.deadline = options_.deadline;
  return std::make_unique<Client>(parts_.connect(), std::move(options));
}

Result<std::string> Scene::directory(std::string_view name) {
  std::string made = path(str(name, ".", ++directories_));
  NOKV_TRY(client_->mkdir({.target = {.path = made}, .mode = 0755}, write()));
  return made;
}

Result<std::string> Scene::grown(uint64_t entries) {
  std::string where = path("grown");
  if (grown_ == 0) {
    NOKV_TRY(client_->mkdir({.target = {.path = where}, .mode = 0755}, write()));
  }
  if (grown_ >= entries) return where;
  auto one = peer();
  uint64_t begin = grown_;
  uint64_t batches = (entries - begin + kBatch - 1) / kBatch;
  LoadOptions load{.lanes = kBatchesAtOnce,
                   .time = std::chrono::minutes(10),
                   .count = batches,
                   .stop = options_.stop};
  NOKV_TRY(run_load(clock(), load, [&](int, uint64_t batch, LoadDone done) {
    std::vector<codec::OperationBox> operations;
    uint64_t from = begin + batch * kBatch;
    uint64_t to = std::min<uint64_t>(from + kBatch, entries);
    for (uint64_t i = from; i < to; ++i) {
      operations.push_back({empty_file(str(where, "/", file_name(i)))});
    }
    one->commit(std::move(operations), codec::Durability::durable,
                [done = std::move(done)](Result<codec::CommitReply> reply) mutable {
                  if (!reply) return done(std::unexpected(std::move(reply).error()));
                  done({});
                });
  }));
  grown_ = entries;
  return where;
}

Result<std::string> Scene::read_by(Row& row, std::string_view wire, uint64_t entries) {
  row.unit = "ms";
  row.boundary = boundary(wire);
  row.durability = "none";
  row.cache = "warm";
  row.entries = entries;
  return grown(entries);
}

Result<Run> Scene::repeat(Duration time, const std::function<Result<Duration>()>& once) const {
  std::vector<double> latencies;
  auto began = clock().now();
  do {
    NOKV_ASSIGN(Duration took, once());
    latencies.push_back(to_us(took));
  } while (clock().now() - began < time);
  return Run{median(latencies) / 1e3, std::move(latencies)};
}

// ---- floors

Result<Floor> Scene::echo(size_t reply_bytes) const {
  NOKV_ASSIGN(Run run, echo_run(clock(), reply_bytes, time() / 4));
  return Floor{str("echo_", reply_bytes), run.value, "us"};
}

Result<Floor> Scene::sync(size_t bytes) const {
  NOKV_ASSIGN(Run run, sync_run(clock(), server_directory_, bytes, time() / 4));
  return Floor{str("fdatasync_", bytes), run.value, "us"};
}

Result<Floor> Scene::echo_and_sync() const {
  NOKV_ASSIGN(Floor wire, echo(kEchoReplyBytes));
  NOKV_ASSIGN(Floor disk, sync(kSyncBytes));
  return Floor{"fdatasync+echo", wire.value + disk.value, "us"};
}

// ---- measuring

Result<> Scene::measure(Row& row, const FloorOf& floor, const Once& once) {
  NOKV_TRY(once(time() / 8));
  std::vector<Run> all;
  std::vector<double> floors;
  for (int i = 0; i < runs(); ++i) {
    if (options_.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
    if (auto one = floor()) {
      floors.push_back(one->value);
      row.floor = *std::move(one);
      row.floor->value = median(floors);
    }
    NOKV_ASSIGN(Run run, once(time()));
    all.push_back(std::move(run));
  }
  row.take(all);
  return {};
}

Result<> Scene::measure(Row& row, const FloorOf& floor, int lanes, const Begin& begin, bool in_us) {
  row.concurrency = lanes;
  uint64_t numbers = 0;  // no number twice over all runs
  return measure(row, floor, [&](Duration time) -> Result<Run> {
    uint64_t first = numbers;
    NOKV_ASSIGN(Load load, run_load(clock(), {.lanes = lanes, .time = time, .stop = options_.stop},
                                    [&](int lane, uint64_t number, LoadDone done) {
                                      begin(lane, first + number, std::move(done));
                                    }));
    numbers += load.numbers;
    double value = in_us ? median(load.latencies_us) : load.per_second();
    return Run{value, std::move(load.latencies_us)};
  });
}

uint64_t Scene::object_requests() {
  auto counters = client_->counters();
  uint64_t sum = counters.blocks_put + counters.blocks_fetched;
  if (auto stats = client_->server_stats(call())) {
    sum += number_after(*stats, "object_puts") + number_after(*stats, "object_gets");
  }
  return sum;
}

}  // namespace nokv::bench
