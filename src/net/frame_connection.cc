#include "net/frame_connection.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/check.h"

namespace nokv::net {

namespace {

// Small messages share chunks up to this size; a larger one is moved in as it is.
constexpr size_t kChunkBytes = 16 << 10;
// In a batch, as much as this is written before the batch ends.
constexpr size_t kFlushBytes = 64 << 10;
constexpr size_t kPartsMax = 64;
constexpr int kReadsPerTurn = 4;
constexpr int kDirectWrites = 2;

std::string error_text(int64_t negative_errno) {
  return std::generic_category().message(static_cast<int>(-negative_errno));
}

std::string seconds(Duration duration) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms % 1000 == 0 ? str(ms / 1000, " s") : str(ms, " ms");
}

}  // namespace

void FrameConnection::Chunks::append(std::string_view head, std::string&& message) {
  if (message.size() >= kChunkBytes) {
    list.emplace_back(head);
    list.push_back(std::move(message));
    return;
  }
  if (empty() || list.back().size() + head.size() + message.size() > kChunkBytes) {
    bool more = !list.empty();
    list.emplace_back();
    if (more) list.back().reserve(kChunkBytes);
  }
  list.back().append(head).append(message);
}

void FrameConnection::Chunks::advance(size_t written) {
  while (written > 0) {
    size_t left = list[first].size() - offset;
    if (written < left) {
      offset += written;
      return;
    }
    written -= left;
    offset = 0;
    std::string().swap(list[first++]);
  }
  if (empty()) clear();
}

void FrameConnection::Chunks::clear() {
  if (list.capacity() > 16) {
    std::vector<std::string>().swap(list);
  } else {
    list.clear();
  }
  first = offset = 0;
}

FrameConnection::FrameConnection(IoHome& home, std::unique_ptr<StreamSocket> socket,
                                 std::string peer)
    : home_(home), peer_(std::move(peer)), decoder_(kMessageMax), socket_(std::move(socket)) {
  auto preamble = codec::encode_preamble(codec::Preamble{});
  out_.append(std::string_view(preamble.data(), preamble.size()), std::string());
  unsent_ = out_bytes_ = preamble.size();
  touch();
}

void FrameConnection::start(std::shared_ptr<ConnectionHandler> handler, std::string_view first) {
  handler_ = std::move(handler);
  if (!handler_) {
    told_ = true;
    close_with(Error(Code::unavailable, "refused"));
  } else if (!first.empty() && open_ && deliver(first) && handler_) {
    handler_->on_idle();
  }
  end_batch();
  rearm();
}

// --- in

void FrameConnection::on_readable() {
  waiting_readable_ = false;
  if (!socket_) return;
  if (!open_) return drain();
  begin_batch();
  int64_t got = 0;
  bool going = true;
  for (int turn = 0; going && turn < kReadsPerTurn; ++turn) {
    got = socket_->read(home_.scratch);
    if (got <= 0) break;
    touch();
    auto size = static_cast<size_t>(got);
    going = deliver({home_.scratch.data(), size});
    if (size < home_.scratch.size() || takes_too_little()) break;
  }
  if (going) handler_->on_idle();
  end_batch();
  if (got == 0) {
    std::string unfinished = decoder_.unfinished();
    return lost(Error(Code::unavailable, unfinished.empty()
                                             ? "the peer closed the connection"
                                             : str("the peer closed after ", unfinished)));
  }
  if (got < 0 && got != -EAGAIN) return lost(Error(Code::unavailable, error_text(got)));
  rearm();
}

// Hands the messages in `bytes` to the handler. False when nothing more is to be delivered.
bool FrameConnection::deliver(std::string_view bytes) {
  if (preamble_size_ < codec::kPreambleSize && !take_preamble(bytes)) return open_;
  if (!bytes.empty()) decoder_.feed(bytes);
  while (true) {
    auto next = decoder_.next();
    if (!next) {
      close_with(std::move(next).error());
      return false;
    }
    if (!*next) break;
    handler_->on_message(next->value_or(std::string_view()));
    if (!open_) return false;
  }
  return charge_input();
}

// True when the preamble has come whole and is good.
bool FrameConnection::take_preamble(std::string_view& bytes) {
  size_t taken = std::min(bytes.size(), codec::kPreambleSize - preamble_size_);
  std::copy_n(bytes.data(), taken, preamble_.data() + preamble_size_);
  bytes.remove_prefix(taken);
  preamble_size_ += taken;
  if (preamble_size_ < codec::kPreambleSize) return false;
  auto preamble = codec::decode_preamble({preamble_.data(), preamble_.size()});
  if (!preamble) close_with(std::move(preamble).error());
  return open_;
}

// Counts what a message that arrived in part holds. False when that was too much for all together.
bool FrameConnection::charge_input() {
  size_t held = decoder_.held_bytes();
  if (held == charged_bytes_) return true;
  size_t total = home_.totals.input_bytes += held - charged_bytes_;
  bool grown = held > charged_bytes_;
  charged_bytes_ = held;
  if (!grown || total <= home_.options.input_max_bytes) return true;
  close_with(
      Error(Code::resource_exhausted, str("messages in arrival hold ", total,
                                          " bytes, the limit is ", home_.options.input_max_bytes)));
  return false;
}

// Whether the peer leaves so much unread that no more is to be read from it.
bool FrameConnection::takes_too_little() const {
  return unsent_bytes() > home_.options.unsent_pause_bytes;
}

void FrameConnection::begin_batch() {
  std::lock_guard lock(mutex_);
  in_batch_ = true;
  direct_left_ = kDirectWrites;
}

void FrameConnection::end_batch() {
  {
    std::lock_guard lock(mutex_);
    in_batch_ = false;
    direct_left_ = kDirectWrites;
    if (writing_ || out_.empty() || !socket_) return;
    writing_ = true;
  }
  write_queued();
}

// Goes on reading, unless the peer does not take what it asked for.
void FrameConnection::rearm() {
  if (waiting_readable_ || read_ended_ || !socket_) return;
  paused_ = open_ && takes_too_little();
  if (paused_) return;
  waiting_readable_ = true;
  socket_->wait_readable(shared_from_this());
}

// Reads and forgets until the peer closes.
void FrameConnection::drain() {
  int64_t got = socket_->read(home_.scratch);
  if (got > 0 || got == -EAGAIN) return rearm();
  read_ended_ = true;
  if (half_closed_ || got < 0) finish();
}

// --- out

void FrameConnection::send(std::string message) {
  check(message.size() <= kMessageMax, "a message is at most kMessageMax");
  auto header = codec::encode_frame_header(message);
  std::string_view head(header.data(), header.size());
  std::unique_lock lock(mutex_);
  if (!open_) return;
  size_t size = head.size() + message.size();
  size_t unsent = unsent_ += size;
  if (unsent > home_.options.unsent_max_bytes) {
    return close_locked(Error(Code::resource_exhausted,
                              str("the peer left ", unsent, " bytes unread, the limit is ",
                                  home_.options.unsent_max_bytes)));
  }
  if (may_write_now()) return write_now(lock, head, std::move(message));
  out_.append(head, std::move(message));
  out_bytes_ += size;
  if (writing_) return;
  if (in_batch_) {
    if (out_bytes_ < kFlushBytes || !socket_->in_io_thread()) return;
    writing_ = true;
    lock.unlock();
    return write_queued();
  }
  writing_ = true;
  socket_->post([self = shared_from_this()] { self->write_queued(); });
}

bool FrameConnection::may_write_now() const {
  return !writing_ && out_.empty() && direct_left_ > 0 && !(in_batch_ && socket_->in_io_thread());
}

// Writes from the sender's thread what the system takes at once.
void FrameConnection::write_now(std::unique_lock<std::mutex>& lock, std::string_view head,
                                std::string&& message) {
  writing_ = direct_ = true;
  --direct_left_;
  std::array<std::string_view, 2> parts{head, message};
  lock.unlock();
  int64_t written = socket_->write(parts);
  lock.lock();
  direct_ = false;
  if (finish_pending_) {
    socket_->post([self = shared_from_this()] { self->finish(); });
    return;
  }
  // An error is seen again, and told, by the I/O thread.
  size_t taken = written > 0 ? static_cast<size_t>(written) : 0;
  if (taken > 0) touch();
  unsent_ -= taken;
  if (taken < head.size() + message.size()) {
    sending_.append(head, std::move(message));
    sending_.advance(taken);
  }
  if (sending_.empty() && out_.empty() && open_) {
    writing_ = false;
    return;
  }
  socket_->post([self = shared_from_this()] { self->write_queued(); });
}

// Writes all that is queued; the token is held. On the I/O thread.
void FrameConnection::write_queued() {
  while (socket_) {
    if (sending_.empty() && !take_queued()) return;
    std::array<std::string_view, kPartsMax> parts;
    size_t count = 0;
    size_t offset = sending_.offset;
    for (size_t i = sending_.first; i < sending_.list.size() && count < kPartsMax; ++i) {
      parts[count++] = std::string_view(sending_.list[i]).substr(offset);
      offset = 0;
    }
    int64_t written = socket_->write({parts.data(), count});
    if (written == -EAGAIN) return socket_->wait_writable(shared_from_this());
    if (written < 0) {
      // Not from here: the caller may be a handler inside a batch.
      std::lock_guard lock(mutex_);
      open_ = false;
      why_ = Error(Code::unavailable, error_text(written));
      return socket_->post([self = shared_from_this(), why = why_] { self->lost(why); });
    }
    touch();
    sending_.advance(static_cast<size_t>(written));
    unsent_ -= static_cast<size_t>(written);
    if (paused_ && unsent_bytes() <= home_.options.unsent_pause_bytes / 2) rearm();
  }
}

// Moves what was queued to `sending_`; when there is nothing gives the token back.
bool FrameConnection::take_queued() {
  std::unique_lock lock(mutex_);
  direct_left_ = kDirectWrites;
  if (!out_.empty()) {
    std::swap(out_, sending_);
    out_bytes_ = 0;
    return true;
  }
  writing_ = false;
  if (open_) return false;
  lock.unlock();
  half_close();
  return false;
}

// --- the end

void FrameConnection::close(std::string_view reason) {
  close_with(Error(Code::cancelled, str("closed here: ", reason)));
}

void FrameConnection::close_with(Error why) {
  std::lock_guard lock(mutex_);
  if (open_) close_locked(std::move(why));
}

void FrameConnection::close_locked(Error why) {
  open_ = false;
  why_ = std::move(why);
  bool write = !writing_;
  writing_ = true;
  socket_->post([self = shared_from_this(), write] {
    self->tell_closed();
    if (write) self->write_queued();
    self->rearm();
  });
}

// All that was sent is with the system: tells the peer so.
void FrameConnection::half_close() {
  if (!socket_ || half_closed_) return;
  half_closed_ = true;
  socket_->shutdown_write();
  if (read_ended_) finish();
}

// The peer is gone.
void FrameConnection::lost(Error why) {
  {
    std::lock_guard lock(mutex_);
    if (open_) why_ = std::move(why);
    open_ = false;
  }
  tell_closed();
  finish();
}

void FrameConnection::tell_closed() {
  if (std::exchange(told_, true)) return;
  Error why = [&] {
    std::lock_guard lock(mutex_);
    return why_;
  }();
  auto handler = std::move(handler_);
  handler->on_closed(why);
}

void FrameConnection::finish() {
  auto self = shared_from_this();
  std::unique_ptr<StreamSocket> socket;
  {
    std::lock_guard lock(mutex_);
    if (!socket_) return;
    finish_pending_ = direct_;
    if (finish_pending_) return;
    socket = std::move(socket_);
    out_.clear();
    sending_.clear();
    writing_ = true;
    unsent_ = 0;
  }
  handler_.reset();
  home_.totals.input_bytes -= charged_bytes_;
  charged_bytes_ = 0;
  --home_.totals.connections;
  home_.remove(this);
}

void FrameConnection::shut_down(const Error& why) { lost(why); }

void FrameConnection::on_tick() {
  uint32_t since = last_active_.load(std::memory_order_relaxed);
  const AsioNetOptions& options = home_.options;
  if (!open_) {
    if (home_.passed(options.linger_timeout, since)) finish();
  } else if (preamble_size_ < codec::kPreambleSize) {
    if (!home_.passed(options.preamble_timeout, since)) return;
    close_with(Error(Code::unavailable,
                     str("the peer sent no preamble within ", seconds(options.preamble_timeout))));
  } else if (home_.passed(options.idle_timeout, since)) {
    close_with(Error(Code::unavailable, str("idle for ", seconds(options.idle_timeout))));
  }
}

void FrameConnection::touch() {
  last_active_.store(home_.tick.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

}  // namespace nokv::net
