#include "shard/service.h"

#include <algorithm>

#include "codec/key.h"
#include "meta/file_log.h"
#include "meta/quotas.h"
#include "meta/read.h"
#include "shard/figures.h"

namespace nokv::shard {

using codec::Method;

namespace {

constexpr size_t kStatTargetsMax = 1000;
constexpr uint32_t kListMax = 10'000;
constexpr size_t kListBytesMax = 4 << 20;
constexpr Duration kInitStoreTime = std::chrono::seconds(2);
constexpr uint64_t kOpenLength = codec::kBlobBytes * 4;

std::unexpected<Error> undecodable(std::string_view body) {
  return fail(Code::invalid_argument, "the request of ", body.size(), " bytes cannot be decoded");
}

// Decodes the request, runs `handle`, encodes its answer.
template <class Request, class Handle>
void answer(std::string_view body, Service::Done& done, const Handle& handle) {
  Request request;
  if (!codec::decode(body, request)) {
    done(undecodable(body));
    return;
  }
  auto reply = handle(request);
  if (!reply) {
    done(std::unexpected(std::move(reply).error()));
  } else {
    done(codec::encoded(*reply));
  }
}

template <class Reply>
auto encode_into(Service::Done done) {
  return [done = std::move(done)](Result<Reply> reply) mutable {
    if (!reply) {
      done(std::unexpected(std::move(reply).error()));
    } else {
      done(codec::encoded(*reply));
    }
  };
}

// What `target` is called, for --at: a path from the root.
Result<std::string> full_path(const meta::State& state, const codec::Target& target) {
  if (!target.id) return target.path.empty() ? "/" : target.path;
  meta::View view = state.view();
  meta::Tree tree(view, meta::kNow);
  NOKV_ASSIGN(auto base, tree.path_of(target.id));
  if (!base) return fail(Code::stale, "node ", target.id.text(), " is no longer in the tree");
  return target.path.empty() ? *base : meta::join_path(*base, target.path);
}

Result<meta::Located> locate(const meta::Tree& tree, const meta::View& view,
                             const meta::Moment& moment, const codec::Target& target, bool follow) {
  if (!target.id) {
    return meta::resolve_path_at(view, moment, target.path.empty() ? "/" : target.path, follow);
  }
  if (!target.id.hops.empty()) {  // what its source shows does not bring it back
    NOKV_ASSIGN(bool removed, tree.is_removed(target.id));
    if (removed) return fail(Code::stale, "node ", target.id.text(), " is no longer in the tree");
  }
  NOKV_ASSIGN(auto names, meta::split_path(target.path, true));
  return tree.resolve(target.id, std::move(names), follow);
}

}  // namespace

Service::Service(const Env& env, Shard& shard, Background& background, object::ObjectStore& store,
                 ServiceOptions options)
    : env_(env),
      shard_(shard),
      background_(background),
      store_(store),
      options_(std::move(options)),
      comparisons_(env.clock, options_.views_max, options_.view_ttl),
      claim_(store, options_.namespace_id),
      watches_(env, shard, background.log()) {}

void Service::look_at_store(Clock::Instant deadline, std::move_only_function<void(Result<>)> done) {
  bool take = shard_.state()->initialised();
  claim_.look(take, deadline, [this, done = std::move(done)](Result<> looked) mutable {
    note_store_error(looked ? std::string() : looked.error().message());
    done(std::move(looked));
  });
}

void Service::with_store(Clock::Instant deadline, Done done,
                         std::move_only_function<void(Done)> then) {
  if (claim_.ours()) return then(std::move(done));
  look_at_store(deadline,
                [done = std::move(done), then = std::move(then)](Result<> looked) mutable {
                  if (looked) return then(std::move(done));
                  done(std::unexpected(std::move(looked).error()));
                });
}

void Service::note_store_error(std::string message) {
  store_error_->with([&](std::string& error) { error = std::move(message); });
}

uint64_t Service::Reading::version() const {
  return moment.version == meta::kNow ? state->record.version : moment.version;
}

int64_t Service::Reading::time_ns() const {
  return moment.version == meta::kNow ? state->record.time_ns : moment.time_ns;
}

// ---- when

Result<Service::Reading> Service::reading(const codec::ReadAt& at, std::string_view path) {
  if (at.view != 0) return held_view(at.view);
  auto state = shard_.state();
  if (!state->initialised()) {
    return std::unexpected(Error(Code::failed_precondition, "there is no namespace here yet")
                               .with_hint("create it with: nokv init"));
  }
  meta::View view = state->view();
  meta::Moment moment;
  if (!at.at.empty()) {
    NOKV_ASSIGN(moment, meta::resolve_at(view, *state->pins, state->record.policy, at.at,
                                         path.empty() ? "/" : path, shard_.now_ns()));
  }
  return Reading{std::move(state), std::move(moment), std::move(view)};
}

Result<Service::Reading> Service::held_view(uint64_t id) {
  return views_.with([&](Views& views) -> Result<Reading> {
    auto found = views.held.find(id);
    if (found == views.held.end() || env_.clock.now() - found->second.used > options_.view_ttl) {
      return std::unexpected(
          Error(Code::stale, "the listing was not asked for in time").with_hint("begin it again"));
    }
    found->second.used = env_.clock.now();
    return Reading{found->second.state, found->second.moment, found->second.state->view()};
  });
}

uint64_t Service::hold_view(const Reading& reading) {
  auto now = env_.clock.now();
  return views_.with([&](Views& views) {
    std::erase_if(views.held,
                  [&](const auto& row) { return now - row.second.used > options_.view_ttl; });
    if (views.held.size() >= options_.views_max) {
      auto oldest =
          std::ranges::min_element(views.held, {}, [](const auto& row) { return row.second.used; });
      views.held.erase(oldest);
    }
    views.held.emplace(++views.last, View{reading.state, reading.moment, now});
    return views.last;
  });
}

void Service::wait_then(uint64_t min_version, Done done, std::move_only_function<void(Done)> read) {
  if (min_version <= shard_.state()->record.version) return read(std::move(done));
  shard_.wait_for(min_version, [done = std::move(done),
                                read = std::move(read)](const Result<uint64_t>& there) mutable {
    if (there) return read(std::move(done));
    done(std::unexpected(there.error()));
  });
}

template <class Request, class Read>
void Service::answer_when_there(std::string_view body, Done done, Read read) {
  Request request;
  if (!codec::decode(body, request)) {
    done(undecodable(body));
    return;
  }
  uint64_t wait = 0;
  if constexpr (requires { request.at.min_version; }) {
    wait = request.at.min_version;
  } else {
    wait = request.min_version;
  }
  wait_then(wait, std::move(done),
            [request = std::move(request), read = std::move(read)](Done answered) {
              using Reply = decltype(read(request))::value_type;
              encode_into<Reply>(std::move(answered))(read(request));
            });
}

// ---- reading

namespace {

Result<std::optional<codec::ClonedFrom>> cloned_from(const meta::Tree& tree, const meta::View& view,
                                                     const codec::NodeId& directory) {
  if (directory.hops.empty()) return std::nullopt;
  NOKV_ASSIGN(auto source, tree.source(directory));
  if (!source) return std::nullopt;
  codec::ClonedFrom out{source->version, source->id};
  meta::Tree now(view, meta::kNow);
  NOKV_ASSIGN(auto node, now.node(source->id));
  if (!node) return out;
  NOKV_ASSIGN(auto path, now.path_of(source->id));
  if (path) out.path = *std::move(path);
  return out;
}

}  // namespace

Result<codec::StatReply> Service::stat(const codec::StatRequest& request) {
  if (request.targets.size() > kStatTargetsMax) {
    return fail(Code::resource_exhausted, request.targets.size(),
                " paths in one request; the "
                "limit is ",
                kStatTargetsMax);
  }
  codec::StatReply reply;
  for (const auto& target : request.targets) {
    std::string path = target.path;
    if (target.id && !request.at.at.empty()) {
      NOKV_ASSIGN(path, full_path(*shard_.state(), target));
    }
    NOKV_ASSIGN(auto at, reading(request.at, path));
    meta::Tree tree(at.view, at.moment.version, at.moment.scope);
    reply.version = at.version();
    reply.time_ns = at.time_ns();
    codec::StatResult result;
    auto located = locate(tree, at.view, at.moment, target, request.follow);
    auto entry = located ? meta::entry_of(tree, *located)
                         : Result<codec::Entry>(std::unexpected(located.error()));
    if (entry) {
      result.entry = *std::move(entry);
      result.entry.path = target.path;
      if (result.entry.kind == codec::Kind::directory) {
        NOKV_ASSIGN(result.entry.cloned_from, cloned_from(tree, at.view, result.entry.id));
      }
    } else {
      result.failure = meta::failure_of(entry.error());
    }
    reply.results.push_back(std::move(result));
  }
  return reply;
}

Result<codec::ListReply> Service::list(const codec::ListRequest& request) {
  NOKV_ASSIGN(auto at, reading(request.at, request.target.path));
  meta::Tree tree(at.view, at.moment.version, at.moment.scope);
  NOKV_ASSIGN(auto located, locate(tree, at.view, at.moment, request.target, true));
  codec::ListReply reply;
  reply.version = at.version();
  reply.time_ns = at.time_ns();
  NOKV_ASSIGN(reply.directory, meta::entry_of(tree, located));
  if (reply.directory.kind != codec::Kind::directory) {
    return fail(Code::not_directory, request.target.path, ": not a directory");
  }
  uint32_t limit = request.limit == 0 ? 1000 : std::min(request.limit, kListMax);
  NOKV_ASSIGN(auto names, tree.list(located.id(), request.after));
  size_t bytes = 0;
  for (;;) {
    NOKV_ASSIGN(bool any, names.next());
    if (!any) break;
    if (reply.entries.size() == limit || bytes > kListBytesMax) {
      reply.more = true;
      break;
    }
    NOKV_ASSIGN(auto entry, meta::entry_of(tree, {{}, names.entry().name, names.entry().dentry}));
    bytes += 128 + entry.name.size() + entry.target.size() + entry.xattrs.size() * 64;
    for (const auto& xattr : entry.xattrs) bytes += xattr.value.size();
    reply.entries.push_back(std::move(entry));
  }
  if (reply.more || request.hold) {
    reply.view = request.at.view != 0 ? request.at.view : hold_view(at);
  }
  return reply;
}

Result<codec::OpenReply> Service::open(const codec::OpenRequest& request, const Caller& caller) {
  std::string path = request.target.path;
  if (request.target.id && !request.at.at.empty()) {
    NOKV_ASSIGN(path, full_path(*shard_.state(), request.target));
  }
  NOKV_ASSIGN(auto at, reading(request.at, path));
  meta::Tree tree(at.view, at.moment.version, at.moment.scope);
  NOKV_ASSIGN(auto located, locate(tree, at.view, at.moment, request.target, true));
  codec::OpenReply reply;
  reply.version = at.version();
  reply.time_ns = at.time_ns();
  NOKV_ASSIGN(reply.entry, meta::entry_of(tree, located));
  reply.entry.path = request.target.path;
  if (reply.entry.kind == codec::Kind::directory) {
    return fail(Code::is_directory, request.target.path, ": is a directory");
  }
  if (reply.entry.kind != codec::Kind::file) {
    return fail(Code::failed_precondition, request.target.path, ": not a regular file");
  }
  if (request.generation != 0 && reply.entry.body.generation != request.generation) {
    return fail(Code::aborted, request.target.path, ": its generation is ",
                reply.entry.body.generation, ", not ", request.generation);
  }
  uint64_t length = request.length == 0 ? kOpenLength : request.length;
  NOKV_ASSIGN(reply.plan, meta::plan_of(tree, located.id(), reply.entry.body, request.offset,
                                        std::min(length, kOpenLength)));
  uint64_t end = request.offset + std::min(length, kOpenLength);
  if (end < std::min(request.offset + length, reply.entry.body.size)) reply.plan.more = true;
  reply.plan.deadline_ns = to_unix_ns(env_.clock.wall()) + options_.plan_ttl.count();
  NOKV_TRY(add_access(caller, reply));
  return reply;
}

// Says how to reach the blobs of the plan: presigned URLs for exactly the blocks it touches, but
// for external ones, to which only the server has a way.
Result<> Service::add_access(const Caller& caller, codec::OpenReply& reply) {
  codec::BodyPlan& plan = reply.plan;
  bool any = std::ranges::any_of(
      plan.extents, [](const auto& extent) { return extent.blob != 0 && extent.bytes.empty(); });
  if (!any) return {};
  plan.access.expires_ns = plan.deadline_ns;
  plan.access.through_server = true;
  if (caller.shares_disk) plan.access.directory = store_.shared_directory();
  if (!plan.access.directory.empty()) return {};
  for (const auto& extent : plan.extents) {
    if (extent.blob == 0 || !extent.bytes.empty() || extent.external) continue;
    auto first = static_cast<uint32_t>(extent.blob_offset / codec::kBlockBytes);
    auto last =
        static_cast<uint32_t>((extent.blob_offset + extent.length - 1) / codec::kBlockBytes);
    for (uint32_t block = first; block <= last; ++block) {
      auto url =
          store_.presign("GET", codec::blob_object_name(extent.blob, block), options_.plan_ttl);
      if (!url) {
        note_store_error(url.error().message());
        return std::unexpected(std::move(url).error());
      }
      if (!*url) return {};
      plan.access.urls.push_back(**std::move(url));
    }
  }
  return {};
}

// ---- about the namespace

Result<codec::SnapshotsReply> Service::snapshots(const codec::SnapshotsRequest& request) {
  NOKV_ASSIGN(auto at, reading({}, {}));
  codec::SnapshotsReply reply;
  auto rows =
      at.state->snapshot->iterate(codec::table_key(codec::Table::snapshot),
                                  codec::prefix_end(codec::table_key(codec::Table::snapshot)));
  const std::string& below = request.target.path;
  auto wanted = [&](const std::string& path) {
    return below.empty() || below == "/" || path == below || path.starts_with(below + "/");
  };
  std::map<uint64_t, bool> named;
  for (rows->seek(codec::table_key(codec::Table::snapshot)); rows->valid(); rows->next()) {
    codec::SnapshotRecord record;
    if (!codec::decode(rows->value(), record)) return meta::damaged(rows->key());
    named[record.pin] = true;
    if (!wanted(record.path)) continue;
    reply.snapshots.push_back({std::string(rows->key().substr(1)), record.pin,
                               codec::PinKind::snapshot, record.path, record.version,
                               record.time_ns, record.expires_ns, record.labels});
  }
  NOKV_TRY(rows->status());
  if (request.all_pins) {
    for (const auto& [id, record] : at.state->pins->all()) {
      const codec::PinRecord& pin = *record;
      if (named.contains(id) || pin.going || !wanted(pin.path)) continue;
      reply.snapshots.push_back(
          {"", id, pin.kind, pin.path, pin.version, pin.time_ns, pin.expires_ns, {}});
    }
  }
  std::ranges::sort(reply.snapshots, {}, [](const codec::SnapshotInfo& info) {
    return std::pair(info.version, info.id);
  });
  return reply;
}

Result<codec::LogReply> Service::log(const codec::LogRequest& request) {
  NOKV_ASSIGN(auto at, reading({}, {}));
  NOKV_ASSIGN(std::string path, full_path(*at.state, request.target));
  size_t limit = request.limit == 0 ? 100 : std::min<size_t>(request.limit, 10'000);
  codec::LogReply reply;
  NOKV_ASSIGN(reply.entries, meta::file_log(*at.state, path));
  reply.more = reply.entries.size() > limit;
  if (reply.more) reply.entries.resize(limit);
  return reply;
}

Result<codec::QuotaReply> Service::quota(const codec::QuotaRequest& request) {
  std::string path = request.target.path;
  if (request.target.id && !request.at.at.empty()) {
    NOKV_ASSIGN(path, full_path(*shard_.state(), request.target));
  }
  NOKV_ASSIGN(auto at, reading(request.at, path));
  meta::Tree tree(at.view, at.moment.version, at.moment.scope);
  NOKV_ASSIGN(auto located, locate(tree, at.view, at.moment, request.target, true));
  if (located.dentry.kind != codec::Kind::directory) {
    return fail(Code::not_directory, request.target.path, ": not a directory");
  }
  meta::Moment top = at.moment;
  if (!top.scope) {
    NOKV_ASSIGN(top.scope, tree.root());
    top.path = "/";
  }
  codec::QuotaReply reply{at.version(), at.time_ns(), {}};
  NOKV_ASSIGN(reply.quotas, meta::quotas_above(tree, located.id(), top.scope, top.path));
  return reply;
}

Result<codec::QuotasReply> Service::quotas(const codec::QuotasRequest& request) {
  NOKV_ASSIGN(auto at, reading({}, {}));
  meta::Tree tree(at.view, meta::kNow);
  NOKV_ASSIGN(auto located, locate(tree, at.view, at.moment, request.target, true));
  if (located.dentry.kind != codec::Kind::directory) {
    return fail(Code::not_directory, request.target.path, ": not a directory");
  }
  constexpr uint32_t kQuotasMax = 1000;
  uint32_t limit = request.limit == 0 ? kQuotasMax : std::min(request.limit, kQuotasMax);
  NOKV_ASSIGN(auto page, meta::quotas_below(tree, located.id(), request.after, limit));
  return codec::QuotasReply{at.version(), at.time_ns(), std::move(page.quotas), page.more,
                            page.more ? page.next : codec::NodeId()};
}

Result<ComparedSide> Service::compared(const meta::State& state, const codec::Target& target,
                                       const std::string& at) {
  ComparedSide out;
  NOKV_ASSIGN(out.path, full_path(state, target));
  meta::View view = state.view();
  if (!at.empty()) {
    NOKV_ASSIGN(out.moment, meta::resolve_at(view, *state.pins, state.record.policy, at, out.path,
                                             shard_.now_ns()));
  }
  out.version = out.moment.version == meta::kNow ? state.record.version : out.moment.version;
  NOKV_ASSIGN(out.located, meta::resolve_path_at(view, out.moment, out.path, true));
  return out;
}

Result<codec::DiffReply> Service::diff(const codec::DiffRequest& request) {
  if (request.cursor != 0) return comparisons_.next(request.cursor, request.limit);
  NOKV_ASSIGN(auto now, reading({}, {}));
  NOKV_ASSIGN(auto a, compared(*now.state, request.a, request.from));
  NOKV_ASSIGN(auto b, compared(*now.state, request.b, request.to));
  return comparisons_.begin(now.state, a, b, request.from_base, request.limit);
}

Result<codec::StatusReply> Service::status() {
  auto state = shard_.state();
  codec::StatusReply reply;
  reply.initialised = state->initialised();
  reply.version = state->record.version;
  reply.time_ns = state->record.time_ns;
  reply.server_version = options_.server_version;
  reply.object_store = store_.description();
  reply.object_store_error = store_error_->with([](std::string& error) { return error; });
  reply.directory = options_.directory;
  reply.namespace_id = options_.namespace_id;
  background_.backups().tell(reply);
  if (reply.initialised) {
    meta::View view = state->view();
    meta::Tree tree(view, meta::kNow);
    NOKV_ASSIGN(auto root, tree.root());
    NOKV_ASSIGN(auto node, tree.node(root));
    if (node && node->directory) reply.totals = node->directory->totals;
  }
  return reply;
}

// What a plan cannot know: whether the server may read what is to be a body.
Result<> Service::check_external(const codec::CommitRequest& request) {
  for (const auto& box : request.operations) {
    const codec::NewBody* body = nullptr;
    if (const auto* publish = std::get_if<codec::Publish>(&box.op)) body = &publish->body;
    if (const auto* append = std::get_if<codec::Append>(&box.op)) body = &append->body;
    if (body == nullptr || !body->external) continue;
    NOKV_TRY(background_.externals().check(*body->external));
  }
  return {};
}

void Service::commit(codec::CommitRequest request, const Caller& caller, Done done) {
  if (auto good = check_external(request); !good) {
    return done(std::unexpected(std::move(good).error()));
  }
  shard_.commit(std::move(request), caller.principal,
                encode_into<codec::CommitReply>(std::move(done)));
}

// ---- dispatch

void Service::call(Method method, std::string_view body, const Caller& caller, Done done) {
  switch (method) {
    case Method::ping:
      done(std::string());
      return;
    case Method::init: {
      codec::InitRequest request;
      if (!codec::decode(body, request)) break;
      shard_.init(request.policy, [this, done = std::move(done)](Result<bool> created) mutable {
        if (!created) return done(std::unexpected(std::move(created).error()));
        // A store that does not work is told with the answer; it stops nobody.
        look_at_store(env_.clock.now() + kInitStoreTime,
                      [this, created = *created, done = std::move(done)](const Result<>&) mutable {
                        auto reply = status();
                        if (reply) reply->created = created;
                        encode_into<codec::StatusReply>(std::move(done))(std::move(reply));
                      });
      });
      return;
    }
    case Method::status:
      encode_into<codec::StatusReply>(std::move(done))(status());
      return;
    case Method::commit: {
      codec::CommitRequest request;
      if (!codec::decode(body, request)) break;
      commit(std::move(request), caller, std::move(done));
      return;
    }
    case Method::stat:
      answer_when_there<codec::StatRequest>(
          body, std::move(done),
          [this](const codec::StatRequest& request) { return stat(request); });
      return;
    case Method::list:
      answer_when_there<codec::ListRequest>(
          body, std::move(done),
          [this](const codec::ListRequest& request) { return list(request); });
      return;
    case Method::open:
      answer_when_there<codec::OpenRequest>(
          body, std::move(done),
          [this, caller](const codec::OpenRequest& request) { return open(request, caller); });
      return;
    case Method::access: {
      codec::AccessRequest request;
      if (!codec::decode(body, request)) break;
      with_store(caller.deadline, std::move(done), [this, request, caller](Done answered) {
        encode_into<codec::BlobAccess>(std::move(answered))(access(request, caller));
      });
      return;
    }
    case Method::put_block: {
      codec::PutBlockRequest request;
      if (!codec::decode(body, request)) break;
      with_store(caller.deadline, std::move(done),
                 [this, request = std::move(request), caller](Done answered) {
                   put_block(request, caller, std::move(answered));
                 });
      return;
    }
    case Method::get_block: {
      codec::GetBlockRequest request;
      if (!codec::decode(body, request)) break;
      get_block(request, caller, std::move(done));
      return;
    }
    case Method::snapshots:
      answer<codec::SnapshotsRequest>(body, done,
                                      [&](const auto& request) { return snapshots(request); });
      return;
    case Method::log:
      answer<codec::LogRequest>(body, done, [&](const auto& request) { return log(request); });
      return;
    case Method::quota:
      answer_when_there<codec::QuotaRequest>(
          body, std::move(done),
          [this](const codec::QuotaRequest& request) { return quota(request); });
      return;
    case Method::quotas:
      answer_when_there<codec::QuotasRequest>(
          body, std::move(done),
          [this](const codec::QuotasRequest& request) { return quotas(request); });
      return;
    case Method::diff:
      answer_when_there<codec::DiffRequest>(
          body, std::move(done),
          [this](const codec::DiffRequest& request) { return diff(request); });
      return;
    case Method::watch: {
      codec::WatchRequest request;
      if (!codec::decode(body, request)) break;
      watches_.poll(std::move(request), caller.deadline,
                    encode_into<codec::WatchReply>(std::move(done)));
      return;
    }
    case Method::policy:
      done(codec::encoded(codec::PolicyReply{shard_.state()->record.policy}));
      return;
    case Method::gc: {
      codec::GcRequest request;
      if (!codec::decode(body, request)) break;
      std::optional<Duration> grace;
      if (request.grace_ns) {
        if (*request.grace_ns < 0) {
          done(fail(Code::invalid_argument, "a grace period is not negative"));
          return;
        }
        grace = Duration(*request.grace_ns);
      }
      background_.run_gc(grace, encode_into<codec::GcReply>(std::move(done)));
      return;
    }
    case Method::checkpoint:
      background_.run_checkpoint([done = std::move(done)](Result<> made) mutable {
        if (made) {
          done(std::string());
        } else {
          done(std::unexpected(std::move(made).error()));
        }
      });
      return;
    case Method::sync: {
      codec::SyncRequest request;
      if (!codec::decode(body, request)) break;
      shard_.wait_for(request.version, [done = std::move(done)](Result<uint64_t> synced) mutable {
        if (!synced) return done(std::unexpected(std::move(synced).error()));
        done(codec::encoded(codec::SyncReply{*synced}));
      });
      return;
    }
    case Method::fsck: {
      codec::FsckRequest request;
      if (!codec::decode(body, request)) break;
      background_.checker().fsck(std::move(request), caller.deadline,
                                 encode_into<codec::FsckReply>(std::move(done)));
      return;
    }
    case Method::space:
      background_.space().rows(caller.deadline, encode_into<codec::SpaceReply>(std::move(done)));
      return;
    case Method::backup: {
      codec::BackupRequest request;
      if (!codec::decode(body, request)) break;
      background_.backups().make(std::move(request.to),
                                 encode_into<codec::BackupReply>(std::move(done)));
      return;
    }
    case Method::backups: {
      codec::BackupsRequest request;
      if (!codec::decode(body, request)) break;
      background_.backups().list(std::move(request.to),
                                 encode_into<codec::BackupsReply>(std::move(done)));
      return;
    }
    case Method::backup_remove: {
      codec::BackupRemoveRequest request;
      if (!codec::decode(body, request)) break;
      background_.backups().remove(std::move(request.to), std::move(request.id),
                                   encode_into<codec::BackupsReply>(std::move(done)));
      return;
    }
    case Method::list_objects: {
      codec::ListObjectsRequest request;
      if (!codec::decode(body, request)) break;
      background_.externals().list(request, caller.deadline,
                                   encode_into<codec::ListObjectsReply>(std::move(done)));
      return;
    }
    case Method::stats:
      done(codec::encoded(codec::Bytes{figures_json(background_, store_)}));
      return;
    default:
      done(fail(Code::unimplemented, "method ", static_cast<uint32_t>(method),
                " is not known to this server"));
      return;
  }
  done(undecodable(body));
}

}  // namespace nokv::shard
