// One connection of the simulated network: two ends, and what is on its way between them.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/env/net.h"
#include "base/sim/sim_net.h"
#include "base/sim/sim_scheduler.h"

namespace nokv::sim {

// What the links ask of the network they are in.
class LinkNet {
 public:
  virtual ~LinkNet() = default;
  virtual SimScheduler& scheduler() = 0;
  virtual const SimNetFaults& faults() const = 0;
  virtual bool parted(const std::string& from, const std::string& to) const = 0;
  // What delay_next() has set for this direction; once.
  virtual Duration take_delay(const std::string& from, const std::string& to) = 0;
};

// Home: the simulation's thread. Side 0 connected, side 1 accepted. Held by its network until both
// ends are closed, by the two Connections, and by the events on their way.
class Link : public std::enable_shared_from_this<Link> {
 public:
  struct End {
    std::string host;
    SimExecutor* io = nullptr;
    std::string peer;                            // what the Connection at this end calls the other
    std::shared_ptr<ConnectionHandler> handler;  // null before it is open and after on_closed()
    bool closed = false;
  };

  Link(LinkNet& net, End connector, End acceptor);

  const End& end(size_t side) const { return ends_[side]; }
  bool between(const std::string& a, const std::string& b) const;
  bool closed() const { return ends_[0].closed && ends_[1].closed; }

  // Messages go to `handler` from now on; until then they wait.
  void open(size_t side, std::shared_ptr<ConnectionHandler> handler);

  void send(size_t from, std::string message);
  size_t unsent_bytes(size_t from) const;

  // This side ends: its handler hears `why`, and the other side gets what was sent, then the end.
  void close(size_t side, const Error& why);
  // As close(), and all that arrives later.
  void close_late(size_t side, const Error& why, Duration late);
  // Both sides end; all on its way is lost.
  void reset(const Error& why);
  // This side is gone with its host: it hears nothing. With `tell_peer`, the other side gets what
  // was sent, or not (a draw), and then the end.
  void vanish(size_t side, bool tell_peer);
  // The other side of one that vanished untold hears of it.
  void tell_of_vanished();
  // As vanish() for both, for good: the network itself ends.
  void forget();

  // Tries again to deliver, after a partition has healed.
  void wake();

 private:
  struct Item {
    Clock::Instant due;
    std::string bytes;
    bool is_end = false;
  };

  void add(size_t to, Item item);
  void arrive(size_t to);
  void arrive_later(size_t to, Clock::Instant due);
  void tell_closed(size_t side, const Error& why);
  Duration transit();
  Duration message_transit(size_t from);

  LinkNet& net_;
  std::array<End, 2> ends_;
  std::array<std::deque<Item>, 2> flight_;  // by the side that it goes to
  std::array<size_t, 2> flight_bytes_{};
  std::array<bool, 2> vanished_{};
};

// What the program holds of one end.
class LinkConnection final : public Connection {
 public:
  LinkConnection(std::shared_ptr<Link> link, size_t side) : link_(std::move(link)), side_(side) {}

  void send(std::string message) override { link_->send(side_, std::move(message)); }
  void close(std::string_view reason) override {
    link_->close(side_, Error(Code::cancelled, std::string(reason)));
  }
  size_t unsent_bytes() const override { return link_->unsent_bytes(side_); }
  const std::string& peer() const override { return link_->end(side_).peer; }

 private:
  std::shared_ptr<Link> link_;
  size_t side_;
};

}  // namespace nokv::sim
