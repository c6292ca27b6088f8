#include "base/sim/sim_net.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/sim/sim_link.h"

namespace nokv {

using sim::Link;
using sim::LinkConnection;

namespace {

using Direction = std::pair<std::string, std::string>;

bool is_loopback(const std::string& host) {
  return host == "127.0.0.1" || host == "localhost" || host == "::1";
}

// Where something listens on its host: the port, or the path of a unix socket.
std::string door_of(const Address& address) {
  return address.is_unix() ? "unix:" + address.path : std::to_string(address.port);
}

constexpr uint16_t kFirstFreePort = 20000;
constexpr uint16_t kFirstPeerPort = 40000;

}  // namespace

class SimNetHost;

struct SimNet::State final : sim::LinkNet {
  explicit State(SimScheduler& a_scheduler) : scheduler_(a_scheduler) {}

  SimScheduler& scheduler_;
  SimNetFaults faults_;
  std::map<std::string, std::unique_ptr<SimNetHost>> hosts;
  std::vector<std::shared_ptr<Link>> links;
  std::map<Direction, uint64_t> parted_;  // each partition has a number of its own
  std::map<Direction, Duration> delays;
  uint64_t last_partition = 0;
  uint64_t last_link = 0;

  SimScheduler& scheduler() override { return scheduler_; }
  const SimNetFaults& faults() const override { return faults_; }
  bool parted(const std::string& from, const std::string& to) const override {
    return parted_.contains({from, to});
  }
  Duration take_delay(const std::string& from, const std::string& to) override {
    auto entry = delays.extract(Direction(from, to));
    return entry.empty() ? Duration{0} : entry.mapped();
  }

  bool parted_either_way(const std::string& a, const std::string& b) const {
    return parted(a, b) || parted(b, a);
  }
  Duration latency() {
    return scheduler_.random().between(faults_.latency_min, faults_.latency_max);
  }

  // A copy, for what is done with them may make or end further ones.
  std::vector<std::shared_ptr<Link>> open_links() {
    std::erase_if(links, [](const auto& link) { return link->closed(); });
    return links;
  }
  std::vector<std::shared_ptr<Link>> links_between(const std::string& a, const std::string& b) {
    auto out = open_links();
    std::erase_if(out, [&](const auto& link) { return !link->between(a, b); });
    return out;
  }

  void part(const std::string& from, const std::string& to);
  void end_when_dead(const std::shared_ptr<Link>& link, size_t side,
                     std::function<bool()> still_dead);
  SimNetHost* find_host(const SimNetHost* from, const Address& address);
};

// One host's side of the network.
class SimNetHost final : public Net {
 public:
  SimNetHost(SimNet::State& net, const std::string& name)
      : net_(net), name_(name), io_(net.scheduler_.executor("net:" + name, "io", 1)) {}

  Result<std::unique_ptr<Listener>> listen(const Address& address, Acceptor acceptor) override;
  void connect(
      const Address& address, Duration timeout, std::shared_ptr<ConnectionHandler> handler,
      std::move_only_function<void(Result<std::shared_ptr<Connection>>)> connected) override;

  struct Open {
    uint64_t id = 0;
    Acceptor acceptor;
    bool loopback = false;
  };
  // Null when nothing listens there that `from` (null: anyone) can reach.
  const Open* door(const SimNetHost* from, const Address& address) const {
    auto found = doors_.find(door_of(address));
    if (found == doors_.end()) return nullptr;
    return found->second.loopback && from != nullptr && from != this ? nullptr : &found->second;
  }

  void crash(SimCrash how) {
    up_ = false;
    silent_ = how == SimCrash::power;
    ++life_;
    auto doors = std::exchange(doors_, {});
    for (const auto& weak : std::exchange(attempts_, {})) {
      AttemptPtr attempt = weak.lock();
      if (attempt == nullptr) continue;
      io_->cancel(attempt->timeout);
      auto handler = std::exchange(attempt->handler, nullptr);
      auto connected = std::exchange(attempt->connected, nullptr);
    }
  }
  void restart() {
    up_ = true;
    silent_ = false;
  }

  const std::string& name() const { return name_; }
  SimExecutor& io() { return *io_; }
  bool silent() const { return silent_; }

 private:
  friend struct SimNetListener;

  // An attempt to connect, until it is answered or given up.
  struct Attempt {
    Address address;
    uint64_t life;
    std::shared_ptr<ConnectionHandler> handler;
    std::move_only_function<void(Result<std::shared_ptr<Connection>>)> connected;
    TimerId timeout = 0;
  };
  using AttemptPtr = std::shared_ptr<Attempt>;

  void answer(const AttemptPtr& attempt, Result<std::shared_ptr<Connection>> result);
  void answer_later(const AttemptPtr& attempt, const std::string& why);
  void arrive_at(SimNetHost& server, const AttemptPtr& attempt);
  void finish(const AttemptPtr& attempt, const std::shared_ptr<Link>& link);

  SimNet::State& net_;
  std::string name_;
  std::unique_ptr<SimExecutor> io_;
  std::map<std::string, Open> doors_;
  std::vector<std::weak_ptr<Attempt>> attempts_;
  uint64_t last_id_ = 0;
  uint64_t life_ = 1;
  bool up_ = true;
  bool silent_ = false;
  uint16_t next_port_ = kFirstFreePort;
};

struct SimNetListener final : Listener {
  SimNetListener(SimNetHost& a_host, Address a_bound, uint64_t an_id)
      : host(a_host), bound(std::move(a_bound)), id(an_id) {}
  ~SimNetListener() override {
    auto found = host.doors_.find(door_of(bound));  // perhaps that of a later life
    if (found != host.doors_.end() && found->second.id == id) host.doors_.erase(found);
  }
  const Address& address() const override { return bound; }

  SimNetHost& host;
  Address bound;
  uint64_t id;
};

Result<std::unique_ptr<Listener>> SimNetHost::listen(const Address& address, Acceptor acceptor) {
  if (!up_) return fail(Code::unavailable, "listen on ", address.to_string(), ": the host is down");
  bool any = address.host == name_ || address.host == "0.0.0.0" || address.host == "::";
  if (!address.is_unix() && !any && !is_loopback(address.host)) {
    return fail(Code::invalid_argument, "listen on ", address.to_string(), ": not an address of ",
                name_);
  }
  Address bound = address;
  while (!bound.is_unix() && bound.port == 0) {
    uint16_t port = next_port_++;
    if (!doors_.contains(std::to_string(port))) bound.port = port;
  }
  uint64_t id = ++last_id_;
  if (!doors_.try_emplace(door_of(bound), Open{id, std::move(acceptor), !any}).second) {
    return fail(Code::already_exists, "listen on ", address.to_string(),
                ": Address already in use");
  }
  return std::make_unique<SimNetListener>(*this, bound, id);
}

void SimNetHost::connect(
    const Address& address, Duration timeout, std::shared_ptr<ConnectionHandler> handler,
    std::move_only_function<void(Result<std::shared_ptr<Connection>>)> connected) {
  if (!up_) return;  // the process that asks is dead
  auto attempt =
      std::make_shared<Attempt>(Attempt{address, life_, std::move(handler), std::move(connected)});
  std::erase_if(attempts_, [](const auto& other) { return other.expired(); });
  attempts_.push_back(attempt);
  attempt->timeout = io_->after(timeout, [this, attempt, timeout] {
    answer(attempt, fail(Code::unavailable, "connect to ", attempt->address.to_string(),
                         ": no answer within ", timeout / std::chrono::milliseconds(1), " ms"));
  });
  SimNetHost* server = net_.find_host(this, address);
  if (server == nullptr) {
    answer_later(attempt, "no such host");
    return;
  }
  if (net_.parted_either_way(name_, server->name_)) return;
  server->io_->deliver(net_.latency(), [this, server, attempt] { arrive_at(*server, attempt); });
}

void SimNetHost::answer(const AttemptPtr& attempt, Result<std::shared_ptr<Connection>> result) {
  io_->cancel(attempt->timeout);
  auto connected = std::exchange(attempt->connected, nullptr);
  if (connected && attempt->life == life_) connected(std::move(result));
}

void SimNetHost::answer_later(const AttemptPtr& attempt, const std::string& why) {
  io_->deliver(net_.latency(), [this, attempt, why] {
    answer(attempt,
           fail(Code::unavailable, "connect to ", attempt->address.to_string(), ": ", why));
  });
}

// On the server's I/O thread.
void SimNetHost::arrive_at(SimNetHost& server, const AttemptPtr& attempt) {
  if (server.silent_ || net_.parted_either_way(name_, server.name_)) return;
  const Open* open = server.door(this, attempt->address);
  if (open == nullptr || attempt->life != life_) {
    answer_later(attempt, "Connection refused");
    return;
  }
  uint64_t number = ++net_.last_link;
  auto link = std::make_shared<Link>(
      net_, Link::End{name_, io_.get(), attempt->address.to_string(), nullptr},
      Link::End{server.name_, server.io_.get(),
                str(name_, ":", kFirstPeerPort + number % kFirstFreePort), nullptr});
  net_.links.push_back(link);
  auto accept = open->acceptor.accept;  // a copy: it may end its listener
  auto handler = accept ? accept(std::make_shared<LinkConnection>(link, 1)) : nullptr;
  if (handler == nullptr) {
    link->forget();
    answer_later(attempt, "refused by the server");
    return;
  }
  link->open(1, std::move(handler));
  io_->deliver(net_.latency(), [this, attempt, link] { finish(attempt, link); });
}

// On the client's I/O thread: the server has accepted.
void SimNetHost::finish(const AttemptPtr& attempt, const std::shared_ptr<Link>& link) {
  if (!attempt->connected || attempt->life != life_) {  // given up, or dead
    link->reset(Error(Code::unavailable, "connection reset by peer"));
    return;
  }
  // Opened first: what `connected` sends must not find a closed end, and what arrives waits for
  // this thread anyway.
  link->open(0, attempt->handler);
  answer(attempt, std::make_shared<LinkConnection>(link, 0));
}

SimNetHost* SimNet::State::find_host(const SimNetHost* from, const Address& address) {
  bool own = address.is_unix() || is_loopback(address.host);
  if (own && from == nullptr) return nullptr;
  auto found = hosts.find(own ? from->name() : address.host);
  return found == hosts.end() ? nullptr : found->second.get();
}

void SimNet::State::part(const std::string& from, const std::string& to) {
  Direction direction(from, to);
  if (!parted_.emplace(direction, last_partition + 1).second) return;
  uint64_t number = ++last_partition;
  for (const auto& link : links_between(from, to)) {
    for (size_t side = 0; side < 2; ++side) {
      end_when_dead(link, side, [this, direction, number] {
        auto found = parted_.find(direction);
        return found != parted_.end() && found->second == number;
      });
    }
  }
}

// The side gives up when it has waited long enough and `still_dead` then.
void SimNet::State::end_when_dead(const std::shared_ptr<Link>& link, size_t side,
                                  std::function<bool()> still_dead) {
  Duration wait = scheduler_.random().between(faults_.dead_after, 2 * faults_.dead_after);
  link->end(side).io->after(wait, [link, side, still_dead = std::move(still_dead)] {
    if (still_dead()) link->close(side, Error(Code::unavailable, "connection timed out"));
  });
}

SimNet::SimNet(SimScheduler& scheduler) : state_(std::make_unique<State>(scheduler)) {}

SimNet::~SimNet() {
  for (const auto& link : state_->open_links()) link->forget();
}

Net& SimNet::host(const std::string& name) {
  auto& host = state_->hosts[name];
  if (host == nullptr) host = std::make_unique<SimNetHost>(*state_, name);
  return *host;
}

void SimNet::set_faults(const SimNetFaults& faults) { state_->faults_ = faults; }

void SimNet::partition(const std::string& a, const std::string& b) {
  state_->part(a, b);
  state_->part(b, a);
}

void SimNet::partition_one_way(const std::string& from, const std::string& to) {
  state_->part(from, to);
}

void SimNet::heal(const std::string& a, const std::string& b) {
  size_t healed = state_->parted_.erase({a, b}) + state_->parted_.erase({b, a});
  if (healed == 0) return;
  for (const auto& link : state_->links_between(a, b)) link->wake();
}

void SimNet::heal_all() {
  auto parted = state_->parted_;
  for (const auto& [direction, number] : parted) heal(direction.first, direction.second);
}

void SimNet::reset(const std::string& a, const std::string& b) {
  for (const auto& link : state_->links_between(a, b)) {
    link->reset(Error(Code::unavailable, "connection reset by peer"));
  }
}

void SimNet::close_late(const std::string& side, const std::string& peer, Duration late) {
  for (const auto& link : state_->links_between(side, peer)) {
    size_t at = link->end(0).host == side ? 0 : 1;
    link->close_late(at, Error(Code::unavailable, "connection reset by peer"), late);
  }
}

void SimNet::delay_next(const std::string& from, const std::string& to, Duration by) {
  state_->delays[{from, to}] = by;
}

void SimNet::crash(const std::string& name, SimCrash how) {
  host(name);
  state_->hosts[name]->crash(how);
  for (const auto& link : state_->open_links()) {
    for (size_t side = 0; side < 2; ++side) {
      if (link->end(side).host != name) continue;
      bool tell = how == SimCrash::process;
      link->vanish(side, tell);
      if (!tell) state_->end_when_dead(link, 1 - side, [] { return true; });
    }
  }
}

void SimNet::restart(const std::string& name) {
  host(name);
  state_->hosts[name]->restart();
  for (const auto& link : state_->open_links()) link->tell_of_vanished();
}

Result<HttpResponse> SimNet::http(const Address& address, const HttpRequest& request) {
  SimNetHost* server = state_->find_host(nullptr, address);
  const SimNetHost::Open* open = server == nullptr ? nullptr : server->door(nullptr, address);
  if (open == nullptr) {
    return fail(Code::unavailable, "connect to ", address.to_string(), ": Connection refused");
  }
  if (!open->acceptor.http) return fail(Code::unimplemented, address.to_string(), " has no HTTP");
  return open->acceptor.http(request);
}

size_t SimNet::connections(const std::string& a, const std::string& b) const {
  return state_->links_between(a, b).size();
}

}  // namespace nokv
