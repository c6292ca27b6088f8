#include "net/rpc_server.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "codec/envelope.h"

namespace nokv::net {

using internal::ServedConnection;

// What replies, which may outlive the server, share with it.
struct RpcServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(Net& the_net, const Clock& the_clock, RpcService& the_service, RpcServerOptions chosen)
      : net(the_net), clock(the_clock), service(the_service), options(chosen) {}

  std::shared_ptr<ConnectionHandler> accept(std::shared_ptr<Connection> connection);
  void answered();
  void close_all(std::string_view reason);
  void finish_stop();

  Net& net;
  const Clock& clock;
  RpcService& service;
  const RpcServerOptions options;

  std::atomic<size_t> outstanding = 0;
  std::atomic<uint64_t> last_id = 0;
  std::atomic<bool> stopping = false;
  Guarded<std::move_only_function<void()>> stopped;
  Guarded<std::vector<std::unique_ptr<Listener>>> listeners;
  Guarded<std::unordered_map<uint64_t, std::shared_ptr<ServedConnection>>> served;
};

namespace internal {

struct ServedConnection final : ConnectionHandler, std::enable_shared_from_this<ServedConnection> {
  ServedConnection(std::shared_ptr<RpcServer::Impl> the_server,
                   std::shared_ptr<Connection> the_connection, uint64_t the_id)
      : server(std::move(the_server)),
        connection(std::move(the_connection)),
        id(the_id),
        service(&server->service) {}

  void on_message(std::string_view message) override;
  void on_idle() override;
  void on_closed(const Error& why) override;

  // Counts a call in; sends why not, and returns false, when it may not begin.
  bool admit(uint64_t call, size_t size_bytes);
  void refuse(uint64_t call, Code code, std::string why, Duration retry_after = Duration::zero());
  // The call that was admitted has its answer.
  void answer(size_t size_bytes, std::string message);
  // Ends what the service hears of it.
  void detach(const Error& why);

  const std::shared_ptr<RpcServer::Impl> server;
  const std::shared_ptr<Connection> connection;
  const uint64_t id;
  std::atomic<size_t> outstanding = 0;
  std::atomic<size_t> outstanding_bytes = 0;

  std::mutex gate;             // held while the service is called
  RpcService* service;         // guarded by gate; null once it is not to be called any more
  Clock::Instant batch_began;  // guarded by gate
  bool in_batch = false;       // guarded by gate
};

void ServedConnection::on_message(std::string_view message) {
  codec::RequestHead head;
  std::string_view body;
  auto decoded = codec::decode(message, head, body);
  if (!decoded) return connection->close(decoded.error().message());
  if (head.kind != codec::EnvelopeKind::call) return connection->close("a client cannot push");
  if (!admit(head.id, message.size())) return;
  Reply reply(shared_from_this(), head.id, message.size());
  std::lock_guard lock(gate);
  if (service == nullptr) return;
  Clock::Instant now = server->clock.now();
  if (!std::exchange(in_batch, true)) batch_began = now;
  auto deadline = Clock::Instant::max();
  if (head.deadline_ms > 0) {
    constexpr uint64_t kYearMs = 366ull * 24 * 3600 * 1000;
    deadline = batch_began + std::chrono::milliseconds(std::min(head.deadline_ms, kYearMs));
    if (now >= deadline) {
      return reply.send(fail(Code::cancelled, "the deadline passed before the call began"));
    }
  }
  service->handle(RpcCall{.method = head.method,
                          .body = body,
                          .deadline = deadline,
                          .connection_id = id,
                          .peer = connection->peer(),
                          .reply = std::move(reply)});
}

void ServedConnection::on_idle() {
  std::lock_guard lock(gate);
  in_batch = false;
  if (service != nullptr) service->idle(id);
}

void ServedConnection::on_closed(const Error& why) {
  auto self = shared_from_this();
  server->served.with([&](auto& map) { map.erase(id); });
  detach(why);
}

void ServedConnection::detach(const Error& why) {
  std::lock_guard lock(gate);
  if (service != nullptr) std::exchange(service, nullptr)->closed(id, why);
}

bool ServedConnection::admit(uint64_t call, size_t size_bytes) {
  const RpcServerOptions& options = server->options;
  ++server->outstanding;  // before `stopping` is read: stop() reads them the other way round
  if (server->stopping) {
    server->answered();
    refuse(call, Code::unavailable, "the server is stopping");
    return false;
  }
  if (outstanding >= options.outstanding_max ||
      outstanding_bytes + size_bytes > options.outstanding_max_bytes) {
    server->answered();
    refuse(call, Code::overloaded,
           str(outstanding.load(), " calls with ", outstanding_bytes.load(),
               " bytes wait on this connection, the limits are ", options.outstanding_max, " and ",
               options.outstanding_max_bytes),
           options.overloaded_retry_after);
    return false;
  }
  ++outstanding;
  outstanding_bytes += size_bytes;
  return true;
}

void ServedConnection::refuse(uint64_t call, Code code, std::string why, Duration retry_after) {
  std::string message;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(retry_after).count();
  codec::encode({.id = call,
                 .code = code,
                 .retry_after_ms = static_cast<uint64_t>(ms),
                 .message = std::move(why)},
                message);
  connection->send(std::move(message));
}

void ServedConnection::answer(size_t size_bytes, std::string message) {
  // Before it is sent: who has the answer may ask again at once.
  --outstanding;
  outstanding_bytes -= size_bytes;
  connection->send(std::move(message));
  server->answered();  // after it: stopping closes connections
}

}  // namespace internal

// --- Reply

Reply::Reply(std::shared_ptr<ServedConnection> connection, uint64_t call, size_t size_bytes)
    : connection_(std::move(connection)), call_(call), size_bytes_(size_bytes) {}

Reply& Reply::operator=(Reply&& other) noexcept {
  Reply old(std::move(*this));  // answers, if it was not
  connection_ = std::move(other.connection_);
  call_ = other.call_;
  size_bytes_ = other.size_bytes_;
  return *this;
}

Reply::~Reply() {
  if (connection_) send(fail_maybe_done(Code::unavailable, "the server dropped the call"));
}

void Reply::send(Result<std::string> answer, Duration retry_after) {
  std::string message;
  if (answer) {
    message.reserve(answer->size() + 16);
    message = begin();
    message += *answer;
    return finish(std::move(message));
  }
  const Error& error = answer.error();
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(retry_after).count();
  codec::encode({.id = call_,
                 .code = error.code(),
                 .outcome = error.outcome(),
                 .retry_after_ms = static_cast<uint64_t>(std::max<int64_t>(ms, 0)),
                 .message = error.message(),
                 .hint = error.hint()},
                message);
  finish(std::move(message));
}

std::string Reply::begin() const {
  std::string out;
  codec::encode_ok_reply(call_, out);
  return out;
}

void Reply::finish(std::string message) {
  auto connection = std::move(connection_);
  if (!connection) return;
  if (message.size() > kMessageMax) {
    std::string refusal;
    codec::encode(
        {.id = call_,
         .code = Code::resource_exhausted,
         .outcome = Outcome::maybe_done,
         .message = str("the answer has ", message.size(), " bytes, the limit is ", kMessageMax)},
        refusal);
    message = std::move(refusal);
  }
  connection->answer(size_bytes_, std::move(message));
}

// --- RpcServer

std::shared_ptr<ConnectionHandler> RpcServer::Impl::accept(std::shared_ptr<Connection> connection) {
  uint64_t id = ++last_id;
  auto out = std::make_shared<ServedConnection>(shared_from_this(), std::move(connection), id);
  served.with([&](auto& map) { map.emplace(id, out); });
  return out;
}

// One admitted call less.
void RpcServer::Impl::answered() {
  if (--outstanding == 0 && stopping) finish_stop();
}

void RpcServer::Impl::close_all(std::string_view reason) {
  auto all = served.with([](auto& map) { return map; });
  for (auto& [id, connection] : all) connection->connection->close(reason);
}

void RpcServer::Impl::finish_stop() {
  auto then = stopped.with([](auto& value) { return std::exchange(value, nullptr); });
  if (!then) return;
  close_all("the server has stopped");
  then();
}

RpcServer::RpcServer(Net& net, const Clock& clock, RpcService& service, RpcServerOptions options)
    : impl_(std::make_shared<Impl>(net, clock, service, options)) {}

RpcServer::~RpcServer() {
  impl_->listeners.with([](auto& list) { return std::exchange(list, {}); }).clear();
  auto all = impl_->served.with([](auto& map) { return std::exchange(map, {}); });
  for (auto& [id, served] : all) {
    served->detach(Error(Code::cancelled, "the server is gone"));
    served->connection->close("the server is gone");
  }
}

Result<Address> RpcServer::listen(const Address& address,
                                  std::function<HttpResponse(const HttpRequest&)> http) {
  Acceptor acceptor{
      .accept = [impl = impl_.get()](std::shared_ptr<Connection> connection)
          -> std::shared_ptr<ConnectionHandler> { return impl->accept(std::move(connection)); },
      .http = std::move(http)};
  NOKV_ASSIGN(auto listener, impl_->net.listen(address, std::move(acceptor)));
  Address bound = listener->address();
  impl_->listeners.with([&](auto& list) { list.push_back(std::move(listener)); });
  return bound;
}

void RpcServer::stop(std::move_only_function<void()> stopped) {
  impl_->listeners.with([](auto& list) { return std::exchange(list, {}); }).clear();
  impl_->stopped.with([&](auto& value) { value = std::move(stopped); });
  impl_->stopping = true;
  if (impl_->outstanding == 0) impl_->finish_stop();
}

size_t RpcServer::connections() const {
  return impl_->served.with([](auto& map) { return map.size(); });
}

size_t RpcServer::outstanding() const { return impl_->outstanding; }

}  // namespace nokv::net
