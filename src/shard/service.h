// The namespace as a service: every method of codec/rpc.h, from bytes to bytes.
//
// The server's endpoints and the embedded client call the same thing, so both transports mean the
// same (client/testing/transport_suite.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/env/env.h"
#include "base/guarded.h"
#include "base/log_event.h"
#include "codec/rpc.h"
#include "object/object_store.h"
#include "shard/background.h"
#include "shard/comparisons.h"
#include "shard/shard.h"
#include "shard/store_claim.h"
#include "shard/watch_hub.h"

namespace nokv::shard {

// Who asks. Deadlines are by the boot clock.
struct Caller {
  std::string principal;
  Clock::Instant deadline{};
  bool shares_disk = false;  // on this machine: may be told directories
};

struct ServiceOptions {
  std::string directory;  // --meta, for status
  std::string server_version;
  std::string namespace_id;  // for the object store's mark; empty: it is not looked at
  size_t views_max = 256;    // listings being paged through
  Duration view_ttl = std::chrono::minutes(1);
  Duration plan_ttl = std::chrono::minutes(30);  // half of the grace period of dead blobs
};

// Thread-safe. Reads are answered from inside call(), on the caller's thread; they may wait for
// the engine's files. Everything else calls back later.
class Service {
 public:
  using Done = std::move_only_function<void(Result<std::string>)>;

  // All outlive the service. `store` holds the bodies.
  Service(const Env& env, Shard& shard, Background& background, object::ObjectStore& store,
          ServiceOptions options);

  // Errors: invalid_argument for a body that is no such request, unimplemented for an unknown
  // method, and those of the methods.
  void call(codec::Method method, std::string_view body, const Caller& caller, Done done);

  // Looks whose bodies the object store's prefix holds: it becomes this namespace's when there is
  // one and the prefix is nobody's. Errors: failed_precondition (another namespace's), and those of
  // the store, which status() tells then.
  void look_at_store(Clock::Instant deadline, std::move_only_function<void(Result<>)> done);

  // The server stops: watches are answered, with where to go on from.
  void end_watches() { watches_.end(); }
  const WatchCounters& watch_counters() const { return watches_.counters(); }

  // A problem of the object store that a client or the background work met last; for status. Empty:
  // it works.
  void note_store_error(std::string message);

 private:
  struct View {
    std::shared_ptr<const meta::State> state;
    meta::Moment moment;
    Clock::Instant used;
  };
  struct Views {
    std::map<uint64_t, View> held;
    uint64_t last = 0;
  };

  // A state and a version of it to read at.
  struct Reading {
    std::shared_ptr<const meta::State> state;
    meta::Moment moment;
    meta::View view;
    uint64_t version() const;
    int64_t time_ns() const;
  };
  Result<Reading> reading(const codec::ReadAt& at, std::string_view path);
  Result<Reading> held_view(uint64_t id);
  uint64_t hold_view(const Reading& reading);

  Result<codec::StatReply> stat(const codec::StatRequest& request);
  Result<codec::ListReply> list(const codec::ListRequest& request);
  Result<codec::OpenReply> open(const codec::OpenRequest& request, const Caller& caller);
  Result<codec::BlobAccess> access(const codec::AccessRequest& request, const Caller& caller);
  Result<codec::SnapshotsReply> snapshots(const codec::SnapshotsRequest& request);
  Result<codec::LogReply> log(const codec::LogRequest& request);
  Result<codec::QuotaReply> quota(const codec::QuotaRequest& request);
  Result<codec::QuotasReply> quotas(const codec::QuotasRequest& request);
  Result<codec::DiffReply> diff(const codec::DiffRequest& request);
  Result<ComparedSide> compared(const meta::State& state, const codec::Target& target,
                                const std::string& at);
  Result<codec::StatusReply> status();
  Result<> check_external(const codec::CommitRequest& request);
  void commit(codec::CommitRequest request, const Caller& caller, Done done);
  void put_block(const codec::PutBlockRequest& request, const Caller& caller, Done done);
  void get_block(const codec::GetBlockRequest& request, const Caller& caller, Done done);
  void get_external(const codec::BlobRecord& record, const codec::GetBlockRequest& request,
                    const Caller& caller, Done done);
  Result<> check_upload(uint64_t upload, uint64_t blob, uint64_t count);
  Result<> add_access(const Caller& caller, codec::OpenReply& reply);
  // Runs `then` once the store's prefix is known to be this namespace's; else tells why not.
  void with_store(Clock::Instant deadline, Done done, std::move_only_function<void(Done)> then);
  void wait_then(uint64_t min_version, Done done, std::move_only_function<void(Done)> read);
  // Decodes a request that names a `min_version`, and answers with what `read` makes of it once
  // that version is there.
  template <class Request, class Read>
  void answer_when_there(std::string_view body, Done done, Read read);

  Env env_;
  Shard& shard_;
  Background& background_;
  object::ObjectStore& store_;
  ServiceOptions options_;
  Guarded<Views> views_;
  Comparisons comparisons_;
  // Shared with answers of the object store, which may come when the service is gone.
  std::shared_ptr<Guarded<std::string>> store_error_ = std::make_shared<Guarded<std::string>>();
  StoreClaim claim_;
  WatchHub watches_;
};

}  // namespace nokv::shard
