#include "shard/testing/sim_namespace.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace nokv::shard {

SimNamespace::SimNamespace(uint64_t seed, BackgroundOptions background)
    : scheduler_(seed),
      net_(scheduler_),
      host_(scheduler_, net_, "server"),
      store_host_(scheduler_, net_, "store"),
      store_executor_(store_host_.env().executors.serial("store")),
      store_(*store_executor_, scheduler_.clock()),
      background_options_(std::move(background)) {}
SimNamespace::~SimNamespace() { close(); }

Result<> SimNamespace::open() {
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

void SimNamespace::close() {
  service_.reset();
  background_.reset();
  shard_.reset();
  log_.reset();
  engine_.reset();
}

void SimNamespace::crash(SimCrash how) {
  host_.crash(how);
  close();
  host_.restart();
}

Result<std::string> SimNamespace::exchange(codec::Method method, std::string request) {
  std::optional<Result<std::string>> answer;
  Caller caller{"test", scheduler_.clock().now() + std::chrono::hours(1)};
  service_->call(method, std::move(request), caller,
                 [&](Result<std::string> result) { answer = std::move(result); });
  scheduler_.run_until([&] { return answer.has_value(); }, std::chrono::hours(1));
  if (!answer) return fail(Code::cancelled, "no answer within an hour");
  return *std::move(answer);
}

Result<codec::StatusReply> SimNamespace::init(codec::RetentionPolicy policy) {
  if (policy.undo_ns == 0) policy.undo_ns = int64_t{86400} * 1'000'000'000;
  return call<codec::StatusReply>(codec::Method::init, codec::InitRequest{policy});
}

Result<codec::CommitReply> SimNamespace::commit(std::vector<codec::Operation> operations) {
  codec::CommitRequest request;
  for (auto& op : operations) request.operations.push_back({std::move(op)});
  return call<codec::CommitReply>(codec::Method::commit, request);
}

Result<codec::Entry> SimNamespace::stat(const std::string& path, const std::string& at) {
  NOKV_ASSIGN(auto reply,
              call<codec::StatReply>(codec::Method::stat, codec::StatRequest{{{path, {}}}, {at}}));
  const auto& result = reply.results.at(0);
  if (result.failure.code != Code::ok) {
    return std::unexpected(Error(result.failure.code, result.failure.message));
  }
  return result.entry;
}

Result<std::vector<codec::Entry>> SimNamespace::list(const std::string& path, const std::string& at,
                                                     uint32_t page) {
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

Result<std::string> SimNamespace::read(const std::string& path, const std::string& at) {
  NOKV_ASSIGN(auto reply,
              call<codec::OpenReply>(codec::Method::open, codec::OpenRequest{{path, {}}, {at}}));
  std::string out;
  for (const auto& extent : reply.plan.extents) {
    out += extent.blob == 0 ? std::string(extent.length, '\0') : extent.bytes;
  }
  return out;
}

template Result<codec::CommitReply> SimNamespace::call(codec::Method, const codec::CommitRequest&);
template Result<codec::StatReply> SimNamespace::call(codec::Method, const codec::StatRequest&);
template Result<codec::OpenReply> SimNamespace::call(codec::Method, const codec::OpenRequest&);
template Result<codec::DiffReply> SimNamespace::call(codec::Method, const codec::DiffRequest&);
template Result<codec::FsckReply> SimNamespace::call(codec::Method, const codec::FsckRequest&);
template Result<codec::GcReply> SimNamespace::call(codec::Method, const codec::GcRequest&);

// --- operations, in few words

codec::Operation mkdir_op(const std::string& path) {
  codec::Mkdir op;
  op.target.path = path;
  op.mode = 0755;
  return op;
}

codec::Operation put_op(const std::string& path, const std::string& bytes) {
  codec::Publish op;
  op.target.path = path;
  op.mode = 0644;
  op.body.bytes = bytes;
  op.body.size = bytes.size();
  return op;
}

codec::Operation remove_op(const std::string& path, bool keep_undo) {
  codec::Remove op;
  op.target.path = path;
  op.keep_undo = keep_undo;
  return op;
}

codec::Operation rename_op(const std::string& from, const std::string& to) {
  codec::Rename op;
  op.from.path = from;
  op.to.path = to;
  return op;
}

codec::Operation snapshot_op(const std::string& name, const std::string& path) {
  codec::SnapshotCreate op;
  op.name = name;
  op.target.path = path;
  return op;
}

codec::Operation append_op(const std::string& path, const std::string& bytes) {
  codec::Append op;
  op.target.path = path;
  op.body.bytes = bytes;
  op.body.size = bytes.size();
  return op;
}

codec::Operation link_op(const std::string& from, const std::string& to) {
  return codec::Link{{from, {}}, {to, {}}};
}

}  // namespace nokv::shard
