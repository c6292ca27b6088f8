// A whole shard in the simulator, with calls that wait: what tests of the namespace are written on.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/sim/sim_env.h"
#include "engine/memory_engine.h"
#include "log/local_log.h"
#include "object/memory_store.h"
#include "shard/background.h"
#include "shard/service.h"
#include "shard/shard.h"

namespace nokv::shard {

// Home: the test's thread. Bodies live in a memory store that survives crashes; metadata on a
// simulated disk.
class SimNamespace {
 public:
  explicit SimNamespace(uint64_t seed, BackgroundOptions background = quiet_background())
      : scheduler_(seed),
        net_(scheduler_),
        host_(scheduler_, net_, "server"),
        store_host_(scheduler_, net_, "store"),
        store_executor_(store_host_.env().executors.serial("store")),
        store_(*store_executor_, scheduler_.clock()),
        background_options_(std::move(background)) {}
  ~SimNamespace() { close(); }

  // Moments and expiry off, so that tests say when.
  static BackgroundOptions quiet_background() {
    BackgroundOptions options;
    options.tick = std::chrono::hours(1'000'000);
    return options;
  }

  // Opens what is on the disk. Errors: those of recovery.
  Result<> open() {
    Env env = host_.env();
    NOKV_ASSIGN(engine_, engine::MemoryEngine::open(env.files, "/meta/engine"));
    log::LocalLogOptions log_options;
    log_options.segment_bytes = log_segment_bytes;
    NOKV_ASSIGN(log_, log::LocalLog::open(env, "/meta/log", log_options));
    ShardOptions options;
    options.cache_bytes = 1 << 20;
    options.chain_max = chain_max;
    options.failed = [this](const Error& error) {
      if (failed) failed(error);
    };
    NOKV_ASSIGN(shard_, Shard::open(env, *engine_, *log_, events_, options));
    background_ = std::make_unique<Background>(env, *shard_, *engine_, *log_, store_, events_,
                                               background_options_);
    background_->start();
    service_ = std::make_unique<Service>(env, *shard_, *background_, store_, ServiceOptions());
    return {};
  }

  // What a clean stop does, but for the waiting.
  void close() {
    service_.reset();
    background_.reset();
    shard_.reset();
    log_.reset();
    engine_.reset();
  }

  void crash(SimCrash how) {
    host_.crash(how);
    close();
    host_.restart();
  }

  // Calls, and runs the simulation until the answer is there.
  template <class Reply, class Request>
  Result<Reply> call(codec::Method method, const Request& request) {
    std::optional<Result<std::string>> answer;
    Caller caller{"test", scheduler_.clock().now() + std::chrono::hours(1)};
    service_->call(method, codec::encoded(request), caller,
                   [&](Result<std::string> result) { answer = std::move(result); });
    scheduler_.run_until([&] { return answer.has_value(); }, std::chrono::hours(1));
    if (!answer) return fail(Code::cancelled, "no answer within an hour");
    if (!*answer) return std::unexpected(answer->error());
    Reply reply;
    if (!codec::decode(**answer, reply)) return fail(Code::data_loss, "an answer of another kind");
    return reply;
  }

  Result<codec::StatusReply> init(codec::RetentionPolicy policy = {}) {
    if (policy.undo_ns == 0) policy.undo_ns = int64_t{86400} * 1'000'000'000;
    return call<codec::StatusReply>(codec::Method::init, codec::InitRequest{policy});
  }

  // One transaction, without a session.
  Result<codec::CommitReply> commit(std::vector<codec::Operation> operations) {
    codec::CommitRequest request;
    for (auto& op : operations) request.operations.push_back({std::move(op)});
    return call<codec::CommitReply>(codec::Method::commit, request);
  }

  Result<codec::Entry> stat(const std::string& path, const std::string& at = {}) {
    NOKV_ASSIGN(auto reply, call<codec::StatReply>(codec::Method::stat,
                                                   codec::StatRequest{{{path, {}}}, {at}}));
    const auto& result = reply.results.at(0);
    if (result.failure.code != Code::ok) {
      return std::unexpected(Error(result.failure.code, result.failure.message));
    }
    return result.entry;
  }

  Result<std::vector<codec::Entry>> list(const std::string& path, const std::string& at = {},
                                         uint32_t page = 0) {
    codec::ListRequest request{{path, {}}, {at}, {}, page};
    std::vector<codec::Entry> out;
    for (;;) {
      NOKV_ASSIGN(auto reply, call<codec::ListReply>(codec::Method::list, request));
      std::ranges::move(reply.entries, std::back_inserter(out));
      if (!reply.more) return out;
      request.after = out.back().name;
      request.at.view = reply.view;
    }
  }

  // The bytes of a file whose body is inline throughout.
  Result<std::string> read(const std::string& path, const std::string& at = {}) {
    NOKV_ASSIGN(auto reply,
                call<codec::OpenReply>(codec::Method::open, codec::OpenRequest{{path, {}}, {at}}));
    std::string out;
    for (const auto& extent : reply.plan.extents) {
      out += extent.blob == 0 ? std::string(extent.length, '\0') : extent.bytes;
    }
    return out;
  }

  // Told when the shard stops by itself.
  std::function<void(const Error&)> failed;

  SimScheduler& scheduler() { return scheduler_; }
  SimHost& host() { return host_; }
  object::MemoryStore& store() { return store_; }
  Shard& shard() { return *shard_; }
  Background& background() { return *background_; }
  Service& service() { return *service_; }
  engine::Engine& engine() { return *engine_; }

  uint64_t log_segment_bytes = 1 << 20;  // of a log that is made
  size_t chain_max = meta::kChainMax;    // generations of clones that are read one by one

 private:
  SimScheduler scheduler_;
  SimNet net_;
  SimHost host_;
  SimHost store_host_;
  std::unique_ptr<Executor> store_executor_;
  object::MemoryStore store_;
  NoEvents events_;
  BackgroundOptions background_options_;
  std::unique_ptr<engine::MemoryEngine> engine_;
  std::unique_ptr<log::LocalLog> log_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<Background> background_;
  std::unique_ptr<Service> service_;
};

// --- operations, in few words

inline codec::Operation mkdir_op(const std::string& path) {
  codec::Mkdir op;
  op.target.path = path;
  op.mode = 0755;
  return op;
}

inline codec::Operation put_op(const std::string& path, const std::string& bytes) {
  codec::Publish op;
  op.target.path = path;
  op.mode = 0644;
  op.body.bytes = bytes;
  op.body.size = bytes.size();
  return op;
}

inline codec::Operation remove_op(const std::string& path, bool keep_undo = false) {
  codec::Remove op;
  op.target.path = path;
  op.keep_undo = keep_undo;
  return op;
}

inline codec::Operation rename_op(const std::string& from, const std::string& to) {
  codec::Rename op;
  op.from.path = from;
  op.to.path = to;
  return op;
}

inline codec::Operation snapshot_op(const std::string& name, const std::string& path) {
  codec::SnapshotCreate op;
  op.name = name;
  op.target.path = path;
  return op;
}

inline codec::Operation append_op(const std::string& path, const std::string& bytes) {
  codec::Append op;
  op.target.path = path;
  op.body.bytes = bytes;
  op.body.size = bytes.size();
  return op;
}

inline codec::Operation link_op(const std::string& from, const std::string& to) {
  return codec::Link{{from, {}}, {to, {}}};
}

}  // namespace nokv::shard
