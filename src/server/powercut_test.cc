// A whole data directory - identity, log, engine, checkpoints - on a disk that loses power at every
// write in turn, recovered twice.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/sim/sim_env.h"
#include "engine/memory_engine.h"
#include "object/memory_store.h"
#include "server/shard_host.h"

namespace nokv::server {
namespace {

using codec::Method;

// One server on one machine, driven through its service.
class Machine {
 public:
  explicit Machine(uint64_t seed)
      : scheduler_(seed),
        net_(scheduler_),
        host_(scheduler_, net_, "server"),
        executor_(host_.env().executors.serial("store")),
        store_(*executor_, scheduler_.clock()) {}
  ~Machine() { die(); }

  Result<> open() {
    HostOptions options;
    options.directory = "/srv/nokv";
    options.engine_kind = std::make_shared<engine::MemoryKind>(host_.files());
    options.log_segment_bytes = 8192;  // so that segments are recycled too
    options.log_sync_failed = [](const Error&) {};
    options.shard.cache_bytes = 64 << 10;
    options.background.tick = std::chrono::hours(1'000'000);
    options.background.log_kept_for = {};
    NOKV_ASSIGN(server_, ShardHost::open(host_.env(), store_, events_, options));
    return {};
  }
  void die() {
    if (server_) server_->abandon();
    server_.reset();
  }
  void power_cut() {
    host_.crash(SimCrash::power);
    die();
    host_.restart();
    executor_ = host_.env().executors.serial("store");
  }

  Result<std::string> call(Method method, const std::string& body) {
    auto answer = std::make_shared<std::optional<Result<std::string>>>();
    shard::Caller caller{"test", scheduler_.clock().now() + std::chrono::minutes(1)};
    server_->service().call(method, body, caller,
                            [answer](Result<std::string> result) { *answer = std::move(result); });
    scheduler_.run_until([&] { return answer->has_value(); }, std::chrono::minutes(1));
    return answer->value_or(fail_maybe_done(Code::cancelled, "no answer"));
  }
  Result<> commit(codec::Operation operation) {
    codec::CommitRequest request;
    request.operations.push_back({std::move(operation)});
    NOKV_TRY(call(Method::commit, codec::encoded(request)));
    return {};
  }

  // Everything that is shown, in words; with `at`, of a snapshot.
  std::string dump(const std::string& path = "/", const std::string& at = "") {
    codec::ListRequest request{{path, {}}, {at}};
    auto body = call(Method::list, codec::encoded(request));
    codec::ListReply reply;
    if (!body || !codec::decode(*body, reply)) return "nothing\n";
    std::string out = str(path, " ", reply.directory.totals.bytes, "\n");
    for (const codec::Entry& entry : reply.entries) {
      std::string child = str(path == "/" ? "" : path, "/", entry.name);
      if (entry.kind == codec::Kind::directory) {
        out += dump(child, at);
      } else {
        out += str(child, " ", entry.body.size, " ", entry.body.generation, " ", entry.links, "\n");
      }
    }
    return out;
  }
  std::string state_record() { return codec::encoded(server_->shard().state()->record); }

  SimFiles& files() { return host_.files(); }
  SimRandom& random() { return scheduler_.random(); }

 private:
  SimScheduler scheduler_;
  SimNet net_;
  SimHost host_;
  std::unique_ptr<Executor> executor_;
  object::MemoryStore store_;
  NoEvents events_;
  std::unique_ptr<ShardHost> server_;
};

codec::Publish put(const std::string& path, size_t size) {
  codec::Publish op;
  op.target.path = path;
  op.body.bytes.assign(size, 'x');
  op.body.size = size;
  return op;
}

constexpr int kSteps = 26;

// One step of the workload: names, bodies, a snapshot, removal, and checkpoints between.
Result<> step(Machine& machine, int number) {
  std::string file = str("/d/f", number % 5);
  switch (number) {
    case 0: {
      codec::InitRequest init;
      init.policy.undo_ns = 1;  // a policy without moments, which would take versions
      NOKV_TRY(machine.call(Method::init, codec::encoded(init)));
      return {};
    }
    case 1: {
      codec::Mkdir op;
      op.target.path = "/d";
      return machine.commit(op);
    }
    case 8:
    case 14:
    case 20: {
      NOKV_TRY(machine.call(Method::checkpoint, ""));
      return {};
    }
    case 10: {
      codec::SnapshotCreate op;
      op.name = "kept";
      op.target.path = "/d";
      return machine.commit(op);
    }
    case 12: {
      codec::Rename op;
      op.from.path = "/d/f1";
      op.to.path = "/moved";
      return machine.commit(op);
    }
    case 22: {
      codec::Remove op;
      op.target.path = "/d";
      return machine.commit(op);
    }
    default:
      return machine.commit(
          put(number > 22 ? "/last" : file, 300 + 150 * static_cast<size_t>(number)));
  }
}

struct Expected {
  std::string now;
  std::string kept;
};

// What each step leaves, without any cut.
std::vector<Expected> undisturbed() {
  Machine machine(1);
  EXPECT_TRUE(machine.open());
  std::vector<Expected> states{{machine.dump(), machine.dump("/d", "kept")}};
  for (int number = 0; number < kSteps; ++number) {
    auto done = step(machine, number);
    EXPECT_TRUE(done) << number << ": " << done.error().message();
    states.push_back({machine.dump(), machine.dump("/d", "kept")});
  }
  return states;
}

void check_recovered(Machine& machine, const std::vector<Expected>& states, size_t acknowledged) {
  std::string now = machine.dump();
  size_t next = std::min(acknowledged + 1, states.size() - 1);
  size_t at = now == states[acknowledged].now ? acknowledged : next;
  EXPECT_EQ(now, states[at].now);
  std::string kept = machine.dump("/d", "kept");
  // The steps before and after may differ in the snapshot alone.
  EXPECT_TRUE(kept == states[at].kept || (at != next && kept == states[next].kept)) << kept;
}

// The power goes at change number `cut` of the disk; false when the workload ended before.
bool run(uint64_t seed, uint64_t cut, const std::vector<Expected>& states) {
  Machine machine(seed);
  machine.files().halt_after(cut);
  size_t acknowledged = 0;
  if (machine.open()) {
    while (acknowledged < kSteps && step(machine, static_cast<int>(acknowledged))) ++acknowledged;
  }
  bool was_cut = machine.files().halted();
  machine.power_cut();
  // The first recovery is cut off itself, the next ones are not.
  machine.files().halt_after(machine.random().below(12));
  (void)machine.open();
  machine.power_cut();
  std::string first;
  for (int recovery = 0; recovery < 2; ++recovery) {
    auto opened = machine.open();
    EXPECT_TRUE(opened) << opened.error().message();
    if (!opened) return was_cut;
    check_recovered(machine, states, acknowledged);
    std::string record = machine.state_record();
    EXPECT_TRUE(recovery == 0 || record == first);
    first = std::move(record);
    machine.power_cut();
  }
  EXPECT_TRUE(machine.open());
  EXPECT_TRUE(acknowledged == 0 || machine.commit(put("/after", 10)));
  return was_cut;
}

TEST(ShardPowerCut, WhatWasAcknowledgedIsThereWhereverThePowerGoes) {
  auto states = undisturbed();
  ASSERT_FALSE(testing::Test::HasFailure());
  bool was_cut = true;
  for (uint64_t cut = 0; was_cut; ++cut) {
    was_cut = false;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE(testing::Message() << "cut at change " << cut << " seed " << seed);
      was_cut |= run(seed, cut, states);
      ASSERT_FALSE(testing::Test::HasFailure());
    }
    ASSERT_LT(cut, 5000U);
  }
}

// The engine's files are gone or rotten: a checkpoint takes their place, and the log the rest.
TEST(ShardPowerCut, ALostOrRottenEngineComesBackFromCheckpointAndLog) {
  auto states = undisturbed();
  for (bool rotten : {false, true}) {
    Machine machine(1);
    ASSERT_TRUE(machine.open());
    for (int number = 0; number < kSteps; ++number) ASSERT_TRUE(step(machine, number));
    machine.power_cut();
    std::string file = str("/srv/nokv/engine/", engine::MemoryEngine::kFileName);
    if (rotten) {
      machine.files().flip_byte(file, 100);
    } else {
      ASSERT_TRUE(remove_tree(machine.files(), "/srv/nokv/engine"));
    }
    auto opened = machine.open();
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(machine.dump(), states.back().now);
    EXPECT_EQ(machine.dump("/d", "kept"), states.back().kept);
  }
}

// Scenario 21: the newest checkpoint is rotten too; then both are, and it is said which.
TEST(ShardPowerCut, TheOlderCheckpointServesWhenTheNewestIsRotten) {
  auto states = undisturbed();
  Machine machine(1);
  ASSERT_TRUE(machine.open());
  for (int number = 0; number < kSteps; ++number) ASSERT_TRUE(step(machine, number));
  machine.power_cut();
  std::string engine = str("/", engine::MemoryEngine::kFileName);
  auto checkpoints = machine.files().list("/srv/nokv/checkpoints").value();
  ASSERT_GE(checkpoints.size(), 2U);
  // The cut may bring back one whose removal was not on the disk yet.
  checkpoints.erase(checkpoints.begin(), checkpoints.end() - 2);
  auto rot = [&](const std::string& checkpoint) {
    machine.files().flip_byte(str("/srv/nokv/checkpoints/", checkpoint, engine), 100);
  };
  machine.files().flip_byte(str("/srv/nokv/engine", engine), 100);
  rot(checkpoints[1]);
  ASSERT_TRUE(machine.open());
  EXPECT_EQ(machine.dump(), states.back().now);

  machine.power_cut();
  machine.files().flip_byte(str("/srv/nokv/engine", engine), 100);
  rot(checkpoints[0]);
  auto refused = machine.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::data_loss);
}

// An engine ahead of its log: the log lost its newest files. The engine is not thrown away for it.
TEST(ShardPowerCut, AnEngineAheadOfItsLogIsRefusedAndKept) {
  Machine machine(1);
  ASSERT_TRUE(machine.open());
  for (int number = 0; number < 6; ++number) ASSERT_TRUE(step(machine, number));
  machine.power_cut();
  std::string log = "/srv/nokv/log";
  std::vector<std::pair<std::string, std::string>> older;
  auto names = machine.files().list(log);
  ASSERT_TRUE(names);
  for (const std::string& name : *names) {
    older.emplace_back(name, read_file(machine.files(), log + "/" + name, 1 << 20).value());
  }
  ASSERT_TRUE(machine.open());
  for (int number = 6; number < 9; ++number) ASSERT_TRUE(step(machine, number));  // a checkpoint
  std::string shown = machine.dump();
  machine.power_cut();
  std::vector<std::pair<std::string, std::string>> newer;
  for (const auto& [name, bytes] : older) {
    newer.emplace_back(name, read_file(machine.files(), log + "/" + name, 1 << 20).value());
    ASSERT_TRUE(write_file_atomic(machine.files(), log + "/" + name, bytes));
  }
  auto refused = machine.open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("log files are missing"), std::string::npos);
  machine.die();
  for (const auto& [name, bytes] : newer) {
    ASSERT_TRUE(write_file_atomic(machine.files(), log + "/" + name, bytes));
  }
  auto opened = machine.open();
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(machine.dump(), shown);
}

}  // namespace
}  // namespace nokv::server
