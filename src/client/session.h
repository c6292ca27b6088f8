// Changes to the namespace, each taking effect once whatever happens to connections and servers.
//
// A session is a random number, made here; its opening rides on the first request. Requests carry
// sequence numbers; one that is not answered is sent again under its own number, and the server
// then gives its first result. At most kSessionWindow numbers lie between the oldest that the
// client still cares for and the newest.
//
// Early acknowledgements: an early request is kept, in bounded memory, until the server says that
// its version is durable. When the connection is lost before that, everything kept is sent again in
// order before anything new, for the server may have died with it. (commit.md, "LogStore")
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "client/caller.h"
#include "codec/rpc.h"

namespace nokv::client {

struct SessionOptions {
  Backoff backoff;
  // An attempt that is not answered by then is made again.
  Duration attempt_max = std::chrono::seconds(5);
  size_t queue_max = 16384;             // requests waiting for room in the window
  uint64_t early_bytes_max = 16 << 20;  // beyond it requests are made durable instead
  // How long after an early answer the server is asked whether it is durable.
  Duration sync_delay = std::chrono::milliseconds(5);
};

struct SessionRequest {
  std::vector<codec::OperationBox> operations;
  codec::Durability durability = codec::Durability::durable;
  bool dry_run = false;
};

// Thread-safe; nothing blocks. `done` is called once, from any thread, possibly before the call
// returns, at the latest by stop().
class Session {
 public:
  explicit Session(CallerParts parts, SessionOptions options = {});
  ~Session();

  // Errors: those of the operations; invalid_argument (too long for a message); overloaded
  // (queue_max); unavailable or cancelled when nobody
  // answered in time, session_expired or stale after an answer was lost: each `maybe_done` when
  // the change may have happened.
  void commit(SessionRequest request, Clock::Instant deadline, Done<codec::CommitReply> done);

  // Done when what was answered early is durable; gives the newest version known to be.
  // Errors: the first of an early request that was refused when it was sent again, once.
  void sync(Clock::Instant deadline, Done<uint64_t> done);

  // As sync(), waits for the requests that are on their way, then closes the session. Nothing can
  // be committed any more from the call on.
  void close(Clock::Instant deadline, Done<> done);

  // Ends everything that is not answered.
  void stop();

  // The newest version that was answered early: reads that shall see it wait for it. After a lost
  // connection that of what was sent again.
  uint64_t early_version() const;

  Caller::Counters counters() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace nokv::client
