// A whole shard in the simulator, with calls that wait: what tests of the namespace are written on.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/sim/sim_env.h"
#include "engine/memory_engine.h"
#include "log/local_log.h"
#include "object/memory_store.h"
#include "shard/background.h"
#include "shard/service.h"
#include "shard/shard.h"

namespace nokv::shard {

// Home: the test's thread. Bodies live in a memory store that survives crashes; metadata on a
// simulated disk.
class SimNamespace {
 public:
  explicit SimNamespace(uint64_t seed, BackgroundOptions background = quiet_background());
  ~SimNamespace();

  // Moments and expiry off, so that tests say when.
  static BackgroundOptions quiet_background() {
    BackgroundOptions options;
    options.tick = std::chrono::hours(1'000'000);
    return options;
  }

  // Opens what is on the disk. Errors: those of recovery.
  Result<> open();

  // What a clean stop does, but for the waiting.
  void close();

  void crash(SimCrash how);

  // Calls, and runs the simulation until the answer is there.
  template <class Reply, class Request>
  Result<Reply> call(codec::Method method, const Request& request);

  Result<codec::StatusReply> init(codec::RetentionPolicy policy = {});

  // One transaction, without a session.
  Result<codec::CommitReply> commit(std::vector<codec::Operation> operations);

  Result<codec::Entry> stat(const std::string& path, const std::string& at = {});
  Result<std::vector<codec::Entry>> list(const std::string& path, const std::string& at = {},
                                         uint32_t page = 0);
  // The bytes of a file whose body is inline throughout.
  Result<std::string> read(const std::string& path, const std::string& at = {});

  // Told when the shard stops by itself.
  std::function<void(const Error&)> failed;

  SimScheduler& scheduler() { return scheduler_; }
  SimHost& host() { return host_; }
  object::MemoryStore& store() { return store_; }
  Shard& shard() { return *shard_; }
  Background& background() { return *background_; }
  Service& service() { return *service_; }
  engine::Engine& engine() { return *engine_; }

  uint64_t log_segment_bytes = 1 << 20;  // of a log that is made
  size_t chain_max = meta::kChainMax;    // generations of clones that are read one by one

 private:
  Result<std::string> exchange(codec::Method method, std::string request);

  SimScheduler scheduler_;
  SimNet net_;
  SimHost host_;
  SimHost store_host_;
  std::unique_ptr<Executor> store_executor_;
  object::MemoryStore store_;
  NoEvents events_;
  BackgroundOptions background_options_;
  std::unique_ptr<engine::MemoryEngine> engine_;
  std::unique_ptr<log::LocalLog> log_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<Background> background_;
  std::unique_ptr<Service> service_;
};

template <class Reply, class Request>
Result<Reply> SimNamespace::call(codec::Method method, const Request& request) {
  NOKV_ASSIGN(auto answer, exchange(method, codec::encoded(request)));
  Reply reply;
  if (!codec::decode(answer, reply)) return fail(Code::data_loss, "an answer of another kind");
  return reply;
}

// The bytes of these are made and read in one place, for that takes long to compile.
extern template Result<codec::CommitReply> SimNamespace::call(codec::Method,
                                                              const codec::CommitRequest&);
extern template Result<codec::StatReply> SimNamespace::call(codec::Method,
                                                            const codec::StatRequest&);
extern template Result<codec::OpenReply> SimNamespace::call(codec::Method,
                                                            const codec::OpenRequest&);
extern template Result<codec::DiffReply> SimNamespace::call(codec::Method,
                                                            const codec::DiffRequest&);
extern template Result<codec::FsckReply> SimNamespace::call(codec::Method,
                                                            const codec::FsckRequest&);
extern template Result<codec::GcReply> SimNamespace::call(codec::Method, const codec::GcRequest&);

// --- operations, in few words

codec::Operation mkdir_op(const std::string& path);
codec::Operation put_op(const std::string& path, const std::string& bytes);
codec::Operation remove_op(const std::string& path, bool keep_undo = false);
codec::Operation rename_op(const std::string& from, const std::string& to);
codec::Operation snapshot_op(const std::string& name, const std::string& path);
codec::Operation append_op(const std::string& path, const std::string& bytes);
codec::Operation link_op(const std::string& from, const std::string& to);

}  // namespace nokv::shard
