// A small HTTP server for tests that answers as it is told: also wrongly, slowly, or not at all.
#pragma once

#include <atomic>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace nokv::net {

// On a port of 127.0.0.1 that the system picks; a thread per connection. `answer` gets the head
// (request line and headers) and the body of each request and gives the bytes to send back,
// verbatim; after an answer that is empty or says "Connection: close" the connection is closed.
// `answer` is called on those threads.
class ScriptHttpServer {
 public:
  struct Request {
    std::string head;
    std::string body;

    bool says(std::string_view text) const { return head.find(text) != std::string::npos; }
  };
  using Answer = std::function<std::string(const Request&)>;

  explicit ScriptHttpServer(Answer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    check(::bind(listener_, generic, sizeof(address)) == 0, "a port can be bound");
    check(::listen(listener_, 128) == 0, "the port can be listened to");
    socklen_t size = sizeof(address);
    check(::getsockname(listener_, generic, &size) == 0, "the port is known");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~ScriptHttpServer() {
    stopping_ = true;
    acceptor_.join();
    ::close(listener_);
    for (auto& connection : connections_) connection.join();
  }
  ScriptHttpServer(const ScriptHttpServer&) = delete;
  ScriptHttpServer& operator=(const ScriptHttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return accepted_; }
  // Whether the test is over: an answer that waits must look.
  bool stopping() const { return stopping_; }

  // A whole answer.
  static std::string reply(int status, std::string_view body, std::string_view headers = "") {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers) +
           "\r\n" + std::string(body);
  }

 private:
  static constexpr int kPollMs = 10;

  bool readable(int fd) const {
    pollfd waiting{fd, POLLIN, 0};
    while (!stopping_) {
      if (::poll(&waiting, 1, kPollMs) > 0) return true;
    }
    return false;
  }

  void accept_all() {
    while (readable(listener_)) {
      int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++accepted_;
      connections_.emplace_back([this, fd] {
        serve(fd);
        ::close(fd);
      });
    }
  }

  void serve(int fd) {
    std::string bytes;
    auto more = [&] {
      if (!readable(fd)) return false;
      char buffer[65536];
      ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
      if (got <= 0) return false;
      bytes.append(buffer, static_cast<size_t>(got));
      return true;
    };
    while (true) {
      size_t end = 0;
      while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
        if (!more()) return;
      }
      Request request{bytes.substr(0, end + 4), ""};
      size_t length = content_length(request.head);
      while (bytes.size() < end + 4 + length) {
        if (!more()) return;
      }
      request.body = bytes.substr(end + 4, length);
      bytes.erase(0, end + 4 + length);
      std::string out = answer_(request);
      for (size_t sent = 0; sent < out.size();) {
        ssize_t step = ::send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
        if (step <= 0) return;
        sent += static_cast<size_t>(step);
      }
      if (out.empty() || out.find("Connection: close") != std::string::npos) return;
    }
  }

  static size_t content_length(const std::string& head) {
    std::string lower = head;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    static constexpr std::string_view kName = "\r\ncontent-length:";
    size_t at = lower.find(kName);
    if (at == std::string::npos) return 0;
    return std::strtoull(lower.c_str() + at + kName.size(), nullptr, 10);
  }

  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread acceptor_;
  std::vector<std::thread> connections_;
};

}  // namespace nokv::net
