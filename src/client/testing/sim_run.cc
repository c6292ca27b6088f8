#include "client/testing/sim_run.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/check.h"
#include "client/testing/sim_client.h"
#include "client/testing/sim_watcher.h"
#include "shard/store_claim.h"

namespace nokv::client {

namespace {

using namespace std::chrono_literals;
using Look = SimHistory::Look;

constexpr int kLanes = 3;
constexpr Duration kChaos = 40s;

class Run {
 public:
  explicit Run(uint64_t seed) : world_(seed) {}

  SimWorld& world() { return world_; }
  SimResult run();

 private:
  SimRandom& random() { return world_.random(); }
  void set_up();
  void chaos();
  void fault();
  void crash_server();
  void start_server();
  void crash_client();
  void cut_network();
  void jump_clock();
  void fill_disk();
  void heal();
  void wait(std::string_view what, const std::function<bool()>& holds);
  std::vector<codec::SnapshotInfo> snapshots(SimClient& client);
  void look_at_all(SimClient& client);
  void look(SimClient& client, Look what, const std::string& path, const std::string& at);
  void judge_watchers();
  const std::string& someone();
  void recover_twice();
  void collect_garbage(SimClient& client);
  void compare_objects(SimClient& client);

  SimWorld world_;
  SimHistory history_{world_};
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<SimWatcher>> watchers_;
  SimResult result_;
  Clock::Instant chaos_end_{};
};

SimResult Run::run() {
  set_up();
  if (history_.clean()) chaos();
  heal();
  for (auto& client : clients_) {
    bool synced = false;
    client->close([&] { synced = true; });
    wait("a client closes", [&] { return synced; });
  }
  recover_twice();
  SimClient reader(world_, history_, "reader");
  (void)history_.judge();
  judge_watchers();
  if (history_.clean()) look_at_all(reader);
  if (history_.clean()) collect_garbage(reader);
  result_.complaints = history_.judge();
  result_.counts = history_.counts();
  result_.faults += world_.store().injected;
  result_.digest = world_.scheduler().history();
  return result_;
}

// What does not come in time is the end of the run.
void Run::wait(std::string_view what, const std::function<bool()>& holds) {
  if (!history_.clean()) return;
  bool came = world_.run_until(
      [&] {
        if (!world_.server_up()) start_server();
        return holds();
      },
      30min);
  if (!came) history_.complain(str("within half an hour it does not happen that ", what));
}

void Run::set_up() {
  start_server();
  for (const char* name : {"alice", "bob"}) {
    clients_.push_back(std::make_unique<SimClient>(world_, history_, name));
  }
  bool made = false;
  constexpr int64_t kSecond = 1'000'000'000;
  codec::InitRequest init;
  init.policy = {{{kSecond, 10 * kSecond}, {5 * kSecond, 30 * kSecond}}, 20 * kSecond};
  clients_[0]->ask<codec::StatusReply>(codec::Method::init, init,
                                       [&](const codec::StatusReply&) { made = true; });
  wait("the namespace is made", [&] { return made; });
  std::vector<codec::Operation> directories;
  for (const char* path : {"/a", "/b", "/a/in", "/b/in", "/l", "/alice", "/bob"}) {
    codec::Mkdir op;
    op.target.path = path;
    op.mode = 0755;
    directories.emplace_back(std::move(op));
  }
  bool done = false;
  clients_[0]->commit(std::move(directories), codec::Durability::durable,
                      [&](const auto&) { done = true; });
  wait("directories are made", [&] { return done; });
  for (const char* name : {"carol", "dave"}) {
    watchers_.push_back(std::make_unique<SimWatcher>(world_, name));
  }
  for (auto& client : clients_) client->start(kLanes);
}

// ---- faults

void Run::chaos() {
  SimNetFaults net;
  net.delay_one_in = 200;
  net.reset_one_in = random().one_in(2) ? 300 : 0;
  net.late_one_in = random().one_in(2) ? 200 : 0;
  world_.net().set_faults(net);
  StoreFaults& store = world_.store().faults;
  if (random().one_in(2)) store = {10, 10, random().one_in(2) ? 20U : 0U, 20};
  chaos_end_ = world_.scheduler().clock().now() + kChaos;
  while (world_.scheduler().clock().now() < chaos_end_) {
    world_.run_for(random().between(100ms, 4s));
    if (!world_.server_up()) {
      world_.run_for(random().between(0s, 3s));
      start_server();
    }
    fault();
  }
}

void Run::fault() {
  switch (random().below(9)) {
    case 0:
    case 1:
      return crash_server();
    case 2:
      return crash_client();
    case 3:
    case 4:
      return cut_network();
    case 5:
      return jump_clock();
    case 6:
      return fill_disk();
    default:
      return;
  }
}

// Between two tasks, or when the disk is in the middle of something.
void Run::crash_server() {
  ++result_.crashes;
  if (random().one_in(3)) {
    world_.halt_server_disk(random().below(12));
    return world_.run_for(2s);
  }
  if (random().one_in(6)) return world_.stop_server();
  world_.crash_server(random().one_in(2) ? SimCrash::power : SimCrash::process);
}

// Some recoveries are cut off themselves.
void Run::start_server() {
  while (!world_.server_up()) {
    bool cut = world_.scheduler().clock().now() < chaos_end_ && random().one_in(4);
    if (cut) world_.halt_server_disk(random().below(8));
    auto started = world_.start_server();
    if (started || world_.server_disk_was_cut()) continue;
    history_.complain(str("the server does not start: ", started.error().message()));
    check(false, "the server starts again");
  }
}

void Run::crash_client() {
  ++result_.faults;
  SimClient& client = *clients_[random().below(clients_.size())];
  client.crash(random().one_in(2) ? SimCrash::power : SimCrash::process);
  world_.run_for(random().between(0s, 1s));
  client.revive(kLanes);
}

// Whose connection it is that fails.
const std::string& Run::someone() {
  size_t draw = random().below(clients_.size() + watchers_.size());
  if (draw < clients_.size()) return clients_[draw]->name();
  return watchers_[draw - clients_.size()]->name();
}

void Run::cut_network() {
  ++result_.faults;
  const std::string& client = someone();
  const std::string& server = SimWorld::kServer.host;
  switch (random().below(4)) {
    case 0:
      return world_.net().reset(client, server);
    case 1:
      return world_.net().close_late(client, server, random().between(0s, 20s));
    case 2:
      return world_.net().delay_next(client, server, random().between(0s, 8s));
    default:
      break;
  }
  if (random().one_in(2)) {
    world_.net().partition(client, server);
  } else {
    world_.net().partition_one_way(random().one_in(2) ? client : server,
                                   random().one_in(2) ? server : client);
  }
  world_.run_for(random().between(0s, 8s));
  world_.net().heal_all();
}

void Run::jump_clock() {
  ++result_.faults;
  world_.scheduler().clock().jump_wall(random().between(0h, 72h) - 36h);
}

void Run::fill_disk() {
  ++result_.faults;
  SimFiles& files = world_.server_host().files();
  files.set_capacity(files.bytes_used() + random().below(2000));
  history_.disk_was_full();
  world_.run_for(random().between(0s, 4s));
  files.set_capacity(uint64_t{4} << 30);
}

void Run::heal() {
  world_.net().heal_all();
  world_.net().set_faults({});
  world_.store().faults = {};
  if (!world_.server_up()) start_server();
  for (auto& client : clients_) {
    client->pause();
    wait("all requests are answered", [&] { return client->idle(); });
  }
}

// ---- afterwards

// Recovery finds the same when it is done again.
void Run::recover_twice() {
  std::string first;
  for (SimCrash how : {SimCrash::power, SimCrash::process}) {
    if (!world_.server_up()) start_server();
    world_.crash_server(how);
    start_server();
    auto state = world_.host().shard().state();
    std::string record = codec::encoded(state->record);
    if (!first.empty() && record != first) history_.complain("two recoveries differ");
    first = record;
  }
}

// Whoever watched has heard of everything that the log has, in its order, each once.
void Run::judge_watchers() {
  uint64_t newest = world_.published_version();
  for (auto& watcher : watchers_) {
    wait("a watcher hears of all", [&] { return watcher->reached(newest); });
  }
  world_.gather_log();
  for (auto& watcher : watchers_) {
    wait("a watcher hears of all", [&] {
      return watcher->reached(world_.published_version()) &&
             world_.published_version() == world_.log().rbegin()->first;
    });
    for (std::string& complaint : watcher->judge()) history_.complain(std::move(complaint));
    result_.heard += watcher->heard();
    result_.gaps += watcher->gaps();
  }
  watchers_.clear();
}

void Run::look(SimClient& client, Look what, const std::string& path, const std::string& at) {
  bool done = false;
  client.look(what, path, at, [&] { done = true; });
  wait("a read is answered", [&] { return done; });
}

std::vector<codec::SnapshotInfo> Run::snapshots(SimClient& client) {
  std::optional<codec::SnapshotsReply> all;
  client.ask<codec::SnapshotsReply>(codec::Method::snapshots, codec::SnapshotsRequest(),
                                    [&](codec::SnapshotsReply reply) { all = std::move(reply); });
  wait("snapshots are listed", [&] { return all.has_value(); });
  return all ? all->snapshots : std::vector<codec::SnapshotInfo>();
}

// Everything, now and in each snapshot.
void Run::look_at_all(SimClient& client) {
  auto kept = snapshots(client);
  kept.push_back({.path = "/", .version = world_.published_version()});
  for (const codec::SnapshotInfo& snapshot : kept) {
    const SimModel& model = history_.model_at(snapshot.version);
    std::string scope = snapshot.path == "/" ? "" : snapshot.path;
    std::vector<std::string> paths{scope};
    for (const std::string& path : model.paths()) {
      if (path.starts_with(scope + "/")) paths.push_back(path);
    }
    for (const std::string& path : paths) {
      uint64_t reads = history_.counts().reads;
      look(client, Look::stat, path, snapshot.name);
      look(client, model.content(path) ? Look::content : Look::list, path, snapshot.name);
      bool damaged = !world_.store().truncated.empty();
      if (history_.counts().reads == reads + 2 || damaged) continue;
      history_.complain(str(path, " cannot be read at '", snapshot.name, "'"));
    }
  }
}

// Once nothing is kept but the present, the store holds its blocks and nothing else.
void Run::collect_garbage(SimClient& client) {
  for (const codec::SnapshotInfo& snapshot : snapshots(client)) {
    bool done = false;
    client.commit({codec::SnapshotRemove{snapshot.name}}, codec::Durability::durable,
                  [&](const auto&) { done = true; });
    wait("a snapshot is removed", [&] { return done; });
  }
  // Moments, undo pins, forgotten uploads and dead blobs go by themselves.
  world_.run_for(10min);
  bool done = false;
  codec::GcRequest request;
  request.now = true;
  request.grace_ns = 0;
  client.ask<codec::GcReply>(codec::Method::gc, request,
                             [&](const codec::GcReply&) { done = true; });
  wait("garbage is collected", [&] { return done; });
  compare_objects(client);
}

void Run::compare_objects(SimClient& client) {
  (void)history_.judge();
  const SimModel& model = history_.model_at(world_.published_version());
  std::set<std::string> referenced;
  for (const std::string& path : model.paths()) {
    if (!model.content(path)) continue;
    bool done = false;
    codec::OpenRequest request;
    request.target.path = path;
    client.ask<codec::OpenReply>(codec::Method::open, request, [&](const codec::OpenReply& reply) {
      for (const codec::PlanExtent& extent : reply.plan.extents) {
        bool object = extent.blob != 0 && extent.bytes.empty();
        if (object) referenced.insert(codec::blob_object_name(extent.blob, 0));
      }
      done = true;
    });
    wait("a file is opened", [&] { return done; });
  }
  const object::MemoryStore& store = world_.store().store;
  for (const std::string& key : referenced) {
    if (!store.has(key)) history_.complain(str("the block ", key, " is gone"));
  }
  size_t blocks = store.object_count() - (store.has(std::string(shard::kStoreMark)) ? 1 : 0);
  if (blocks != referenced.size()) {
    history_.complain(
        str("the store has ", blocks, " blocks, ", referenced.size(), " are referenced"));
  }
}

}  // namespace

SimResult run_simulation(uint64_t seed, std::function<void(std::string_view)> trace) {
  Run run(seed);
  run.world().scheduler().set_trace(std::move(trace));
  return run.run();
}

}  // namespace nokv::client
