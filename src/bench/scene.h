// What the rows of one benchmark share: a directory to work in, connections, floors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/env/env.h"
#include "base/result.h"
#include "bench/bench.h"
#include "bench/load.h"
#include "bench/row.h"
#include "client/caller.h"
#include "client/client.h"
#include "client/session.h"
#include "client/transport.h"

namespace nokv::bench {

// One connection with one session on it, as any client has; asynchronous.
class Peer {
 public:
  Peer(const Env& env, std::unique_ptr<client::Transport> transport, Duration deadline);
  ~Peer();

  void commit(std::vector<codec::OperationBox> operations, codec::Durability durability,
              client::Done<codec::CommitReply> done);
  // The same for a load, of one operation; all that counts is that it was done.
  void commit(codec::Operation operation, codec::Durability durability, LoadDone done);
  // A request that reads, decoded as a client would.
  template <class Reply, class Request>
  void ask(codec::Method method, const Request& request, client::Done<Reply> done) {
    caller_.ask<Reply>(method, request, clock_.now() + deadline_, std::move(done));
  }
  // What was early is durable afterwards. Blocks.
  Result<> sync();

 private:
  const Clock& clock_;
  const Duration deadline_;
  std::unique_ptr<Executor> timers_;
  std::unique_ptr<client::Transport> transport_;
  client::Caller caller_;
  client::Session session_;
};

// Home: the thread that runs the benchmark. What it made in the namespace is below root().
class Scene {
 public:
  Scene(const BenchParts& parts, const BenchOptions& options);
  ~Scene();

  // Makes the directory. Errors: those of the namespace.
  Result<> begin();
  // Removes it, and what else is left (snapshots), also after an interrupt.
  Result<> end();

  const Env& env() const { return parts_.env; }
  const Clock& clock() const { return parts_.env.clock; }
  const BenchOptions& options() const { return options_; }
  Client& client() { return *client_; }
  const std::string& root() const { return root_; }
  std::string path(std::string_view name) const { return str(root_, "/", name); }
  client::CallOptions call() const { return {options_.deadline, options_.stop}; }
  client::WriteOptions write() const { return {.call = call()}; }
  int runs() const { return options_.quick ? 1 : 3; }
  // How long one run of one row takes.
  Duration time() const { return std::chrono::milliseconds(options_.quick ? 400 : 1500); }
  bool embedded() const { return parts_.embedded; }
  std::string boundary(std::string_view wire) const {
    return embedded() ? str("embedded ", wire) : std::string(wire);
  }

  std::unique_ptr<Peer> peer();
  // A client that remembers nothing of the others.
  std::unique_ptr<Client> fresh_client(client::ClientOptions options);
  client::ClientParts connect() const { return parts_.connect(); }

  // A directory that is new. Errors: those of the namespace.
  Result<std::string> directory(std::string_view name);
  // Holds exactly `entries` empty files, unless it already has more.
  Result<std::string> grown(uint64_t entries);
  // That directory, for a row that reads it, in milliseconds; `wire` is how.
  Result<std::string> read_by(Row& row, std::string_view wire, uint64_t entries);
  // Removed at the end.
  void made_snapshot(std::string name) { snapshots_.push_back(std::move(name)); }
  Result<> remove_snapshots();

  // Measured anew each time. Errors: unavailable where it cannot be.
  Result<Floor> echo(size_t reply_bytes) const;
  Result<Floor> sync(size_t bytes) const;
  // Both, one after the other: what one durable request takes at least.
  Result<Floor> echo_and_sync() const;

  // runs() of `once`, which measures for about time(), after a short one to warm up. The floor is
  // measured before each of them, so that what else the machine does strikes both alike; the row
  // gets the median, or no floor where it cannot be measured.
  using Once = std::function<Result<Run>(Duration time)>;
  using FloorOf = std::function<Result<Floor>()>;
  Result<> measure(Row& row, const FloorOf& floor, const Once& once);
  // One run of something done again and again for `time`, at least once; each says how long it
  // took. The value is the median, in milliseconds.
  Result<Run> repeat(Duration time, const std::function<Result<Duration>()>& once) const;
  // The same for a load. Its value is operations a second, or with `in_us` their median time.
  Result<> measure(Row& row, const FloorOf& floor, int lanes, const Begin& begin,
                   bool in_us = false);

  // The object requests of the client and, where it tells, of the server, so far.
  uint64_t object_requests();

 private:
  const BenchParts& parts_;
  const BenchOptions& options_;
  std::unique_ptr<Client> client_;
  std::string root_;
  std::string server_directory_;
  bool made_ = false;
  int directories_ = 0;
  uint64_t grown_ = 0;
  std::vector<std::string> snapshots_;
};

// A floor in microseconds, for a row in milliseconds.
Result<Floor> in_ms(Result<Floor> floor);

// "f0000042"
std::string file_name(uint64_t number);
codec::Publish empty_file(std::string path);

}  // namespace nokv::bench
