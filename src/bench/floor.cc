#include "bench/floor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nokv::bench {
namespace {

constexpr size_t kCopiedAtOnce = 4 << 20;
constexpr size_t kSyncFileBytes = 4 << 20;  // or twice what is written at a time

// Closes what it holds.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

std::unexpected<Error> system_failure(std::string_view what) {
  std::array<char, 128> text{};
  const char* said = ::strerror_r(errno, text.data(), text.size());
  return fail(Code::unavailable, what, ": ", std::string_view(said));
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool receive_all(int fd, char* at, size_t size) {
  while (size > 0) {
    ssize_t got = ::recv(fd, at, size, 0);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

void no_delay(int fd) {
  int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

sockaddr* as_sockaddr(sockaddr_in& in) { return static_cast<sockaddr*>(static_cast<void*>(&in)); }

// Until the peer closes.
void serve_echo(int listener, size_t reply_bytes) {
  Fd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (peer.get() < 0) return;
  no_delay(peer.get());
  std::array<char, kEchoRequestBytes> request{};
  std::string reply(reply_bytes, 'r');
  while (receive_all(peer.get(), request.data(), request.size())) {
    if (!send_all(peer.get(), reply)) return;
  }
}

Run median_run(std::vector<double> latencies_us) {
  double middle = median(latencies_us);
  return {middle, std::move(latencies_us)};
}

}  // namespace

Result<Run> echo_run(const Clock& clock, size_t reply_bytes, Duration time) {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener.get(), as_sockaddr(address), size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), as_sockaddr(address), &size) != 0 ||
      ::connect(client.get(), as_sockaddr(address), size) != 0) {
    return system_failure("echo on loopback");
  }
  no_delay(client.get());
  std::jthread server([&] { serve_echo(listener.get(), reply_bytes); });
  std::string request(kEchoRequestBytes, 'q');
  std::string reply(reply_bytes, '\0');
  std::vector<double> latencies;
  bool fine = true;
  for (auto end = clock.now() + time; fine && clock.now() < end;) {
    auto began = clock.now();
    fine = send_all(client.get(), request) && receive_all(client.get(), reply.data(), reply.size());
    latencies.push_back(to_us(clock.now() - began));
  }
  ::shutdown(client.get(), SHUT_RDWR);
  if (!fine) return system_failure("echo on loopback");
  return median_run(std::move(latencies));
}

Result<Run> sync_run(const Clock& clock, const std::string& directory, size_t bytes,
                     Duration time) {
  Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.get() < 0) return system_failure("a file in " + directory);
  const size_t file_bytes = std::max(kSyncFileBytes, 2 * bytes);
  std::string zeros(file_bytes, '\0');
  if (::pwrite(file.get(), zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()) ||
      ::fsync(file.get()) != 0) {
    return system_failure("a file in " + directory);
  }
  std::string record(bytes, 'x');
  std::vector<double> latencies;
  size_t at = 0;
  for (auto end = clock.now() + time; clock.now() < end;) {
    auto began = clock.now();
    if (::pwrite(file.get(), record.data(), bytes, static_cast<off_t>(at)) !=
            static_cast<ssize_t>(bytes) ||
        ::fdatasync(file.get()) != 0) {
      return system_failure("fdatasync in " + directory);
    }
    latencies.push_back(to_us(clock.now() - began));
    at += bytes;
    if (at + bytes > file_bytes) at = 0;
  }
  return median_run(std::move(latencies));
}

Run copy_run(const Clock& clock, size_t body_bytes, size_t bytes, Duration time) {
  std::string body(body_bytes, 'x');
  // Few enough that the memory of the last ones is used again.
  const size_t at_once = std::clamp<size_t>(kCopiedAtOnce / bytes, 1, 256);
  uint64_t copies = 0;
  uint64_t place = 1;
  auto began = clock.now();
  while (clock.now() - began < time) {
    std::vector<std::string> batch;
    batch.reserve(at_once);
    for (size_t i = 0; i < at_once; ++i) {
      place = place * 6364136223846793005ULL + 1442695040888963407ULL;
      batch.emplace_back(body, (place >> 16) % (body_bytes - bytes), bytes);
    }
    copies += batch.size();
  }
  return {static_cast<double>(copies) / to_s(clock.now() - began), {}};
}

}  // namespace nokv::bench
