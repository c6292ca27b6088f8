// Sockets are asked for directly where Asio would only wrap one system call; waiting, connecting,
// accepting and timers are Asio's.
#include "net/asio_net.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <latch>
#include <optional>
#include <shared_mutex>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/check.h"
#include "net/asio_http.h"
#include "net/frame_connection.h"
#include "net/io_home.h"

namespace nokv::net {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Stream = asio::generic::stream_protocol;
using Socket = asio::basic_stream_socket<Stream, asio::io_context::executor_type>;
using ListenSocket = asio::basic_socket_acceptor<Stream, asio::io_context::executor_type>;
using Connected = std::move_only_function<void(Result<std::shared_ptr<Connection>>)>;

constexpr size_t kWriteParts = 64;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// One event loop and its thread's share of everything.
struct IoThread {
  IoThread(const AsioNetOptions& options, NetTotals& totals, Duration tick_length)
      : home{.options = options, .totals = totals, .tick_length = tick_length},
        work(context.get_executor()),
        timer(context) {
    next_tick();
  }

  void next_tick() {
    timer.expires_after(home.tick_length);
    timer.async_wait([this](const error_code& error) {
      if (error || home.on_empty) return;
      ++home.tick;
      std::vector<std::shared_ptr<SocketUser>> users;
      users.reserve(home.users.size());
      for (auto& [key, user] : home.users) users.push_back(user);
      for (auto& user : users) user->on_tick();
      next_tick();
    });
  }

  // On its thread: closes everything; the loop ends when the last one has gone.
  void shut_down() {
    home.on_empty = [this] {
      work.reset();
      timer.cancel();
    };
    std::vector<std::shared_ptr<SocketUser>> users;
    for (auto& [key, user] : home.users) users.push_back(user);
    for (auto& user : users) user->shut_down(Error(Code::unavailable, "the network was shut down"));
    if (home.users.empty()) home.on_empty();
  }

  asio::io_context context{1};
  IoHome home;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::steady_timer timer;
};

void set_options(Socket& socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  // A unix socket refuses the first and that is fine.
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
}

class AsioSocket final : public StreamSocket {
 public:
  AsioSocket(IoThread& io, Socket socket)
      : io_(io), socket_(std::move(socket)), fd_(socket_.native_handle()) {
    set_options(socket_);
  }

  int64_t write(std::span<const std::string_view> parts) override {
    std::array<iovec, kWriteParts> vectors;
    size_t count = std::min(parts.size(), kWriteParts);
    for (size_t i = 0; i < count; ++i) {
      vectors[i] = {.iov_base = const_cast<char*>(parts[i].data()), .iov_len = parts[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    return settled([&] { return ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
  }

  int64_t read(std::span<char> into) override {
    return settled([&] { return ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT); });
  }

  void post(std::move_only_function<void()> task) override {
    asio::post(io_.context, std::move(task));
  }

  bool in_io_thread() const override { return io_.context.get_executor().running_in_this_thread(); }

  void wait_readable(std::shared_ptr<SocketUser> user) override {
    socket_.async_wait(Socket::wait_read, [user = std::move(user)](const error_code& error) {
      if (error != asio::error::operation_aborted) user->on_readable();
    });
  }

  void wait_writable(std::shared_ptr<SocketUser> user) override {
    socket_.async_wait(Socket::wait_write, [user = std::move(user)](const error_code& error) {
      if (error != asio::error::operation_aborted) user->on_writable();
    });
  }

  void shutdown_write() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  // Gives the descriptor away.
  int release() {
    error_code error;
    return socket_.release(error);
  }

 private:
  // The result of a system call, again when a signal came between; -errno when it failed.
  static int64_t settled(const auto& call) {
    while (true) {
      ssize_t result = call();
      if (result >= 0) return result;
      if (errno != EINTR) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
  }

  IoThread& io_;
  Socket socket_;
  const int fd_;
};

// The callbacks of a listener, which end with it though its connections go on.
class Callbacks {
 public:
  explicit Callbacks(Acceptor acceptor) : acceptor_(std::move(acceptor)) {}

  std::shared_ptr<ConnectionHandler> accept(std::shared_ptr<Connection> connection) {
    std::shared_lock lock(mutex_);
    return acceptor_.accept ? acceptor_.accept(std::move(connection)) : nullptr;
  }

  HttpResponse http(const HttpRequest& request) {
    std::shared_lock lock(mutex_);
    if (acceptor_.http) return acceptor_.http(request);
    return {.status = 503, .body = "stopping\n"};
  }

  bool has_http() {
    std::shared_lock lock(mutex_);
    return static_cast<bool>(acceptor_.http);
  }

  void end() {
    std::unique_lock lock(mutex_);
    acceptor_ = {};
  }

 private:
  std::shared_mutex mutex_;
  Acceptor acceptor_;
};

// "127.0.0.1:4711" or what is known of who sits behind a unix socket.
std::string peer_name(Socket& socket, std::string_view unix_path) {
  error_code error;
  auto endpoint = socket.remote_endpoint(error);
  if (!unix_path.empty()) {
    ucred who{};
    socklen_t size = sizeof(who);
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
      return str("unix:", unix_path);
    }
    return str("unix:", unix_path, " (uid ", who.uid, ", pid ", who.pid, ")");
  }
  if (error) return "unknown";
  asio::ip::tcp::endpoint tcp;
  if (endpoint.size() > tcp.capacity()) return "unknown";
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.resize(endpoint.size());
  bool v6 = tcp.address().is_v6();
  return str(v6 ? "[" : "", tcp.address().to_string(), v6 ? "]:" : ":", tcp.port());
}

Error listen_error(const Address& address, std::string_view what, const error_code& error) {
  Code code = Code::invalid_argument;
  if (error == asio::error::address_in_use) code = Code::already_exists;
  if (error == asio::error::access_denied) code = Code::permission_denied;
  return {code, str("listen on ", address.to_string(), ": ", what, ": ", error.message())};
}

// Opens, binds and listens. A unix path that nobody listens on is taken over.
Result<Stream::endpoint> listen_endpoint(asio::io_context& context, const Address& address) {
  error_code error;
  if (!address.is_unix()) {
    auto ip = asio::ip::make_address(address.host, error);
    if (!error) return Stream::endpoint(asio::ip::tcp::endpoint(ip, address.port));
    asio::ip::tcp::resolver resolver(context);
    auto found = resolver.resolve(address.host, std::to_string(address.port), error);
    if (error) return std::unexpected(listen_error(address, "resolve", error));
    return Stream::endpoint(found.begin()->endpoint());
  }
  if (address.path.size() >= sizeof(sockaddr_un{}.sun_path)) {
    return fail(Code::invalid_argument, "listen on ", address.to_string(), ": the path has ",
                address.path.size(), " bytes, the limit is ", sizeof(sockaddr_un{}.sun_path) - 1);
  }
  asio::local::stream_protocol::endpoint endpoint(address.path);
  asio::local::stream_protocol::socket probe(context);
  probe.connect(endpoint, error);
  if (error == asio::error::connection_refused) ::unlink(address.path.c_str());
  return Stream::endpoint(endpoint);
}

Result<ListenSocket> open_listener(asio::io_context& context, const Address& address) {
  NOKV_ASSIGN(auto endpoint, listen_endpoint(context, address));
  ListenSocket out(context);
  error_code error;
  out.open(endpoint.protocol(), error);
  if (error) return std::unexpected(listen_error(address, "open", error));
  if (address.is_unix()) {
    ::fchmod(out.native_handle(), 0600);  // before bind: the path is born with it
  } else {
    out.set_option(ListenSocket::reuse_address(true), error);
  }
  out.bind(endpoint, error);
  if (error) return std::unexpected(listen_error(address, "bind", error));
  out.listen(asio::socket_base::max_listen_connections, error);
  if (error) return std::unexpected(listen_error(address, "listen", error));
  return out;
}

}  // namespace

struct AsioNet::Impl {
  class Greeter;
  class Listening;
  class Connector;

  Impl(int io_threads, AsioNetOptions chosen);
  ~Impl();

  IoThread& next_io() { return *threads[next_thread++ % threads.size()]; }

  void refused(std::string_view peer, const Error& why) const {
    if (options.on_refused) options.on_refused(peer, why);
  }

  // A place for one more connection; false when there is none.
  bool admit() {
    if (totals.connections++ < options.connections_max) return true;
    --totals.connections;
    return false;
  }

  Error full() const {
    return {Code::overloaded,
            str("there are ", options.connections_max, " connections, which is the limit")};
  }

  const AsioNetOptions options;
  NetTotals totals;
  std::atomic<size_t> next_thread = 0;
  std::vector<std::unique_ptr<IoThread>> threads;
  std::optional<HttpPool> http;
  std::optional<asio::thread_pool> runners;
};

// Looks at the first bytes of an accepted socket: a nokv peer, HTTP, or neither.
class AsioNet::Impl::Greeter final : public SocketUser,
                                     public std::enable_shared_from_this<Greeter> {
 public:
  Greeter(Impl& net, IoThread& io, std::shared_ptr<Callbacks> callbacks, Socket socket,
          std::string peer, bool is_unix)
      : net_(net),
        io_(io),
        callbacks_(std::move(callbacks)),
        socket_(std::make_unique<AsioSocket>(io, std::move(socket))),
        peer_(std::move(peer)),
        is_unix_(is_unix),
        since_(io.home.tick) {}

  void start() {
    io_.home.add(shared_from_this());
    socket_->wait_readable(shared_from_this());
  }

  void on_readable() override {
    if (!socket_) return;
    int64_t got = socket_->read(io_.home.scratch);
    if (got == -EAGAIN) return socket_->wait_readable(shared_from_this());
    if (got <= 0)
      return refuse(Error(Code::unavailable, "the peer closed before it said anything"));
    std::string_view bytes(io_.home.scratch.data(), static_cast<size_t>(got));
    if (!first_.empty()) bytes = first_.append(bytes);
    std::string_view magic = codec::kFrameMagic.substr(0, bytes.size());
    if (!bytes.starts_with(magic)) return become_http(bytes);
    if (bytes.size() >= codec::kFrameMagic.size()) return become_frames(bytes);
    first_ = bytes;
    socket_->wait_readable(shared_from_this());
  }

  void on_tick() override {
    if (io_.home.passed(net_.options.preamble_timeout, since_)) {
      refuse(Error(Code::unavailable, "the peer said nothing in time"));
    }
  }

  void shut_down(const Error& why) override { refuse(why); }

 private:
  void become_frames(std::string_view bytes) {
    auto self = shared_from_this();
    auto connection = std::make_shared<FrameConnection>(io_.home, std::move(socket_), peer_);
    io_.home.add(connection);
    io_.home.remove(this);
    connection->start(callbacks_->accept(connection), bytes);
  }

  void become_http(std::string_view bytes) {
    bool is_text =
        std::ranges::all_of(bytes.substr(0, 3), [](char c) { return c >= 'A' && c <= 'z'; });
    if (!callbacks_->has_http() || !is_text) {
      return refuse(
          Error(Code::invalid_argument, "the peer speaks neither nokv's protocol nor HTTP"));
    }
    auto self = shared_from_this();
    int family = socket_family();
    std::shared_ptr<void> place(&net_,
                                [](void* net) { --static_cast<Impl*>(net)->totals.connections; });
    net_.http->serve(
        socket_->release(), family, std::string(bytes),
        [callbacks = callbacks_](const HttpRequest& request) { return callbacks->http(request); },
        std::move(place));
    socket_.reset();
    io_.home.remove(this);
  }

  int socket_family() const { return is_unix_ ? AF_UNIX : AF_INET; }

  void refuse(const Error& why) {
    auto self = shared_from_this();
    socket_.reset();
    --net_.totals.connections;
    net_.refused(peer_, why);
    io_.home.remove(this);
  }

  Impl& net_;
  IoThread& io_;
  std::shared_ptr<Callbacks> callbacks_;
  std::unique_ptr<AsioSocket> socket_;
  std::string peer_;
  bool is_unix_;
  uint32_t since_;
  std::string first_;
};

// An open listening socket, on one I/O thread.
class AsioNet::Impl::Listening final : public std::enable_shared_from_this<Listening> {
 public:
  Listening(Impl& net, IoThread& io, ListenSocket socket, Address address, Acceptor acceptor)
      : net_(net),
        io_(io),
        socket_(std::move(socket)),
        timer_(io.context),
        address_(std::move(address)),
        callbacks_(std::make_shared<Callbacks>(std::move(acceptor))) {}

  const Address& address() const { return address_; }

  void start() {
    asio::post(io_.context, [self = shared_from_this()] { self->accept(); });
  }

  void stop() {
    callbacks_->end();
    std::latch closed(1);
    asio::dispatch(io_.context, [&] {
      error_code ignored;
      socket_.close(ignored);
      timer_.cancel();
      closed.count_down();
    });
    closed.wait();
    if (address_.is_unix()) ::unlink(address_.path.c_str());
  }

 private:
  void accept() {
    if (!socket_.is_open()) return;
    IoThread& io = net_.next_io();
    socket_.async_accept(io.context.get_executor(),
                         [self = shared_from_this(), &io](const error_code& error, Socket socket) {
                           if (error == asio::error::operation_aborted) return;
                           if (error) return self->pause(error);
                           self->accepted(io, std::move(socket));
                           self->accept();
                         });
  }

  void accepted(IoThread& io, Socket socket) {
    std::string peer = peer_name(socket, address_.path);
    if (!net_.admit()) return net_.refused(peer, net_.full());
    asio::post(io.context, [self = shared_from_this(), &io, peer = std::move(peer),
                            accepted = std::move(socket)]() mutable {
      std::make_shared<Greeter>(self->net_, io, self->callbacks_, std::move(accepted),
                                std::move(peer), self->address_.is_unix())
          ->start();
    });
  }

  // Out of descriptors or memory: connections wait in the system's queue meanwhile.
  void pause(const error_code& error) {
    net_.refused(address_.to_string(),
                 Error(Code::resource_exhausted, "accept: " + error.message()));
    timer_.expires_after(kAcceptPause);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled) self->accept();
    });
  }

  Impl& net_;
  IoThread& io_;
  ListenSocket socket_;
  asio::steady_timer timer_;
  const Address address_;
  const std::shared_ptr<Callbacks> callbacks_;
};

// One attempt to connect.
class AsioNet::Impl::Connector final : public SocketUser,
                                       public std::enable_shared_from_this<Connector> {
 public:
  Connector(IoThread& io, const Address& address, std::shared_ptr<ConnectionHandler> handler,
            Connected connected)
      : io_(io),
        address_(address),
        socket_(io.context),
        resolver_(io.context),
        timer_(io.context),
        handler_(std::move(handler)),
        connected_(std::move(connected)) {}

  void start(Duration timeout) {
    io_.home.add(shared_from_this());
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled) self->failed("no answer in time");
    });
    if (address_.is_unix()) {
      if (address_.path.size() >= sizeof(sockaddr_un{}.sun_path))
        return failed("the path is too long");
      return connect({Stream::endpoint(asio::local::stream_protocol::endpoint(address_.path))});
    }
    error_code error;
    auto ip = asio::ip::make_address(address_.host, error);
    if (!error) return connect({Stream::endpoint(asio::ip::tcp::endpoint(ip, address_.port))});
    resolver_.async_resolve(
        address_.host, std::to_string(address_.port),
        [self = shared_from_this()](const error_code& unresolved, const auto& found) {
          if (unresolved) return self->failed(unresolved.message());
          std::vector<Stream::endpoint> endpoints;
          for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
          self->connect(std::move(endpoints));
        });
  }

  void shut_down(const Error& why) override { failed(why.message()); }

 private:
  void connect(std::vector<Stream::endpoint> endpoints) {
    if (!connected_) return;
    endpoints_ = std::move(endpoints);
    asio::async_connect(socket_, endpoints_.begin(), endpoints_.end(),
                        [self = shared_from_this()](const error_code& error, auto) {
                          if (error) return self->failed(error.message());
                          self->succeeded();
                        });
  }

  void succeeded() {
    if (!connected_) return;
    auto connected = end();
    auto connection = std::make_shared<FrameConnection>(
        io_.home, std::make_unique<AsioSocket>(io_, std::move(socket_)), address_.to_string());
    io_.home.add(connection);
    io_.home.remove(this);
    connected(std::shared_ptr<Connection>(connection));
    connection->start(std::move(handler_), {});
  }

  void failed(std::string_view why) {
    if (!connected_) return;
    auto self = shared_from_this();
    auto connected = end();
    error_code ignored;
    socket_.close(ignored);
    --io_.home.totals.connections;
    connected(fail(Code::unavailable, "connect to ", address_.to_string(), ": ", why));
    io_.home.remove(this);
  }

  Connected end() {
    timer_.cancel();
    resolver_.cancel();
    return std::exchange(connected_, nullptr);
  }

  IoThread& io_;
  const Address address_;
  Socket socket_;
  asio::ip::tcp::resolver resolver_;
  asio::steady_timer timer_;
  std::shared_ptr<ConnectionHandler> handler_;
  Connected connected_;
  std::vector<Stream::endpoint> endpoints_;
};

namespace {

// A quarter of the shortest timeout, within reason.
Duration tick_length(const AsioNetOptions& options) {
  using std::chrono::milliseconds;
  Duration shortest = std::chrono::seconds(4);
  for (Duration timeout :
       {options.preamble_timeout, options.idle_timeout, options.linger_timeout}) {
    if (timeout > Duration::zero()) shortest = std::min(shortest, timeout);
  }
  return std::max<Duration>(shortest / 4, milliseconds(5));
}

}  // namespace

AsioNet::Impl::Impl(int io_threads, AsioNetOptions chosen) : options(std::move(chosen)) {
  check(io_threads > 0, "there is an I/O thread");
  for (int i = 0; i < io_threads; ++i) {
    threads.push_back(std::make_unique<IoThread>(options, totals, tick_length(options)));
  }
  http.emplace(options);
  runners.emplace(threads.size());
  for (auto& thread : threads) {
    asio::post(*runners, [io = thread.get()] { io->context.run(); });
  }
}

AsioNet::Impl::~Impl() {
  for (auto& thread : threads) {
    asio::post(thread->context, [io = thread.get()] { io->shut_down(); });
  }
  runners->join();
  http.reset();
}

AsioNet::AsioNet(int io_threads, AsioNetOptions options)
    : impl_(std::make_unique<Impl>(io_threads, std::move(options))) {}

AsioNet::~AsioNet() = default;

size_t AsioNet::connections() const { return impl_->totals.connections; }

Result<std::unique_ptr<Listener>> AsioNet::listen(const Address& address, Acceptor acceptor) {
  class Handle final : public Listener {
   public:
    explicit Handle(std::shared_ptr<Impl::Listening> listening)
        : listening_(std::move(listening)) {}
    ~Handle() override { listening_->stop(); }
    const Address& address() const override { return listening_->address(); }

   private:
    std::shared_ptr<Impl::Listening> listening_;
  };
  IoThread& io = impl_->next_io();
  NOKV_ASSIGN(auto socket, open_listener(io.context, address));
  Address bound = address;
  if (!address.is_unix()) {
    error_code error;
    auto endpoint = socket.local_endpoint(error);
    asio::ip::tcp::endpoint tcp;
    std::memcpy(tcp.data(), endpoint.data(), std::min(endpoint.size(), tcp.capacity()));
    bound.port = tcp.port();
  }
  auto listening = std::make_shared<Impl::Listening>(*impl_, io, std::move(socket),
                                                     std::move(bound), std::move(acceptor));
  listening->start();
  return std::make_unique<Handle>(std::move(listening));
}

void AsioNet::connect(const Address& address, Duration timeout,
                      std::shared_ptr<ConnectionHandler> handler, Connected connected) {
  IoThread& io = impl_->next_io();
  asio::post(io.context, [this, &io, address, timeout, handler = std::move(handler),
                          connected = std::move(connected)]() mutable {
    if (!impl_->admit()) return connected(std::unexpected(impl_->full()));
    std::make_shared<Impl::Connector>(io, address, std::move(handler), std::move(connected))
        ->start(timeout);
  });
}

}  // namespace nokv::net
