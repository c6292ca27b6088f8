// Exactly once: the first result of every request that a client may still repeat.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/env/clock.h"
#include "base/result.h"
#include "codec/rpc.h"
#include "meta/view.h"

namespace nokv::shard {

using CommitDone = std::move_only_function<void(Result<codec::CommitReply>)>;

struct SessionIdHash {
  size_t operator()(const codec::SessionId& id) const {
    size_t h = 0;
    for (uint8_t byte : id) h = (h ^ byte) * 0x100000001b3;
    return h;
  }
};

// Home: the sequencer.
//
// A session keeps every result at or above `acked_below`; a request below it is stale and never
// executed, one that runs kSessionWindow ahead is refused, so nothing in the window is forgotten.
// Results of changes are in the log too (codec::RequestRecord); refusals live in memory only:
// a request that was refused may be executed when it is repeated after a restart.
class SessionTable {
 public:
  static constexpr size_t kSessionsMax = 100'000;
  static constexpr size_t kResultBytesMax = 4 << 20;  // of one session
  static constexpr size_t kClosedMax = 65'536;        // remembered to refuse late frames
  // Reserved for a session at a time; the next ones when half of them are left.
  static constexpr uint64_t kIdsReserved = 16'384;

  // Reads what the engine holds. Sessions that were not known count as used now; of the others
  // what only memory knows stays. Errors: data_loss, unavailable.
  Result<> load(const meta::View& view, Clock::Instant now);

  // What to do with a request.
  struct Verdict {
    enum class Kind : uint8_t {
      execute,
      answer,
      wait
    } kind = Kind::execute;
    bool opens = false;  // execute, and write the session's row with it
    std::optional<Result<codec::CommitReply>> answer;
  };
  // `wait`: the same request is being executed; `done` was taken and is called with its result.
  Verdict admit(const codec::CommitRequest& request, Clock::Instant now, CommitDone& done);

  // The request is executed; waiters of it get the same answer.
  void finish(const codec::CommitRequest& request, const Result<codec::CommitReply>& result);
  std::vector<CommitDone> take_waiters(const codec::CommitRequest& request);

  // ---- ids of a session's own
  //
  // What was answered early is made again with the ids that the answer told, when the server died
  // before it was durable. So its ids come from a range that is reserved for the session, by an
  // earlier record that is durable; and as a session's lost requests come again in their order,
  // each with its first id, none of them takes the ids of another, whatever became of those before.

  // Where `request` may take ids, in the order of preference, with `durable` as the newest version
  // that is. Empty: nowhere. Errors: stale, when it names a first id that is not the session's to
  // give any more.
  Result<std::vector<codec::IdRange>> own_ids(const codec::CommitRequest& request,
                                              uint64_t durable) const;
  // It took them, up to `next`.
  void took_ids(const codec::SessionId& id, uint64_t next);
  // The next one of them; 0: the session has none.
  uint64_t next_id(const codec::SessionId& id) const;
  bool wants_ids(const codec::SessionId& id) const;
  // Reserved by the record of `version`, which writes what record() then is.
  void reserve(const codec::SessionId& id, codec::IdRange ids, uint64_t version);
  // The session's row. It is open.
  const codec::SessionRecord& record(const codec::SessionId& id) const {
    return sessions_.at(id).record;
  }
  void opened(const codec::SessionId& id, codec::SessionRecord record) {
    sessions_.at(id).record = std::move(record);
  }

  // The highest number of a request of the session that was executed; 0 when there is none.
  uint64_t newest(const codec::SessionId& id) const;

  // The session ended. Its first request may still be on its way on a dead connection: it must not
  // open the session again.
  void close(const codec::SessionId& id);
  // Sessions without traffic for `idle`, at most `limit`.
  std::vector<codec::SessionId> idle(Clock::Instant now, Duration idle, size_t limit) const;
  size_t size() const { return sessions_.size(); }

 private:
  struct Request {
    bool running = false;
    std::optional<Result<codec::CommitReply>> result;
    size_t bytes = 0;
    std::vector<CommitDone> waiters;
  };
  struct Session {
    Clock::Instant used{};
    uint64_t acked_below = 1;
    uint64_t attach = 0;
    uint64_t newest = 0;
    size_t result_bytes = 0;
    codec::SessionRecord record;
    uint64_t reserved_by = 0;  // the version with the newest range
    uint64_t next_id = 0;      // of the ranges
    std::map<uint64_t, Request> requests;
  };

  Verdict judge(Session& session, const codec::CommitRequest& request, CommitDone& done);

  std::unordered_map<codec::SessionId, Session, SessionIdHash> sessions_;
  std::unordered_set<codec::SessionId, SessionIdHash> closed_;
  std::deque<codec::SessionId> closed_order_;  // oldest first
};

}  // namespace nokv::shard
