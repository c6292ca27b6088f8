// A client of the simulation: several things at a time, drawn from the seed, written down.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/block_io.h"
#include "client/caller.h"
#include "client/session.h"
#include "client/testing/sim_history.h"
#include "client/testing/sim_world.h"

namespace nokv::client {

// The real session, caller, RPC channel and block transfers, on a machine of its own. Home: the
// simulation's thread.
class SimClient {
 public:
  // "/NAME" is the directory where only this client writes, with early acknowledgements.
  SimClient(SimWorld& world, SimHistory& history, std::string name);
  ~SimClient();

  // Does `lanes` things at a time until pause().
  void start(int lanes);
  // Begins nothing new; idle() once all is answered.
  void pause() { paused_ = true; }
  bool idle() const { return busy_ == 0; }
  // Waits for what is early; complains about what was refused.
  void sync(std::function<void()> done);
  // Waits for all, and ends the session.
  void close(std::function<void()> done);

  // The machine dies, and with it session, connection and what was on its way. The next one sends
  // what its journal holds again, under the same numbers, then goes on with a session of its own.
  void crash(SimCrash how);
  void revive(int lanes);
  bool up() const { return life_ != nullptr; }

  // One read that is written down.
  void look(SimHistory::Look what, const std::string& path, const std::string& at,
            const std::function<void()>& done);
  // A call that is repeated until it is answered.
  template <class Reply, class Request>
  void ask(codec::Method method, const Request& request, std::function<void(Reply)> done);
  using Told = std::function<void(const Result<codec::CommitReply>&)>;
  void commit(std::vector<codec::Operation> operations, codec::Durability durability, Told then,
              Duration patience = std::chrono::minutes(10));

  const std::vector<std::string>& snapshots() const { return snapshots_; }
  const std::string& name() const { return host_.name(); }

 private:
  struct Life;
  using Then = std::function<void()>;

  // Calls `fn` unless the client has died since.
  template <class Fn>
  auto guarded(Fn fn);
  SimRandom& random() { return world_.random(); }
  Clock::Instant in(Duration time) { return world_.scheduler().clock().now() + time; }
  Duration patience();

  void lane();
  void rest();
  void change(const Then& then);
  void change_early(const Then& then);
  void burst(const Then& then);
  void change_session(const Then& then);
  void upload(const Then& then);
  void put_block(uint64_t upload, uint64_t blob, const std::shared_ptr<const std::string>& bytes,
                 const Then& then);
  void publish_upload(uint64_t upload, uint64_t blob,
                      const std::shared_ptr<const std::string>& bytes, const Then& then);
  void snapshot(const Then& then);
  void read(const Then& then);
  void look_content(const std::string& path, const std::string& at, const Then& done);
  // A file being read.
  struct Reading {
    std::string path;
    codec::OpenReply opened;
    SimHistory::Told own;
    size_t extent = 0;
    std::string so_far;
  };
  void fetch(std::shared_ptr<Reading> reading, Then done);
  SimHistory::Told own(const std::string& at);
  void resend(const std::shared_ptr<std::vector<codec::CommitRequest>>& frames, size_t next,
              const Then& done);

  codec::Operation random_operation();
  codec::Operation random_quota();
  std::string random_path();
  std::string random_body();
  codec::ReadAt read_at(const std::string& at) const;

  void live();
  CallerParts parts();

  SimWorld& world_;
  SimHistory& history_;
  SimHost host_;
  std::unique_ptr<Life> life_;
  uint64_t life_number_ = 0;
  WatchedTransport::Frames journal_;  // of the last life, after a crash
  // What it was told since it looked last: by the log, and early.
  SimHistory::Told told_;
  SimHistory::Told told_early_;
  std::vector<std::string> snapshots_;
  uint64_t seen_ = 0;  // the newest version that it knows to exist
  int busy_ = 0;
  bool paused_ = false;
};

struct SimClient::Life {
  std::unique_ptr<Executor> timers;
  std::unique_ptr<WatchedTransport> transport;
  std::unique_ptr<Caller> caller;
  std::unique_ptr<Session> session;
  std::vector<std::unique_ptr<Session>> closed;
  std::unique_ptr<BlockIo> blocks;
  std::set<uint64_t> open;  // tags that were not answered yet
};

template <class Fn>
auto SimClient::guarded(Fn fn) {
  return [this, life = life_number_, fn = std::move(fn)](auto&&... arguments) mutable {
    if (life == life_number_ && life_ != nullptr) {
      fn(std::forward<decltype(arguments)>(arguments)...);
    }
  };
}

template <class Reply, class Request>
void SimClient::ask(codec::Method method, const Request& request, std::function<void(Reply)> done) {
  life_->caller->ask<Reply>(
      method, request, in(std::chrono::minutes(1)),
      guarded([this, method, request, done = std::move(done)](Result<Reply> reply) mutable {
        if (reply) return done(*std::move(reply));
        life_->timers->after(std::chrono::milliseconds(100),
                             guarded([this, method, request, done = std::move(done)]() mutable {
                               ask<Reply>(method, request, std::move(done));
                             }));
      }));
}

}  // namespace nokv::client
