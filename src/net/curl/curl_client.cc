#include "net/curl/curl_client.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/guarded.h"
#include "net/curl/exchange.h"
#include "net/curl/libcurl.h"

namespace nokv::net {

// Home: the client's thread, but for send() and stop().
class CurlClient::Loop {
 public:
  Loop(const Clock& clock, CurlOptions options) : clock_(clock), options_(std::move(options)) {}

  ~Loop() {
    for (CURL* easy : idle_) curl_->easy_cleanup(easy);
    if (CURLM* multi = multi_) curl_->multi_cleanup(multi);
  }

  void send(HttpClientRequest request, Exchange::Done done) {
    auto exchange = std::make_unique<Exchange>(std::move(request), std::move(done));
    if (admitted_.fetch_add(1) >= options_.requests_max) {
      refuse(std::move(exchange), Code::overloaded, "too many requests are under way");
      return;
    }
    bool broken = false;
    bool first = arrived_.with([&](Arrived& arrived) {
      broken = arrived.broken.has_value();
      if (broken) return false;
      arrived.exchanges.push_back(std::move(exchange));
      return arrived.exchanges.size() == 1;
    });
    if (broken) return refuse_broken(std::move(exchange));
    if (first) wake();
  }

  void stop() {
    stopping_ = true;
    wake();
  }

  // Until stop(). What is left then is for cancel_all().
  void run() {
    if (auto opened = open(); !opened) return be_broken(opened.error());
    while (!stopping_) {
      take_arrived();
      int running = 0;
      curl_->multi_perform(multi_, &running);
      if (take_finished()) continue;  // what they set free may let others begin
      static constexpr int kPollMs = 1000;
      curl_->multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
    }
  }

  // Once run() has ended, or never began: everything under way completes.
  void cancel_all() {
    // Completions may send again; that is refused as well.
    while (true) {
      while (!running_.empty()) {
        CURL* easy = running_.begin()->first;
        auto exchange = std::move(running_.begin()->second);
        running_.erase(running_.begin());
        curl_->multi_remove_handle(multi_, easy);
        give_back(easy);
        Result<HttpClientResponse> error =
            exchange->failed(Code::cancelled, "the client was closed", true);
        complete(std::move(exchange), std::move(error));
      }
      auto arrived = arrived_.with([](Arrived& a) { return std::exchange(a.exchanges, {}); });
      if (arrived.empty()) return;
      for (auto& exchange : arrived) {
        refuse(std::move(exchange), Code::cancelled, "the client was closed");
      }
    }
  }

 private:
  struct Arrived {
    std::vector<std::unique_ptr<Exchange>> exchanges;
    std::optional<Error> broken;  // why nothing can be sent, ever
  };

  Result<> open() {
    NOKV_ASSIGN(curl_, Libcurl::load());
    CURLM* multi = curl_->multi_init();
    if (multi == nullptr) return fail(Code::resource_exhausted, "libcurl: out of memory");
    auto most = static_cast<long>(options_.connections_max);
    curl_->multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, most);
    curl_->multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
    curl_->multi_setopt(multi, CURLMOPT_MAXCONNECTS, most);
    curl_->multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    multi_ = multi;
    return {};
  }

  // What arrived before there is a handle is taken when there is.
  void wake() {
    if (CURLM* multi = multi_) curl_->multi_wakeup(multi);
  }

  void be_broken(const Error& why) {
    auto arrived = arrived_.with([&](Arrived& a) {
      a.broken = why;
      return std::exchange(a.exchanges, {});
    });
    for (auto& exchange : arrived) refuse_broken(std::move(exchange));
  }

  void refuse_broken(std::unique_ptr<Exchange> exchange) {
    Error why = arrived_.with([](Arrived& a) { return *a.broken; });
    complete(std::move(exchange), std::unexpected(std::move(why)));
  }

  void complete(std::unique_ptr<Exchange> exchange, Result<HttpClientResponse> result) {
    admitted_.fetch_sub(1);
    exchange->complete(std::move(result));
  }

  void refuse(std::unique_ptr<Exchange> exchange, Code code, std::string_view why) {
    Result<HttpClientResponse> error = exchange->failed(code, why, false);
    complete(std::move(exchange), std::move(error));
  }

  void take_arrived() {
    auto arrived = arrived_.with([](Arrived& a) { return std::exchange(a.exchanges, {}); });
    for (auto& exchange : arrived) begin(std::move(exchange));
  }

  void begin(std::unique_ptr<Exchange> exchange) {
    Clock::Instant now = clock_.now();
    if (exchange->deadline() <= now) {
      return refuse(std::move(exchange), Code::cancelled, "the deadline has passed");
    }
    CURL* easy = take_easy();
    if (easy == nullptr) return refuse(std::move(exchange), Code::resource_exhausted, "no memory");
    if (auto prepared = exchange->prepare(*curl_, easy, options_, now); !prepared) {
      give_back(easy);
      return complete(std::move(exchange), std::unexpected(std::move(prepared).error()));
    }
    if (curl_->multi_add_handle(multi_, easy) != CURLM_OK) {
      give_back(easy);
      return refuse(std::move(exchange), Code::resource_exhausted, "libcurl takes no request");
    }
    running_.emplace(easy, std::move(exchange));
  }

  bool take_finished() {
    bool any = false;
    int left = 0;
    while (CURLMsg* message = curl_->multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      any = true;
      CURL* easy = message->easy_handle;
      finish(easy, static_cast<int>(message->data.result));
    }
    return any;
  }

  void finish(CURL* easy, int curl_code) {
    auto node = running_.extract(easy);
    auto exchange = std::move(node.mapped());
    auto result = exchange->outcome(easy, curl_code, clock_.now());
    curl_->multi_remove_handle(multi_, easy);
    give_back(easy);
    complete(std::move(exchange), std::move(result));
  }

  CURL* take_easy() {
    if (idle_.empty()) return curl_->easy_init();
    CURL* easy = idle_.back();
    idle_.pop_back();
    return easy;
  }

  void give_back(CURL* easy) {
    if (idle_.size() >= static_cast<size_t>(options_.connections_max)) {
      curl_->easy_cleanup(easy);
      return;
    }
    curl_->easy_reset(easy);
    idle_.push_back(easy);
  }

  const Clock& clock_;
  const CurlOptions options_;
  const Libcurl* curl_ = nullptr;  // set before multi_
  std::atomic<CURLM*> multi_ = nullptr;
  std::map<CURL*, std::unique_ptr<Exchange>> running_;
  std::vector<CURL*> idle_;
  Guarded<Arrived> arrived_;
  std::atomic<size_t> admitted_ = 0;
  std::atomic<bool> stopping_ = false;
};

CurlClient::CurlClient(const Clock& clock, Executors& executors, CurlOptions options)
    : executors_(executors), loop_(std::make_shared<Loop>(clock, std::move(options))) {}

CurlClient::~CurlClient() {
  loop_->stop();
  thread_.reset();
  // Here and not at the end of run(): a thread that is stopped early never comes to run it.
  loop_->cancel_all();
}

void CurlClient::send(HttpClientRequest request, Exchange::Done done) {
  std::call_once(started_, [this] {
    thread_ = executors_.serial("http-client");
    thread_->post([loop = loop_] { loop->run(); });
  });
  loop_->send(std::move(request), std::move(done));
}

}  // namespace nokv::net
