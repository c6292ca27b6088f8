// A network of simulated hosts: it delays, loses, parts and delivers late, from the seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/env/net.h"
#include "base/sim/sim_scheduler.h"

namespace nokv {

// What happens to messages by itself. A "one in 0" never happens.
struct SimNetFaults {
  Duration latency_min = std::chrono::microseconds(50);
  Duration latency_max = std::chrono::microseconds(500);

  // One message in so many takes up to `delay_max` longer, and those behind it wait.
  uint64_t delay_one_in = 0;
  Duration delay_max = std::chrono::seconds(5);

  // One message in so many ends its connection: both sides see it, all on its way is lost.
  uint64_t reset_one_in = 0;

  // One message in so many ends its connection for its sender only; it and what was sent before
  // arrive up to `late_max` later.
  uint64_t late_one_in = 0;
  Duration late_max = std::chrono::seconds(30);

  // How long a side that hears nothing holds a connection: at least this, at most twice this.
  Duration dead_after = std::chrono::seconds(15);
};

// How a host ends.
enum class SimCrash : uint8_t {
  process,  // kill -9: peers see their connections reset
  power,    // peers hear nothing, and find out after `dead_after` or when the host is back
};

// Home: the simulation's thread; `scheduler` outlives it. Each host has one I/O thread, on which
// its acceptors and handlers are called. Hosts reach each other by name, whatever the port, and
// themselves also as 127.0.0.1, ::1 and localhost; a listener on one of those three is reached from
// its own host only, one on the name, 0.0.0.0 or :: from all.
// Listeners and the Nets of hosts must not outlive it; connections may.
class SimNet {
 public:
  explicit SimNet(SimScheduler& scheduler);
  // Ends all connections without telling anyone.
  ~SimNet();
  SimNet(const SimNet&) = delete;
  SimNet& operator=(const SimNet&) = delete;

  // The network as `name` sees it; made at the first call. Lives as long as the SimNet.
  Net& host(const std::string& name);

  // For messages sent, and connections made, from now on.
  void set_faults(const SimNetFaults& faults);

  // Nothing passes between the two until heal(): messages wait, connecting times out, connections
  // end on each side after `dead_after`. What waited on a side that did not end is delivered then.
  void partition(const std::string& a, const std::string& b);
  void partition_one_way(const std::string& from, const std::string& to);
  void heal(const std::string& a, const std::string& b);
  void heal_all();

  // Ends every connection between the two; both sides see it, all on its way is lost.
  void reset(const std::string& a, const std::string& b);

  // The late frame: every connection between the two ends for `side` now, while what it sent and
  // is still on its way reaches `peer` after `late`, and only then the end.
  void close_late(const std::string& side, const std::string& peer, Duration late);

  // The next message from one to the other takes `by` longer; those behind it wait.
  void delay_next(const std::string& from, const std::string& to, Duration by);

  // The host's listeners and connections are gone; its handlers and callbacks are dropped unheard.
  // Until restart() it listens to nothing and connects to nothing.
  void crash(const std::string& name, SimCrash how);
  void restart(const std::string& name);

  // A plain HTTP request to what listens at `address`, answered at once. Errors: unavailable when
  // nothing does, unimplemented when it has no HTTP side.
  Result<HttpResponse> http(const Address& address, const HttpRequest& request);

  // Connections between the two that are open on at least one side.
  size_t connections(const std::string& a, const std::string& b) const;

 private:
  friend class SimNetHost;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nokv
