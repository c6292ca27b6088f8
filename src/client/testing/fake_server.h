// A namespace of a few rules behind a Transport, with faults to order: for the client's tests.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/env/executor.h"
#include "base/result.h"
#include "client/transport.h"
#include "codec/message.h"
#include "codec/rpc.h"

namespace nokv::client {

enum class Fault : uint8_t {
  none,
  lose_request,  // unavailable; it never arrived
  lose_reply,    // unavailable, maybe_done; it took effect
  overload,      // the queue is full
  refuse,        // not_found
  hang,          // no answer until the attempt times out; it took effect
};

// Sessions, uploads and whole files; directories and versions it does not know. Thread-safe.
class FakeServer {
 public:
  struct File {
    codec::NewBody body;
    uint64_t generation = 0;
  };
  struct Upload {
    uint64_t first = 0;
    uint64_t count = 0;
    bool open = true;
  };

  // The next commits, in order, meet these.
  std::deque<Fault> commit_faults;
  // The next requests of other methods meet these.
  std::map<codec::Method, std::deque<Fault>> faults;
  // What clients are told of reaching blocks.
  codec::BlobAccess access;
  // When set, makes the URL of an object.
  std::function<std::string(const std::string& name)> url;
  // The blocks that went through the server, by object name.
  std::map<std::string, std::string> blocks;
  std::map<uint64_t, File> files;  // by NodeId origin
  std::map<std::string, uint64_t> names;
  std::map<uint64_t, Upload> uploads;
  // How long a plan is good for.
  Duration plan_valid = std::chrono::minutes(30);
  int64_t now_ns = 0;

  // What took effect: the session's number, the sequence, the number of operations.
  struct Effect {
    codec::SessionId session;
    uint64_t sequence = 0;
    std::vector<codec::OperationBox> operations;
    uint64_t version = 0;
  };
  std::vector<Effect> effects;
  std::vector<codec::CommitRequest> requests;  // all commits that arrived
  std::map<codec::Method, uint64_t> calls;
  std::map<codec::SessionId, bool> sessions;  // true: closed
  bool sync_by_itself = true;                 // early effects are durable when somebody asks

  // The process dies: what was early and not synced is gone, connections break.
  void restart() {
    std::lock_guard lock(mutex_);
    while (!effects.empty() && effects.back().version > durable_) {
      results_.erase({effects.back().session, effects.back().sequence});
      version_ = effects.back().version - 1;
      effects.pop_back();
    }
    sessions = durable_sessions_;
    attaches_.clear();
    ++connection_;
  }
  void expire_sessions() {
    std::lock_guard lock(mutex_);
    sessions.clear();
    results_.clear();
  }
  uint64_t connection() const {
    std::lock_guard lock(mutex_);
    return connection_;
  }

  // Nullopt: no answer.
  std::optional<Result<std::string>> handle(codec::Method method, const std::string& body) {
    std::lock_guard lock(mutex_);
    ++calls[method];
    auto& script = method == codec::Method::commit ? commit_faults : faults[method];
    Fault fault = Fault::none;
    if (!script.empty()) {
      fault = script.front();
      script.pop_front();
    }
    if (fault == Fault::lose_request) return fail(Code::unavailable, "no connection");
    if (fault == Fault::overload) return fail(Code::overloaded, "the queue is full");
    if (fault == Fault::refuse) return fail(Code::not_found, "ordered to refuse");
    Result<std::string> reply = answer(method, body);
    if (fault == Fault::lose_reply) return fail_maybe_done(Code::unavailable, "connection lost");
    if (fault == Fault::hang) return std::nullopt;
    return reply;
  }

 private:
  Result<std::string> answer(codec::Method method, const std::string& body) {
    switch (method) {
      case codec::Method::commit:
        return commit(body);
      case codec::Method::sync: {
        if (sync_by_itself) make_durable();
        return codec::encoded(codec::SyncReply{.synced = durable_});
      }
      case codec::Method::access:
        return give_access(body);
      case codec::Method::put_block:
        return put_block(body);
      case codec::Method::get_block:
        return get_block(body);
      case codec::Method::open:
        return open(body);
      case codec::Method::list:
        return list(body);
      default:
        return std::string();
    }
  }

  void make_durable() {
    durable_ = version_;
    durable_sessions_ = sessions;
  }

  Result<std::string> commit(const std::string& body) {
    codec::CommitRequest request;
    if (!codec::decode(body, request)) return fail(Code::invalid_argument, "no commit");
    requests.push_back(request);
    if (request.session != codec::SessionId{}) {
      auto key = std::pair(request.session, request.sequence);
      if (request.open_session) sessions.emplace(request.session, false);
      auto session = sessions.find(request.session);
      if (session == sessions.end() || session->second) {
        return fail_maybe_done(Code::session_expired, "no such session");
      }
      uint64_t& attach = attaches_[request.session];
      if (request.attach < attach) return fail(Code::stale, "an older attachment");
      attach = request.attach;
      if (auto found = results_.find(key); found != results_.end()) return found->second;
      uint64_t& acked = acked_[request.session];
      acked = std::max(acked, request.acked_below);
      if (request.sequence < acked) return fail(Code::stale, "below the window");
      if (request.sequence >= acked + codec::kSessionWindow) {
        return fail(Code::overloaded, "beyond the window");
      }
      if (request.close_session) session->second = true;
      auto reply = execute(request);
      if (reply) results_[key] = *reply;
      return reply;
    }
    return execute(request);
  }

  Result<std::string> execute(const codec::CommitRequest& request) {
    codec::CommitReply reply;
    if (request.dry_run) {
      reply.results.resize(request.operations.size());
      return codec::encoded(reply);
    }
    reply.version = ++version_;
    for (const auto& box : request.operations) {
      auto result = operation(box.op);
      if (!result) {
        --version_;
        return std::unexpected(std::move(result).error());
      }
      reply.results.push_back(*result);
    }
    effects.push_back({request.session, request.sequence, request.operations, version_});
    if (request.durability == codec::Durability::durable) make_durable();
    reply.synced = durable_;
    return codec::encoded(reply);
  }

  Result<codec::OperationResult> operation(const codec::Operation& op) {
    codec::OperationResult result;
    if (const auto* opening = std::get_if<codec::OpenUpload>(&op)) {
      result.upload = ++last_id_;
      result.first_blob = last_id_ + 1;
      last_id_ += opening->blobs;
      uploads[result.upload] = {result.first_blob, opening->blobs, true};
    } else if (const auto* closing = std::get_if<codec::CloseUpload>(&op)) {
      uploads[closing->upload].open = false;
    } else if (const auto* publish = std::get_if<codec::Publish>(&op)) {
      if (refuse_path && publish->target.path == *refuse_path) {
        return fail(Code::already_exists, publish->target.path, " is there");
      }
      uint64_t upload = publish->body.upload;
      if (upload != 0 && !uploads[upload].open) return fail(Code::failed_precondition, "closed");
      auto [name, made] = names.emplace(publish->target.path, last_id_ + 1);
      if (made) ++last_id_;
      files[name->second] = {publish->body, version_};
      result.path = publish->target.path;
      result.id = {name->second, {}};
      result.created = made;
      result.generation = version_;
      result.size = publish->body.size;
    }
    return result;
  }

  codec::BlobAccess access_to(uint64_t first_blob, uint64_t bytes, uint32_t first, uint32_t count) {
    codec::BlobAccess given = access;
    for (uint32_t block = first; url && block < first + count && block < codec::block_count(bytes);
         ++block) {
      constexpr uint32_t kPer = codec::kBlobBytes / codec::kBlockBytes;
      given.urls.push_back(url(codec::blob_object_name(first_blob + block / kPer, block % kPer)));
    }
    return given;
  }

  Result<std::string> give_access(const std::string& body) {
    codec::AccessRequest request;
    if (!codec::decode(body, request)) return fail(Code::invalid_argument, "no request");
    return codec::encoded(
        access_to(request.first_blob, request.bytes, request.first_block, request.blocks));
  }

  Result<std::string> put_block(const std::string& body) {
    codec::PutBlockRequest request;
    if (!codec::decode(body, request)) return fail(Code::invalid_argument, "no request");
    if (!uploads[request.upload].open) return fail(Code::failed_precondition, "closed");
    blocks[codec::blob_object_name(request.blob, request.block)] = request.bytes;
    return std::string();
  }

  Result<std::string> get_block(const std::string& body) {
    codec::GetBlockRequest request;
    if (!codec::decode(body, request)) return fail(Code::invalid_argument, "no request");
    auto found = blocks.find(codec::blob_object_name(request.blob, request.block));
    if (found == blocks.end()) return fail(Code::not_found, "no object");
    return codec::encoded(codec::Bytes{found->second.substr(request.offset, request.length)});
  }

  Result<std::string> open(const std::string& body) {
    codec::OpenRequest request;
    if (!codec::decode(body, request)) return fail(Code::invalid_argument, "no request");
    auto name = names.find(request.target.path);
    uint64_t id = name == names.end() ? request.target.id.origin : name->second;
    auto found = files.find(id);
    if (found == files.end()) return fail(Code::not_found, request.target.path, " is not there");
    const File& file = found->second;
    if (request.generation != 0 && request.generation != file.generation) {
      return fail(Code::aborted, "generation is ", file.generation);
    }
    codec::OpenReply reply;
    reply.version = version_;
    reply.entry.path = request.target.path;
    reply.entry.id = {id, {}};
    reply.entry.kind = codec::Kind::file;
    reply.entry.body.size = file.body.size;
    reply.entry.body.generation = file.generation;
    reply.entry.body.digest = file.body.digest;
    reply.plan.deadline_ns = now_ns + plan_valid.count();
    plan(file.body, request, reply.plan);
    return codec::encoded(reply);
  }

  void plan(const codec::NewBody& body, const codec::OpenRequest& request, codec::BodyPlan& plan) {
    uint64_t length = request.length != 0 ? request.length : 4 * codec::kBlobBytes;
    uint64_t end = std::min(body.size, request.offset + length);
    if (!body.bytes.empty()) {
      plan.extents.push_back({.length = body.size,
                              .blob_bytes = body.size,
                              .block_crcs = body.block_crcs,
                              .bytes = body.bytes});
      return;
    }
    for (uint64_t at = request.offset; at < end;) {
      uint64_t index = at / codec::kBlobBytes;
      uint64_t start = index * codec::kBlobBytes;
      uint64_t blob_bytes = std::min(codec::kBlobBytes, body.size - start);
      uint64_t stop = std::min(end, start + blob_bytes);
      auto first = static_cast<ptrdiff_t>(index * (codec::kBlobBytes / codec::kBlockBytes));
      codec::PlanExtent extent{.offset = at,
                               .length = stop - at,
                               .blob = body.first_blob + index,
                               .blob_offset = at - start,
                               .blob_bytes = blob_bytes};
      extent.block_crcs.assign(body.block_crcs.begin() + first,
                               body.block_crcs.begin() + first + codec::block_count(blob_bytes));
      auto first_block = static_cast<uint32_t>(extent.blob_offset / codec::kBlockBytes);
      auto last =
          static_cast<uint32_t>((extent.blob_offset + extent.length - 1) / codec::kBlockBytes);
      auto given = access_to(extent.blob, blob_bytes, first_block, last - first_block + 1);
      plan.access.urls.insert(plan.access.urls.end(), given.urls.begin(), given.urls.end());
      plan.extents.push_back(std::move(extent));
      at = stop;
    }
    plan.access.directory = access.directory;
    plan.access.through_server = access.through_server;
    plan.more = end < body.size;
  }

  Result<std::string> list(const std::string& body) {
    codec::ListRequest request;
    if (!codec::decode(body, request)) return fail(Code::invalid_argument, "no request");
    codec::ListReply reply;
    reply.version = request.at.view != 0 ? request.at.view : version_;
    reply.view = reply.version;
    for (auto it = names.upper_bound(request.after); it != names.end(); ++it) {
      if (files[it->second].generation > reply.version) continue;
      if (reply.entries.size() == request.limit) {
        reply.more = true;
        break;
      }
      reply.entries.push_back({.name = it->first, .kind = codec::Kind::file});
    }
    return codec::encoded(reply);
  }

 public:
  std::optional<std::string> refuse_path;

 private:
  mutable std::mutex mutex_;
  uint64_t version_ = 0;
  uint64_t durable_ = 0;
  uint64_t last_id_ = 0;
  uint64_t connection_ = 1;
  std::map<codec::SessionId, bool> durable_sessions_;
  std::map<codec::SessionId, uint64_t> attaches_;
  std::map<codec::SessionId, uint64_t> acked_;
  std::map<std::pair<codec::SessionId, uint64_t>, std::string> results_;
};

// Requests take `latency` there, and replies as long back. Server and executor outlive it.
class FakeTransport final : public Transport {
 public:
  FakeTransport(FakeServer& server, Executor& executor,
                Duration latency = std::chrono::microseconds(50))
      : state_(std::make_shared<State>(server, executor, latency)) {}
  ~FakeTransport() override {
    std::map<uint64_t, Done> calls;
    {
      std::lock_guard lock(state_->mutex);
      calls.swap(state_->calls);
    }
    for (auto& [id, done] : calls) done(fail_maybe_done(Code::cancelled, "closed"));
  }

  void call(codec::Method method, std::string body, Duration timeout, Done done) override {
    uint64_t id = state_->add(std::move(done));
    uint64_t sent_on = state_->server.connection();
    state_->executor.after(
        state_->latency, [state = state_, id, method, body = std::move(body), timeout, sent_on] {
          if (state->server.connection() != sent_on) return state->lost(id);
          auto reply = state->server.handle(method, body);
          Duration back = reply ? state->latency : timeout;
          if (!reply) reply = fail_maybe_done(Code::cancelled, "no answer in time");
          state->executor.after(back, [state, id, sent_on, reply = std::move(*reply)]() mutable {
            if (state->server.connection() != sent_on) return state->lost(id);
            state->finish(id, std::move(reply));
          });
        });
  }
  uint64_t connection() const override { return state_->server.connection(); }
  bool same_machine() const override { return same_machine_; }
  std::string peer() const override { return "the fake server"; }
  void set_same_machine(bool same) { same_machine_ = same; }

 private:
  struct State {
    State(FakeServer& to, Executor& on, Duration time) : server(to), executor(on), latency(time) {}

    uint64_t add(Done done) {
      std::lock_guard lock(mutex);
      calls.emplace(++last, std::move(done));
      return last;
    }
    void finish(uint64_t id, Result<std::string> reply) {
      Done done;
      {
        std::lock_guard lock(mutex);
        auto found = calls.find(id);
        if (found == calls.end()) return;
        done = std::move(found->second);
        calls.erase(found);
      }
      done(std::move(reply));
    }
    void lost(uint64_t id) { finish(id, fail_maybe_done(Code::unavailable, "connection lost")); }

    FakeServer& server;
    Executor& executor;
    const Duration latency;
    std::mutex mutex;
    std::map<uint64_t, Done> calls;
    uint64_t last = 0;
  };

  std::shared_ptr<State> state_;
  bool same_machine_ = false;
};

}  // namespace nokv::client
