// One framed connection over a socket: batches in, coalesced writes out. Inside net only.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "codec/frame.h"
#include "net/io_home.h"

namespace nokv::net {

// How bytes leave. The right to write to the socket is one token (`writing_`): who holds it writes
// without the lock, everyone else appends to `out_`. A sender on another thread takes the token
// when nothing is queued and writes at once, which saves a change of threads; after a few such
// writes in a row it appends instead and the I/O thread writes all that has come together.
//
// How it ends. close() or an error of the stream: `open_` falls, the handler is told, what is
// queued is written, the write side is shut down, and the socket is drained until the peer closes
// too, so that what was sent is not lost to a reset. A peer that is gone: everything is dropped at
// once.
class FrameConnection final : public Connection,
                              public SocketUser,
                              public std::enable_shared_from_this<FrameConnection> {
 public:
  // `home` outlives the socket, which is destroyed when the connection has ended.
  FrameConnection(IoHome& home, std::unique_ptr<StreamSocket> socket, std::string peer);

  // Begins: delivers `first`, which has been read from the socket already, and goes on reading.
  // What was sent before start() is written after it. A null handler closes. Call on the I/O
  // thread.
  void start(std::shared_ptr<ConnectionHandler> handler, std::string_view first);

  void send(std::string message) override;
  void close(std::string_view reason) override;
  size_t unsent_bytes() const override { return unsent_.load(std::memory_order_relaxed); }
  const std::string& peer() const override { return peer_; }

  void on_readable() override;
  void on_writable() override { write_queued(); }
  void on_tick() override;
  void shut_down(const Error& why) override;

 private:
  // Chunks of bytes to write, oldest first.
  struct Chunks {
    std::vector<std::string> list;
    size_t first = 0;   // chunks before it have been written
    size_t offset = 0;  // bytes of the first one that have been written

    bool empty() const { return first == list.size(); }
    void append(std::string_view head, std::string&& message);
    void advance(size_t written);
    void clear();
  };

  bool deliver(std::string_view bytes);
  bool take_preamble(std::string_view& bytes);
  bool charge_input();
  bool takes_too_little() const;
  void begin_batch();
  void end_batch();
  void rearm();
  void drain();

  bool may_write_now() const;
  void write_now(std::unique_lock<std::mutex>& lock, std::string_view head, std::string&& message);
  void write_queued();
  bool take_queued();
  void half_close();

  void close_with(Error why);
  void close_locked(Error why);
  void lost(Error why);
  void tell_closed();
  void finish();
  void touch();

  IoHome& home_;
  const std::string peer_;
  std::atomic<size_t> unsent_ = 0;
  std::atomic<uint32_t> last_active_ = 0;
  std::atomic<bool> open_ = true;

  // Home: the I/O thread.
  std::shared_ptr<ConnectionHandler> handler_;
  codec::FrameDecoder decoder_;
  std::array<char, codec::kPreambleSize> preamble_{};
  size_t preamble_size_ = 0;
  size_t charged_bytes_ = 0;  // of totals.input_bytes
  bool waiting_readable_ = false;
  bool paused_ = false;  // not reading, for too much is unsent
  bool read_ended_ = false;
  bool half_closed_ = false;
  bool told_ = false;

  // Home: who holds the token `writing_`.
  Chunks sending_;

  std::mutex mutex_;  // guards what follows; no call to a handler is made under it
  std::unique_ptr<StreamSocket> socket_;  // null once finished
  Chunks out_;
  size_t out_bytes_ = 0;
  bool writing_ = false;
  bool direct_ = false;          // the token is held by a sender, in its system call
  bool in_batch_ = true;         // what is sent is written when the batch ends
  bool finish_pending_ = false;  // finish() waits for the sender in its system call
  int direct_left_ = 0;          // direct writes until the I/O thread takes over
  Error why_{Code::unavailable, "closed"};
};

}  // namespace nokv::net
