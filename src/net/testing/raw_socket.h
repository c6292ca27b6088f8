// A plain blocking socket, for tests that speak to a Net in bytes.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env/net.h"
#include "codec/frame.h"

namespace nokv::net {

class RawSocket {
 public:
  // Connects to a TCP address; a read that waits for more than ten seconds ends.
  explicit RawSocket(const Address& to, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    ::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawSocket() { ::close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  // False when the peer takes no more.
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Exactly `size` bytes, or fewer when the stream ends.
  std::string read(size_t size) {
    std::string out(size, '\0');
    size_t have = 0;
    while (have < size) {
      ssize_t got = ::recv(fd_, out.data() + have, size - have, 0);
      if (got <= 0) break;
      have += static_cast<size_t>(got);
    }
    out.resize(have);
    return out;
  }

  // Everything until the peer closes.
  std::string read_all() {
    std::string out;
    char buffer[4096];
    while (true) {
      ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
      if (got <= 0) return out;
      out.append(buffer, static_cast<size_t>(got));
    }
  }

  void end_writing() { ::shutdown(fd_, SHUT_WR); }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

inline std::string preamble_bytes() {
  auto bytes = codec::encode_preamble(codec::Preamble{});
  return {bytes.data(), bytes.size()};
}

inline std::string frame_bytes(std::string_view message) {
  auto header = codec::encode_frame_header(message);
  return std::string(header.data(), header.size()).append(message);
}

}  // namespace nokv::net
