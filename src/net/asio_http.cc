#include "net/asio_http.h"

#include <optional>
#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace nokv::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Stream = asio::generic::stream_protocol;
using boost::system::error_code;

constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

bool is_served(http::verb verb) {
  return verb == http::verb::get || verb == http::verb::head || verb == http::verb::post ||
         verb == http::verb::put || verb == http::verb::delete_ || verb == http::verb::options;
}

HttpResponse plain(int status, std::string_view text) {
  HttpResponse out;
  out.status = status;
  out.body = str(text, "\n");
  return out;
}

// What a request that could not be read is answered.
HttpResponse refusal(const error_code& error, const AsioNetOptions& options) {
  if (error == http::error::body_limit) {
    return plain(413, str("the body has more than ", options.http_body_max_bytes, " bytes"));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return plain(431, str("the header has more than ", options.http_header_max_bytes, " bytes"));
  }
  return plain(400, str("not a valid HTTP/1.1 request: ", error.message()));
}

// One socket: a request is read, handled and answered, then the next one.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Executor = asio::strand<asio::thread_pool::executor_type>;

  Session(asio::thread_pool& pool, const AsioNetOptions& options, HttpPool::Handler handler,
          std::shared_ptr<void> done)
      : options_(options),
        handler_(std::move(handler)),
        done_(std::move(done)),
        socket_(asio::make_strand(pool)),
        timer_(socket_.get_executor()),
        buffer_(options.http_header_max_bytes + options.http_body_max_bytes) {}

  void start(int socket, int family, std::string_view first) {
    error_code error;
    socket_.assign(Stream(family, 0), socket, error);
    if (error) return;
    asio::buffer_copy(buffer_.prepare(first.size()), asio::buffer(first.data(), first.size()));
    buffer_.commit(first.size());
    asio::dispatch(socket_.get_executor(), [self = shared_from_this()] { self->read_header(); });
  }

 private:
  void read_header() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(options_.http_header_max_bytes));
    parser_->body_limit(options_.http_body_max_bytes);
    begin_timer(buffer_.size() > 0 || requests_ == 0 ? options_.http_timeout
                                                     : options_.http_idle_timeout);
    http::async_read_header(
        socket_, buffer_, *parser_,
        [self = shared_from_this()](const error_code& error, size_t) { self->on_header(error); });
  }

  void on_header(const error_code& error) {
    if (error) return on_unread(error);
    begin_timer(options_.http_timeout);
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                        [self = shared_from_this()](const error_code& failed, size_t) {
                          if (!failed) self->read_body();
                        });
    } else {
      read_body();
    }
  }

  void read_body() {
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, size_t) {
                       if (error) return self->on_unread(error);
                       self->on_request();
                     });
  }

  void on_unread(const error_code& error) {
    bool begun = parser_->got_some() || buffer_.size() > 0;
    if (timed_out_ && begun) return answer(plain(408, "the request did not arrive in time"), false);
    bool malformed = error.category() == make_error_code(http::error::bad_method).category();
    if (!malformed || error == http::error::end_of_stream ||
        error == http::error::partial_message) {
      return close();
    }
    answer(refusal(error, options_), false);
  }

  void on_request() {
    timer_.cancel();
    auto request = parser_->release();
    bool keep_alive = request.keep_alive();
    is_head_ = request.method() == http::verb::head;
    ++requests_;
    if (!is_served(request.method())) {
      return answer(plain(405, str("the methods here are ", kMethods)), keep_alive);
    }
    HttpRequest told{.method = is_head_ ? "GET" : std::string(request.method_string()),
                     .target = std::string(request.target()),
                     .body = std::move(request.body())};
    answer(handler_(told), keep_alive);
  }

  void answer(HttpResponse response, bool keep_alive) {
    begin_timer(options_.http_timeout);
    size_t size = response.body.size();
    if (is_head_) response.body.clear();
    response_.emplace();
    response_->version(11);
    response_->result(static_cast<unsigned>(response.status));
    response_->set(http::field::content_type, response.content_type);
    if (response.status == 405) response_->set(http::field::allow, beast::string_view(kMethods));
    response_->content_length(size);
    response_->keep_alive(keep_alive);
    response_->body() = std::move(response.body);
    http::async_write(socket_, *response_,
                      [self = shared_from_this(), keep_alive](const error_code& error, size_t) {
                        if (error || !keep_alive) return self->close();
                        self->is_head_ = false;
                        self->read_header();
                      });
  }

  void begin_timer(Duration timeout) {
    timed_out_ = false;
    timer_.expires_after(timeout);
    timer_.async_wait([self = weak_from_this()](const error_code& error) {
      auto session = self.lock();
      if (error || !session) return;
      session->timed_out_ = true;
      error_code ignored;
      session->socket_.cancel(ignored);
    });
  }

  // Tells the peer that no more comes; what it still sends is dropped with the socket.
  void close() {
    timer_.cancel();
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_both, ignored);
    socket_.close(ignored);
  }

  const AsioNetOptions& options_;
  const HttpPool::Handler handler_;
  const std::shared_ptr<void> done_;
  asio::basic_stream_socket<Stream, Executor> socket_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  uint64_t requests_ = 0;
  bool timed_out_ = false;
  bool is_head_ = false;
};

}  // namespace

struct HttpPool::Impl {
  explicit Impl(const AsioNetOptions& chosen)
      : options(chosen), pool(static_cast<size_t>(std::max(1, chosen.http_threads))) {}

  ~Impl() {
    pool.stop();
    pool.join();
  }

  const AsioNetOptions& options;
  asio::thread_pool pool;
};

HttpPool::HttpPool(const AsioNetOptions& options) : impl_(std::make_unique<Impl>(options)) {}

HttpPool::~HttpPool() = default;

void HttpPool::serve(int socket, int family, const std::string& first, Handler handler,
                     std::shared_ptr<void> done) {
  auto session =
      std::make_shared<Session>(impl_->pool, impl_->options, std::move(handler), std::move(done));
  session->start(socket, family, first);
}

}  // namespace nokv::net
