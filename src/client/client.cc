#include "client/client.h"

#include <algorithm>
#include <utility>

#include "client/core.h"

namespace nokv {

using client::CallOptions;
using client::Committed;
using client::WriteOptions;
using codec::Method;

namespace {

// A request without fields.
struct Empty {
  static void fields(auto& /*self*/, auto& /*f*/) {}
};

constexpr size_t kStatTargetsMax = 1000;

std::vector<codec::OperationBox> boxed(std::vector<codec::Operation> operations) {
  std::vector<codec::OperationBox> boxes;
  boxes.reserve(operations.size());
  for (auto& operation : operations) boxes.push_back({std::move(operation)});
  return boxes;
}

}  // namespace

Client::Client(client::ClientParts parts, client::ClientOptions options)
    : core_(std::make_unique<client::Core>(std::move(parts), std::move(options))) {}

Client::~Client() {
  client::Wait<> closed;
  Duration most = std::min<Duration>(core_->options.deadline, std::chrono::milliseconds(500));
  core_->session.close(core_->env.clock.now() + most, closed.done());
  // When the server does not hear it the session expires.
  (void)closed.wait();
}

Result<> Client::close(const CallOptions& options) {
  client::Wait<> closed;
  core_->session.close(core_->deadline(options), closed.done());
  return closed.wait(options.stop);
}

Client::Counters Client::counters() const {
  auto session = core_->session.counters();
  auto caller = core_->caller.counters();
  auto blocks = core_->blocks.counters();
  return {.requests = session.requests + caller.requests,
          .retries = session.retries + caller.retries + blocks.retries,
          .blocks_put = blocks.puts,
          .blocks_fetched = blocks.gets,
          .blocks_cached = core_->cache.hits(),
          .buffer_bytes_peak = core_->memory->peak()};
}

// ---- changes

Result<codec::CommitReply> Client::commit(std::vector<codec::Operation> operations,
                                          const WriteOptions& options) {
  return core_->commit(boxed(std::move(operations)), options);
}

Result<Committed> Client::commit_one(codec::Operation operation, const WriteOptions& options) {
  std::vector<codec::OperationBox> boxes;
  boxes.push_back({std::move(operation)});
  NOKV_ASSIGN(codec::CommitReply reply, core_->commit(std::move(boxes), options));
  return client::only_result(std::move(reply));
}

Result<Committed> Client::mkdir(codec::Mkdir op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::remove(codec::Remove op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::rename(codec::Rename op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::link(codec::Link op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::make_node(codec::MakeNode op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::symlink(std::string link_target, codec::Target at,
                                  const WriteOptions& options) {
  return commit_one(codec::MakeNode{.target = std::move(at),
                                    .kind = codec::Kind::symlink,
                                    .link_target = std::move(link_target),
                                    .mode = 0777},
                    options);
}
Result<Committed> Client::set_attributes(codec::SetAttributes op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::set_xattr(codec::SetXattr op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::remove_xattr(codec::Target target, std::string name,
                                       const WriteOptions& options) {
  return commit_one(codec::SetXattr{.target = std::move(target), .name = std::move(name)}, options);
}
Result<Committed> Client::copy(codec::Copy op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::clone(codec::Clone op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::rollback(codec::Rollback op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::undelete(codec::Undelete op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::snapshot_create(codec::SnapshotCreate op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::snapshot_remove(codec::SnapshotRemove op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::snapshot_renew(codec::SnapshotRenew op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::set_quota(codec::SetQuota op, const WriteOptions& options) {
  return commit_one(std::move(op), options);
}
Result<Committed> Client::set_policy(codec::RetentionPolicy policy, const WriteOptions& options) {
  return commit_one(codec::SetPolicy{std::move(policy)}, options);
}

Result<uint64_t> Client::sync(const CallOptions& options) {
  client::Wait<uint64_t> synced;
  core_->session.sync(core_->deadline(options), synced.done());
  return synced.wait(options.stop);
}

// ---- reading

Result<client::Stat> Client::stat(codec::Target target, const client::StatOptions& options) {
  std::vector<codec::Target> targets;
  targets.push_back(std::move(target));
  NOKV_ASSIGN(codec::StatReply reply, stat_many(std::move(targets), options));
  codec::StatResult& result = reply.results.front();
  if (result.failure.code != Code::ok) {
    return std::unexpected(Error(result.failure.code, std::move(result.failure.message))
                               .with_hint(std::move(result.failure.hint)));
  }
  return client::Stat{reply.version, reply.time_ns, std::move(result.entry)};
}

Result<codec::StatReply> Client::stat_many(std::vector<codec::Target> targets,
                                           const client::StatOptions& options) {
  codec::StatReply all;
  codec::ReadAt at = core_->seen(options.at);
  for (size_t from = 0; from < targets.size(); from += kStatTargetsMax) {
    size_t to = std::min(targets.size(), from + kStatTargetsMax);
    codec::StatRequest request{.at = at, .follow = options.follow};
    request.targets.assign(std::move_iterator(targets.begin() + static_cast<ptrdiff_t>(from)),
                           std::move_iterator(targets.begin() + static_cast<ptrdiff_t>(to)));
    NOKV_ASSIGN(auto reply, core_->ask<codec::StatReply>(Method::stat, request, options.call));
    if (reply.results.size() != to - from) {
      return fail(Code::data_loss, "asked for ", to - from, " nodes, got ", reply.results.size());
    }
    if (from == 0) {
      all = std::move(reply);
    } else {
      std::ranges::move(reply.results, std::back_inserter(all.results));
    }
  }
  return all;
}

client::Wait<codec::ListReply> Client::ask_page(codec::ListRequest request,
                                                const CallOptions& options) {
  request.at = core_->seen(std::move(request.at));
  client::Wait<codec::ListReply> page;
  core_->caller.ask<codec::ListReply>(Method::list, request, core_->deadline(options), page.done());
  return page;
}

Result<codec::ListReply> Client::list_page(codec::ListRequest request, const CallOptions& options) {
  return ask_page(std::move(request), options).wait(options.stop);
}

client::Lister Client::list(client::ListOptions options) { return {*this, std::move(options)}; }

codec::ListRequest client::Lister::next_request() const {
  codec::ListRequest request{.target = options_.target,
                             .at = options_.at,
                             .after = options_.after,
                             .limit = options_.page};
  if (pages_ > 0) {
    request.at.view = page_.view;
    request.at.min_version = 0;
  }
  return request;
}

Result<> client::Lister::next_page() {
  auto coming =
      ahead_ ? *std::exchange(ahead_, {}) : client_.ask_page(next_request(), options_.call);
  at_ = 0;
  page_.entries.clear();
  page_.more = false;
  if (pages_ == 0) pages_ = 1;  // after an error it is at its end
  NOKV_ASSIGN(page_, coming.wait(options_.call.stop));
  if (page_.entries.empty()) page_.more = false;
  if (!page_.entries.empty()) options_.after = page_.entries.back().name;
  // Who reads a second page is likely to read them all.
  if (page_.more && pages_ > 1) ahead_ = client_.ask_page(next_request(), options_.call);
  ++pages_;
  return {};
}

Result<std::optional<codec::Entry>> client::Lister::next() {
  while (at_ == page_.entries.size()) {
    if (pages_ > 0 && !page_.more) return std::nullopt;
    NOKV_TRY(next_page());
  }
  return std::move(page_.entries[at_++]);
}

Result<codec::SnapshotsReply> Client::snapshots(const codec::SnapshotsRequest& request,
                                                const CallOptions& options) {
  return core_->ask<codec::SnapshotsReply>(Method::snapshots, request, options);
}

Result<codec::DiffReply> Client::diff(codec::DiffRequest request, const CallOptions& options) {
  request.min_version = std::max(request.min_version, core_->seen({}).min_version);
  return core_->ask<codec::DiffReply>(Method::diff, request, options);
}

Result<codec::QuotaReply> Client::quota(codec::QuotaRequest request, const CallOptions& options) {
  request.at = core_->seen(std::move(request.at));
  return core_->ask<codec::QuotaReply>(Method::quota, request, options);
}

Result<codec::QuotasReply> Client::quotas(codec::QuotasRequest request,
                                          const CallOptions& options) {
  request.min_version = std::max(request.min_version, core_->seen({}).min_version);
  return core_->ask<codec::QuotasReply>(Method::quotas, request, options);
}

Result<codec::LogReply> Client::log(const codec::LogRequest& request, const CallOptions& options) {
  return core_->ask<codec::LogReply>(Method::log, request, options);
}

Result<client::Watcher> Client::watch(const client::WatchOptions& options) {
  client::Watcher watcher(*core_, options);
  NOKV_TRY(watcher.begin());
  return watcher;
}

// ---- the server

Result<> Client::ping(const CallOptions& options) { return core_->tell(Method::ping, {}, options); }

Result<codec::StatusReply> Client::init(const codec::InitRequest& request,
                                        const CallOptions& options) {
  return core_->ask<codec::StatusReply>(Method::init, request, options);
}

Result<codec::StatusReply> Client::status(const CallOptions& options) {
  return core_->ask<codec::StatusReply>(Method::status, Empty{}, options);
}

Result<codec::SpaceReply> Client::space(const CallOptions& options) {
  return core_->ask<codec::SpaceReply>(Method::space, Empty{}, options);
}

Result<codec::GcReply> Client::gc(const codec::GcRequest& request, const CallOptions& options) {
  return core_->ask<codec::GcReply>(Method::gc, request, options);
}

Result<codec::FsckReply> Client::fsck(const codec::FsckRequest& request,
                                      const CallOptions& options) {
  return core_->ask<codec::FsckReply>(Method::fsck, request, options);
}

Result<> Client::checkpoint(const CallOptions& options) {
  return core_->tell(Method::checkpoint, {}, options);
}

Result<codec::BackupReply> Client::backup(const codec::BackupRequest& request,
                                          const CallOptions& options) {
  return core_->ask<codec::BackupReply>(Method::backup, request, options);
}

Result<codec::BackupsReply> Client::backups(const codec::BackupsRequest& request,
                                            const CallOptions& options) {
  return core_->ask<codec::BackupsReply>(Method::backups, request, options);
}

Result<codec::BackupsReply> Client::backup_remove(const codec::BackupRemoveRequest& request,
                                                  const CallOptions& options) {
  return core_->ask<codec::BackupsReply>(Method::backup_remove, request, options);
}

Result<codec::ListObjectsReply> Client::list_objects(const codec::ListObjectsRequest& request,
                                                     const CallOptions& options) {
  return core_->ask<codec::ListObjectsReply>(Method::list_objects, request, options);
}

Result<codec::PolicyReply> Client::policy(const CallOptions& options) {
  return core_->ask<codec::PolicyReply>(Method::policy, Empty{}, options);
}

Result<std::string> Client::server_stats(const CallOptions& options) {
  NOKV_ASSIGN(auto reply, core_->ask<codec::Bytes>(Method::stats, Empty{}, options));
  return std::move(reply.bytes);
}

}  // namespace nokv
