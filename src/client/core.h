// What the parts of a client share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/env/env.h"
#include "client/block_cache.h"
#include "client/block_io.h"
#include "client/caller.h"
#include "client/client.h"
#include "client/memory_budget.h"
#include "client/session.h"
#include "client/wait.h"

namespace nokv::client {

// The result of a commit of one operation.
Result<Committed> only_result(codec::CommitReply reply);

// Made and destroyed by the client; readers and writers only borrow it. The order of the members is
// the order in which they may go: what comes later uses what comes before.
class Core {
 public:
  Core(ClientParts parts, ClientOptions options);
  ~Core();

  Clock::Instant deadline(const CallOptions& call) const;
  Duration time_max(const CallOptions& call) const {
    return call.deadline.value_or(options.deadline);
  }

  // One request that only reads; blocks.
  template <class Reply, class Request>
  Result<Reply> ask(codec::Method method, const Request& request, const CallOptions& call) {
    if (call.stop.stop_requested()) return fail(Code::cancelled, "the caller gave up");
    Wait<Reply> reply;
    caller.ask<Reply>(method, request, deadline(call), reply.done());
    auto answer = reply.wait(call.stop);
    // Nothing depends on whether it was read.
    if (!answer && call.stop.stop_requested()) return fail(Code::cancelled, "the caller gave up");
    return answer;
  }
  Result<> tell(codec::Method method, std::string body, const CallOptions& call);

  // Operations through the session; blocks.
  Result<codec::CommitReply> commit(std::vector<codec::OperationBox> operations,
                                    const WriteOptions& options);

  // What was done early is seen by this client's own next reads, which wait for it.
  codec::ReadAt seen(codec::ReadAt at) const;

  const ClientOptions options;
  const Env env;
  std::unique_ptr<Executor> timers;
  std::unique_ptr<Transport> transport;
  Caller caller;
  Session session;
  std::shared_ptr<MemoryBudget> memory;
  BlockIo blocks;
  BlockCache cache;
};

}  // namespace nokv::client
