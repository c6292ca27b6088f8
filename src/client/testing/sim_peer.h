// A client by hand: frames as the test makes them, one call at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "client/block_io.h"
#include "client/caller.h"
#include "client/rpc_transport.h"
#include "client/testing/sim_world.h"
#include "codec/crc32c.h"

namespace nokv::client {

using codec::CommitReply;
using codec::CommitRequest;

// A machine that sends what it is told to, and nothing again by itself.
class Peer {
 public:
  Peer(SimWorld& world, const std::string& name)
      : world_(world),
        host_(world.scheduler(), world.net(), name),
        timers_(host_.env().executors.serial("peer")),
        transport_(make_rpc_transport(host_.env(), host_.net(), SimWorld::kServer)),
        caller_({*transport_, world.scheduler().clock(), world.random(), *timers_}),
        blocks_({caller_, host_.env(), *timers_}, 4) {
    session_.fill(static_cast<uint8_t>(name.size()));
  }

  using Answer = std::shared_ptr<std::optional<Result<CommitReply>>>;

  CommitRequest frame(uint64_t sequence, codec::Operation operation) const {
    CommitRequest out;
    out.session = session_;
    out.sequence = sequence;
    out.attach = 1;
    out.open_session = true;
    out.operations.push_back({std::move(operation)});
    return out;
  }
  Answer send(const CommitRequest& request, Duration timeout = std::chrono::minutes(1)) {
    auto answer = std::make_shared<std::optional<Result<CommitReply>>>();
    transport_->call(codec::Method::commit, codec::encoded(request), timeout,
                     [answer](const Result<std::string>& body) {
                       CommitReply reply;
                       if (!body) {
                         *answer = std::unexpected(body.error());
                       } else if (codec::decode(*body, reply)) {
                         *answer = std::move(reply);
                       }
                     });
    return answer;
  }
  Result<CommitReply> done(const Answer& answer) {
    EXPECT_TRUE(world_.run_until([&] { return answer->has_value(); }, std::chrono::minutes(5)));
    return answer->value_or(fail(Code::cancelled, "never answered"));
  }
  Result<CommitReply> commit(const CommitRequest& request) { return done(send(request)); }
  // Without a session.
  Result<CommitReply> commit(codec::Operation operation) {
    CommitRequest out;
    out.operations.push_back({std::move(operation)});
    return commit(out);
  }

  template <class Reply, class Request>
  Result<Reply> ask(codec::Method method, const Request& request) {
    std::optional<Result<Reply>> answer;
    caller_.ask<Reply>(method, request, world_.scheduler().clock().now() + std::chrono::minutes(1),
                       [&](Result<Reply> reply) { answer = std::move(reply); });
    EXPECT_TRUE(world_.run_until([&] { return answer.has_value(); }, std::chrono::minutes(2)));
    return *answer;
  }
  bool exists(const std::string& path) {
    codec::StatRequest request{{{path, {}}}};
    return ask<codec::StatReply>(codec::Method::stat, request)->results[0].failure.code == Code::ok;
  }
  Result<codec::OpenReply> open(const codec::OpenRequest& request) {
    return ask<codec::OpenReply>(codec::Method::open, request);
  }

  // A body in the object store: uploaded, published under `path`, read back.
  Result<CommitReply> put(const std::string& path, const std::string& bytes) {
    NOKV_ASSIGN(auto opened, commit(codec::OpenUpload{1}));
    codec::OperationResult& upload = opened.results[0];
    BlockPlace place{.blob = upload.first_blob,
                     .bytes = bytes.size(),
                     .crc = crc32c(bytes),
                     .upload = upload.upload,
                     .through_server = true};
    std::optional<Result<>> stored;
    blocks_.put(place, std::make_shared<const std::string>(bytes),
                {.time = std::chrono::seconds(10)}, [&](Result<> r) { stored = std::move(r); });
    EXPECT_TRUE(world_.run_until([&] { return stored.has_value(); }, std::chrono::minutes(1)));
    NOKV_TRY(*stored);
    codec::Publish op;
    op.target.path = path;
    op.body = {.size = bytes.size(),
               .upload = upload.upload,
               .first_blob = upload.first_blob,
               .block_crcs = {place.crc.value_or(0)}};
    return commit(std::move(op));
  }
  Result<std::string> block(const codec::PlanExtent& extent) {
    BlockPlace place{.blob = extent.blob,
                     .bytes = extent.blob_bytes,
                     .crc = extent.block_crcs.at(0),
                     .through_server = true};
    std::optional<Result<std::string>> got;
    blocks_.get(place, {.time = std::chrono::seconds(10)},
                [&](Result<std::string> r) { got = std::move(r); });
    EXPECT_TRUE(world_.run_until([&] { return got.has_value(); }, std::chrono::minutes(1)));
    return *got;
  }

  const codec::SessionId& session() const { return session_; }
  const std::string& name() const { return host_.name(); }

 private:
  SimWorld& world_;
  SimHost host_;
  std::unique_ptr<Executor> timers_;
  std::unique_ptr<Transport> transport_;
  Caller caller_;
  BlockIo blocks_;
  codec::SessionId session_{};
};

}  // namespace nokv::client
