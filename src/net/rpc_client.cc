#include "net/rpc_client.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "codec/envelope.h"

namespace nokv::net {

namespace {

// A call's id on the wire: its slot, and how often the slot had been used, so that an answer that
// comes late finds no other call.
constexpr int kSlotBits = 17;
constexpr uint64_t kSlotMask = (uint64_t{1} << kSlotBits) - 1;
// Bytes that a request's head may add to its body.
constexpr size_t kHeadMax = 32;
constexpr Duration kTimerGrain = std::chrono::milliseconds(1);

using Done = RpcChannel::Done;

// A call that has ended, and how: told outside the lock.
struct Ended {
  Done done;
  Error why;
};

void tell(std::vector<Ended>& ended) {
  for (Ended& one : ended) one.done(std::unexpected(std::move(one.why)));
}

}  // namespace

// Home: mutex_, under which nobody is called back. Timers and connections hold it weakly.
class RpcChannel::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Net& net, const Clock& clock, Random& random, Executor& timers, Address address,
       RpcChannelOptions options, OnPush on_push)
      : net_(net),
        clock_(clock),
        random_(random),
        timers_(timers),
        address_(std::move(address)),
        options_(options),
        on_push_(std::move(on_push)) {
    check(options_.calls_max + options_.in_flight_max <= kSlotMask, "a slot for every call");
  }

  void call(uint32_t method, std::string_view body, Duration timeout, Done done);
  void close();

  size_t outstanding() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }

  uint64_t lost() const {
    std::lock_guard lock(mutex_);
    return lost_;
  }

 private:
  enum class State : uint8_t {
    idle,
    connecting,
    ready,
    pausing
  };
  // A call whose deadline passed after it was sent is forgotten, but counts until its answer comes.
  enum class SlotState : uint8_t {
    free,
    waiting,
    sent,
    forgotten
  };

  struct Slot {
    SlotState state = SlotState::free;
    uint64_t uses = 0;
    Clock::Instant began;
    Clock::Instant deadline;
    Done done;
    std::string message;  // while it waits
  };

  // Messages to send once the lock is gone.
  struct Outgoing {
    std::shared_ptr<Connection> connection;
    std::vector<std::string> messages;

    void send() {
      for (std::string& message : messages) connection->send(std::move(message));
    }
  };

  // What one connection hears.
  class Link final : public ConnectionHandler {
   public:
    Link(std::weak_ptr<Impl> channel, uint64_t generation)
        : channel_(std::move(channel)), generation_(generation) {}
    void on_message(std::string_view message) override {
      if (auto channel = channel_.lock()) channel->on_message(generation_, message);
    }
    void on_idle() override {
      if (auto channel = channel_.lock()) channel->on_idle(generation_);
    }
    void on_closed(const Error& why) override {
      if (auto channel = channel_.lock()) channel->on_closed(generation_, why);
    }

   private:
    const std::weak_ptr<Impl> channel_;
    const uint64_t generation_;
  };

  uint32_t take_slot();
  void free_slot(uint32_t index);
  uint64_t id_of(uint32_t index) const { return slots_[index].uses << kSlotBits | index; }
  Slot* find(uint64_t id);
  Outgoing take_waiting();

  void connect();
  void on_connected(uint64_t generation, Result<std::shared_ptr<Connection>> connection);
  void on_message(uint64_t generation, std::string_view message);
  void on_answer(uint64_t generation, codec::ReplyHead head, std::string_view body);
  void on_idle(uint64_t generation);
  void on_closed(uint64_t generation, const Error& why);
  void pause();
  void on_pause_over();

  void arm(Clock::Instant now, Clock::Instant deadline);
  void on_timer();
  Clock::Instant silence_ends() const;

  Net& net_;
  const Clock& clock_;
  Random& random_;
  Executor& timers_;
  const Address address_;
  const RpcChannelOptions options_;

  std::mutex push_mutex_;  // held while on_push_ is called
  OnPush on_push_;

  mutable std::mutex mutex_;
  bool closed_ = false;
  State state_ = State::idle;
  uint64_t generation_ = 0;                 // of the connection; what older ones say is ignored
  uint64_t lost_ = 0;                       // connections that were ready and ended
  std::shared_ptr<Connection> connection_;  // when ready
  bool heard_ = false;                      // this connection has brought a message
  Clock::Instant last_heard_;
  int failures_ = 0;  // in a row

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::deque<uint64_t> waiting_;  // ids, in order; of some the slot is another's by now
  size_t waiting_bytes_ = 0;
  size_t in_flight_ = 0;  // sent or forgotten
  size_t calls_ = 0;      // waiting or sent

  TimerId timer_ = 0;
  TimerId pause_timer_ = 0;
  Clock::Instant timer_due_ = Clock::Instant::max();
};

// --- slots

uint32_t RpcChannel::Impl::take_slot() {
  if (free_.empty()) {
    slots_.emplace_back();
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

void RpcChannel::Impl::free_slot(uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.state == SlotState::waiting) {
    waiting_bytes_ -= slot.message.size();
    std::string().swap(slot.message);
  } else {
    --in_flight_;
  }
  if (slot.state != SlotState::forgotten) --calls_;
  slot.state = SlotState::free;
  ++slot.uses;
  free_.push_back(index);
}

// The call with that id, or null when there is none any more.
RpcChannel::Impl::Slot* RpcChannel::Impl::find(uint64_t id) {
  uint64_t index = id & kSlotMask;
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  bool same = slot.state != SlotState::free && slot.uses == id >> kSlotBits;
  return same ? &slot : nullptr;
}

// Takes what may be sent now of what waits.
RpcChannel::Impl::Outgoing RpcChannel::Impl::take_waiting() {
  Outgoing out;
  if (state_ != State::ready) return out;
  while (!waiting_.empty() && in_flight_ < options_.in_flight_max) {
    Slot* slot = find(waiting_.front());
    waiting_.pop_front();
    if (slot == nullptr) continue;
    waiting_bytes_ -= slot->message.size();
    slot->state = SlotState::sent;
    ++in_flight_;
    out.messages.push_back(std::exchange(slot->message, std::string()));
  }
  out.connection = connection_;
  return out;
}

// --- calls

void RpcChannel::Impl::call(uint32_t method, std::string_view body, Duration timeout, Done done) {
  if (body.size() + kHeadMax > kMessageMax) {
    return done(fail(Code::resource_exhausted, "the request has ", body.size(),
                     " bytes, the limit is ", kMessageMax - kHeadMax));
  }
  Clock::Instant now = clock_.now();
  int64_t ms = std::max<int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
  std::unique_lock lock(mutex_);
  if (closed_ || calls_ >= options_.calls_max ||
      waiting_bytes_ + body.size() > options_.waiting_max_bytes) {
    size_t calls = calls_;
    bool closed = closed_;
    lock.unlock();
    if (closed) return done(fail(Code::cancelled, "the channel is closed"));
    return done(fail(Code::overloaded, calls, " calls wait for ", address_.to_string()));
  }
  uint32_t index = take_slot();
  Slot& slot = slots_[index];
  std::string message;
  message.reserve(body.size() + kHeadMax);
  codec::encode({.id = id_of(index), .method = method, .deadline_ms = static_cast<uint64_t>(ms)},
                message);
  message += body;
  slot.began = now;
  slot.deadline = now + timeout;
  slot.done = std::move(done);
  ++calls_;
  arm(now, slot.deadline);
  if (state_ == State::ready && waiting_.empty() && in_flight_ < options_.in_flight_max) {
    slot.state = SlotState::sent;
    ++in_flight_;
    auto connection = connection_;
    lock.unlock();
    return connection->send(std::move(message));
  }
  slot.state = SlotState::waiting;
  waiting_bytes_ += message.size();
  slot.message = std::move(message);
  waiting_.push_back(id_of(index));
  if (state_ == State::idle) connect();
}

void RpcChannel::Impl::on_message(uint64_t generation, std::string_view message) {
  codec::ReplyHead head;
  std::string_view body;
  auto decoded = codec::decode(message, head, body);
  if (!decoded) {
    std::unique_lock lock(mutex_);
    if (generation != generation_ || !connection_) return;
    auto connection = connection_;
    lock.unlock();
    return connection->close(decoded.error().message());
  }
  if (head.kind == codec::EnvelopeKind::call) return on_answer(generation, std::move(head), body);
  std::lock_guard lock(push_mutex_);
  if (on_push_) on_push_(head.id, body);
}

void RpcChannel::Impl::on_answer(uint64_t generation, codec::ReplyHead head,
                                 std::string_view body) {
  Done done;
  Outgoing outgoing;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || generation != generation_) return;
    Slot* slot = find(head.id);
    if (slot == nullptr || slot->state == SlotState::waiting) return;
    done = std::exchange(slot->done, nullptr);
    free_slot(static_cast<uint32_t>(head.id & kSlotMask));
    if (!waiting_.empty()) outgoing = take_waiting();
  }
  outgoing.send();
  if (!done) return;
  if (head.code == Code::ok) return done(std::string(body));
  done(std::unexpected(codec::to_error(std::move(head))));
}

void RpcChannel::Impl::on_idle(uint64_t generation) {
  std::lock_guard lock(mutex_);
  if (closed_ || generation != generation_) return;
  heard_ = true;
  failures_ = 0;
  last_heard_ = clock_.now();
}

// --- the connection

void RpcChannel::Impl::connect() {
  state_ = State::connecting;
  heard_ = false;
  uint64_t generation = ++generation_;
  auto self = weak_from_this();
  net_.connect(address_, options_.connect_timeout, std::make_shared<Link>(self, generation),
               [self, generation](Result<std::shared_ptr<Connection>> connection) {
                 if (auto channel = self.lock()) {
                   channel->on_connected(generation, std::move(connection));
                 } else if (connection) {
                   (*connection)->close("nobody waits for it");
                 }
               });
}

void RpcChannel::Impl::on_connected(uint64_t generation,
                                    Result<std::shared_ptr<Connection>> connection) {
  std::vector<Ended> ended;
  Outgoing outgoing;
  std::shared_ptr<Connection> unwanted;
  {
    std::lock_guard lock(mutex_);
    bool wanted = !closed_ && generation == generation_;
    if (!wanted) {
      if (connection) unwanted = *connection;
    } else if (connection) {
      state_ = State::ready;
      connection_ = *connection;
      last_heard_ = clock_.now();
      outgoing = take_waiting();
    } else {
      for (uint64_t id : std::exchange(waiting_, {})) {
        Slot* slot = find(id);
        if (slot == nullptr) continue;
        ended.push_back({std::move(slot->done), connection.error()});
        free_slot(static_cast<uint32_t>(id & kSlotMask));
      }
      pause();
    }
  }
  if (unwanted) unwanted->close("nobody waits for it");
  outgoing.send();
  tell(ended);
}

void RpcChannel::Impl::on_closed(uint64_t generation, const Error& why) {
  std::vector<Ended> ended;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || generation != generation_) return;
    connection_.reset();
    ++lost_;
    ++generation_;
    for (uint32_t index = 0; index < slots_.size(); ++index) {
      Slot& slot = slots_[index];
      if (slot.state != SlotState::sent && slot.state != SlotState::forgotten) continue;
      if (slot.done) {
        ended.push_back(
            {std::exchange(slot.done, nullptr),
             Error(Code::unavailable,
                   str("lost the connection to ", address_.to_string(), ": ", why.message()),
                   Outcome::maybe_done)});
      }
      free_slot(index);
    }
    if (!heard_) {
      pause();
    } else if (calls_ > 0) {
      connect();
    } else {
      state_ = State::idle;
    }
  }
  tell(ended);
}

// Waits before the next attempt, longer each time.
void RpcChannel::Impl::pause() {
  state_ = State::pausing;
  Duration delay = options_.backoff_min * (int64_t{1} << std::min(failures_++, 20));
  delay = std::min(delay, options_.backoff_max);
  auto half = static_cast<uint64_t>(delay.count() / 2);
  delay = Duration(static_cast<int64_t>(half + random_.below(half + 1)));
  pause_timer_ = timers_.after(delay, [self = weak_from_this()] {
    if (auto channel = self.lock()) channel->on_pause_over();
  });
}

void RpcChannel::Impl::on_pause_over() {
  std::lock_guard lock(mutex_);
  if (closed_ || state_ != State::pausing) return;
  state_ = State::idle;
  if (calls_ > 0) connect();
}

// --- deadlines: one timer, at the earliest of them

void RpcChannel::Impl::arm(Clock::Instant now, Clock::Instant deadline) {
  if (deadline >= timer_due_) return;
  if (timer_due_ != Clock::Instant::max()) timers_.cancel(timer_);
  timer_due_ = deadline;
  timer_ = timers_.after(std::max(deadline - now, kTimerGrain), [self = weak_from_this()] {
    if (auto channel = self.lock()) channel->on_timer();
  });
}

void RpcChannel::Impl::on_timer() {
  std::vector<Ended> ended;
  std::shared_ptr<Connection> silent;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    Clock::Instant now = clock_.now();
    auto next = Clock::Instant::max();
    for (uint32_t index = 0; index < slots_.size(); ++index) {
      Slot& slot = slots_[index];
      if (!slot.done) continue;
      if (slot.deadline > now) {
        next = std::min(next, slot.deadline);
        continue;
      }
      bool sent = slot.state == SlotState::sent;
      auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - slot.began);
      ended.push_back({std::exchange(slot.done, nullptr),
                       Error(Code::cancelled,
                             str("no answer from ", address_.to_string(), " within ",
                                 waited.count(), " ms", sent ? "" : "; nothing was sent"),
                             sent ? Outcome::maybe_done : Outcome::not_done)});
      if (sent) {
        slot.state = SlotState::forgotten;
        --calls_;
      } else {
        free_slot(index);
      }
    }
    timer_due_ = Clock::Instant::max();
    Clock::Instant given_up = silence_ends();
    if (given_up <= now) {
      silent = connection_;
    } else {
      next = std::min(next, given_up);
    }
    if (next != Clock::Instant::max()) arm(now, next);
  }
  if (silent) silent->close("nothing came from the server for too long");
  tell(ended);
}

// When the connection is given up if nothing comes until then: a call passed its deadline, and
// since the oldest unanswered one was sent there was silence. Never, when no call passed it.
Clock::Instant RpcChannel::Impl::silence_ends() const {
  auto oldest = Clock::Instant::max();
  bool overdue = false;
  for (const Slot& slot : slots_) {
    bool owed = slot.state == SlotState::sent || slot.state == SlotState::forgotten;
    if (owed) oldest = std::min(oldest, slot.began);
    overdue = overdue || slot.state == SlotState::forgotten;
  }
  if (!overdue) return Clock::Instant::max();
  return std::max(oldest, last_heard_) + options_.silence_max;
}

void RpcChannel::Impl::close() {
  {
    std::lock_guard lock(push_mutex_);
    on_push_ = nullptr;
  }
  std::vector<Ended> ended;
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    connection = std::exchange(connection_, nullptr);
    if (timer_due_ != Clock::Instant::max()) timers_.cancel(timer_);
    if (state_ == State::pausing) timers_.cancel(pause_timer_);
    for (Slot& slot : slots_) {
      if (!slot.done) continue;
      Outcome outcome = slot.state == SlotState::sent ? Outcome::maybe_done : Outcome::not_done;
      ended.push_back({std::exchange(slot.done, nullptr),
                       Error(Code::cancelled, "the channel was closed", outcome)});
    }
  }
  if (connection) connection->close("the channel was closed");
  tell(ended);
}

// --- RpcChannel

RpcChannel::RpcChannel(Net& net, const Clock& clock, Random& random, Executor& timers,
                       Address address, RpcChannelOptions options, OnPush on_push)
    : impl_(std::make_shared<Impl>(net, clock, random, timers, std::move(address), options,
                                   std::move(on_push))) {}

RpcChannel::~RpcChannel() { impl_->close(); }

void RpcChannel::call(uint32_t method, std::string_view body, Duration timeout, Done done) {
  impl_->call(method, body, timeout, std::move(done));
}

Result<std::string> RpcChannel::call_blocking(uint32_t method, std::string_view body,
                                              Duration timeout) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Result<std::string>> answer;
  };
  auto waiting = std::make_shared<Waiting>();
  call(method, body, timeout, [waiting](Result<std::string> answer) {
    std::lock_guard lock(waiting->mutex);
    waiting->answer.emplace(std::move(answer));
    waiting->came.notify_one();
  });
  std::unique_lock lock(waiting->mutex);
  waiting->came.wait(lock, [&] { return waiting->answer.has_value(); });
  return *std::move(waiting->answer);
}

size_t RpcChannel::outstanding() const { return impl_->outstanding(); }

uint64_t RpcChannel::connection() const { return impl_->lost(); }

}  // namespace nokv::net
