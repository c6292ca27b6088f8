#include "client/core.h"

#include <algorithm>
#include <utility>

namespace nokv::client {

namespace {

ClientOptions within_limits(ClientOptions options) {
  options.parallel_requests = std::clamp(options.parallel_requests, 1, 1024);
  options.buffer_bytes_max = std::max<uint64_t>(options.buffer_bytes_max, 2 * codec::kBlockBytes);
  return options;
}

}  // namespace

Core::Core(ClientParts parts, ClientOptions given)
    : options(within_limits(std::move(given))),
      env(parts.env),
      timers(env.executors.serial("nokv-client")),
      transport(std::move(parts.transport)),
      caller({*transport, env.clock, env.random, *timers}, options.deadline),
      session({*transport, env.clock, env.random, *timers},
              {.early_bytes_max = options.early_bytes_max}),
      memory(std::make_shared<MemoryBudget>(options.buffer_bytes_max)),
      blocks({.caller = caller,
              .env = env,
              .timers = *timers,
              .http = parts.http,
              .same_machine = transport->same_machine()},
             options.parallel_requests),
      cache(blocks, options.cache_bytes_max) {}

Core::~Core() {
  session.stop();
  caller.stop();
  blocks.stop();
  // Its last calls end here, while those who made them are still there.
  transport.reset();
}

Clock::Instant Core::deadline(const CallOptions& call) const {
  return env.clock.now() + time_max(call);
}

Result<> Core::tell(codec::Method method, std::string body, const CallOptions& call) {
  Wait<std::string> reply;
  caller.call(method, std::move(body), deadline(call), reply.done());
  NOKV_TRY(reply.wait(call.stop));
  return {};
}

Result<codec::CommitReply> Core::commit(std::vector<codec::OperationBox> operations,
                                        const WriteOptions& write) {
  if (operations.empty() || operations.size() > codec::kOperationsMax) {
    return fail(Code::invalid_argument, "a transaction has 1 to ", codec::kOperationsMax,
                " operations, not ", operations.size());
  }
  if (write.call.stop.stop_requested()) return fail(Code::cancelled, "the caller gave up");
  size_t asked = operations.size();
  Wait<codec::CommitReply> answer;
  session.commit({std::move(operations), write.durability, write.dry_run}, deadline(write.call),
                 answer.done());
  NOKV_ASSIGN(codec::CommitReply reply, answer.wait(write.call.stop));
  if (reply.results.size() != asked) {
    return fail_maybe_done(Code::data_loss, asked, " operations were answered with ",
                           reply.results.size(), " results");
  }
  return reply;
}

Result<Committed> only_result(codec::CommitReply reply) {
  return Committed{reply.version, reply.time_ns, std::move(reply.results.front())};
}

codec::ReadAt Core::seen(codec::ReadAt at) const {
  if (at.at.empty() && at.view == 0)
    at.min_version = std::max(at.min_version, session.early_version());
  return at;
}

}  // namespace nokv::client
