#include "base/sim/sim_link.h"

#include <algorithm>
#include <utility>

namespace nokv::sim {
namespace {

// What the system takes from a sender before it makes him wait.
constexpr size_t kSystemBufferBytes = 256 << 10;

}  // namespace

Link::Link(LinkNet& net, End connector, End acceptor)
    : net_(net), ends_{std::move(connector), std::move(acceptor)} {}

bool Link::between(const std::string& a, const std::string& b) const {
  return (ends_[0].host == a && ends_[1].host == b) || (ends_[0].host == b && ends_[1].host == a);
}

void Link::open(size_t side, std::shared_ptr<ConnectionHandler> handler) {
  if (ends_[side].closed) return;
  ends_[side].handler = std::move(handler);
  arrive_later(side, net_.scheduler().clock().now());
}

void Link::send(size_t from, std::string message) {
  if (ends_[from].closed) return;
  if (message.size() > kMessageMax) {
    reset(Error(Code::unavailable, str("a message of ", message.size(),
                                       " bytes is above the limit of ", kMessageMax)));
    return;
  }
  SimRandom& random = net_.scheduler().random();
  const SimNetFaults& faults = net_.faults();
  if (random.one_in(faults.reset_one_in)) {
    reset(Error(Code::unavailable, "connection reset by peer"));
    return;
  }
  Clock::Instant due = net_.scheduler().clock().now() + message_transit(from);
  add(1 - from, {due, std::move(message), false});
  if (random.one_in(faults.late_one_in)) {
    close_late(from, Error(Code::unavailable, "connection reset by peer"),
               random.between(Duration{0}, faults.late_max));
  }
}

Duration Link::transit() {
  const SimNetFaults& faults = net_.faults();
  return net_.scheduler().random().between(faults.latency_min, faults.latency_max);
}

Duration Link::message_transit(size_t from) {
  SimRandom& random = net_.scheduler().random();
  const SimNetFaults& faults = net_.faults();
  Duration out = transit();
  if (random.one_in(faults.delay_one_in)) out += random.between(Duration{0}, faults.delay_max);
  return out + net_.take_delay(ends_[from].host, ends_[1 - from].host);
}

size_t Link::unsent_bytes(size_t from) const {
  size_t bytes = flight_bytes_[1 - from];
  return bytes > kSystemBufferBytes ? bytes - kSystemBufferBytes : 0;
}

// What is due before those ahead of it waits for them.
void Link::add(size_t to, Item item) {
  if (ends_[to].closed) return;
  flight_bytes_[to] += item.bytes.size();
  Clock::Instant due = item.due;
  flight_[to].push_back(std::move(item));
  arrive_later(to, due);
}

void Link::arrive_later(size_t to, Clock::Instant due) {
  ends_[to].io->deliver(due - net_.scheduler().clock().now(),
                        [self = shared_from_this(), to] { self->arrive(to); });
}

// Hands over all that is due, as a reader finds it in his buffer.
void Link::arrive(size_t to) {
  End& end = ends_[to];
  std::shared_ptr<ConnectionHandler> handler = end.handler;
  if (handler == nullptr) return;
  SimScheduler& scheduler = net_.scheduler();
  bool any = false;
  while (!end.closed && !flight_[to].empty() &&
         flight_[to].front().due <= scheduler.clock().now() &&
         !net_.parted(ends_[1 - to].host, end.host)) {
    Item item = std::move(flight_[to].front());
    flight_[to].pop_front();
    flight_bytes_[to] -= item.bytes.size();
    if (item.is_end) {
      close(to, Error(Code::unavailable, "connection closed by peer"));
      return;
    }
    scheduler.note(str(ends_[1 - to].host, ">", end.host, " ", item.bytes.size(), " ",
                       std::hash<std::string>{}(item.bytes)));
    handler->on_message(item.bytes);
    any = true;
  }
  if (any && !end.closed) handler->on_idle();
}

void Link::tell_closed(size_t side, const Error& why) {
  End& end = ends_[side];
  end.closed = true;
  flight_[side].clear();
  flight_bytes_[side] = 0;
  if (end.handler == nullptr) return;
  end.io->deliver(Duration{0}, [self = shared_from_this(), side, why] {
    if (auto handler = std::exchange(self->ends_[side].handler, nullptr)) handler->on_closed(why);
  });
}

void Link::close(size_t side, const Error& why) {
  if (ends_[side].closed) return;
  add(1 - side, {net_.scheduler().clock().now() + transit(), "", true});
  tell_closed(side, why);
}

void Link::close_late(size_t side, const Error& why, Duration late) {
  if (ends_[side].closed) return;
  close(side, why);
  size_t to = 1 - side;
  if (flight_[to].empty()) return;
  Clock::Instant earliest = net_.scheduler().clock().now() + late;
  for (Item& item : flight_[to]) item.due = std::max(item.due, earliest);
  arrive_later(to, earliest);
}

void Link::reset(const Error& why) {
  for (size_t side = 0; side < 2; ++side) {
    if (!ends_[side].closed) tell_closed(side, why);
  }
}

void Link::vanish(size_t side, bool tell_peer) {
  End& end = ends_[side];
  bool was_open = !end.closed;
  end.closed = true;
  vanished_[side] = true;
  flight_[side].clear();
  flight_bytes_[side] = 0;
  std::shared_ptr<ConnectionHandler> dropped = std::exchange(end.handler, nullptr);
  if (!was_open) return;
  size_t to = 1 - side;
  if (net_.scheduler().random().one_in(2)) {
    flight_[to].clear();
    flight_bytes_[to] = 0;
  }
  if (tell_peer) add(to, {net_.scheduler().clock().now() + transit(), "", true});
}

void Link::tell_of_vanished() {
  for (size_t side = 0; side < 2; ++side) {
    if (!vanished_[side] || ends_[1 - side].closed) continue;
    add(1 - side, {net_.scheduler().clock().now() + transit(), "", true});
  }
}

void Link::forget() {
  for (size_t side = 0; side < 2; ++side) {
    ends_[side].closed = true;
    flight_[side].clear();
    std::shared_ptr<ConnectionHandler> dropped = std::exchange(ends_[side].handler, nullptr);
  }
}

void Link::wake() {
  for (size_t to = 0; to < 2; ++to) {
    for (const Item& item : flight_[to]) {
      arrive_later(to, std::max(item.due, net_.scheduler().clock().now()) + transit());
    }
  }
}

}  // namespace nokv::sim
