// An object store behind presigned URLs, in memory, with faults to order.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/env/executor.h"
#include "net/http_client.h"

namespace nokv::client {

// Answers on `executor`, which outlives it. Thread-safe.
class FakeHttp final : public net::HttpClient {
 public:
  explicit FakeHttp(Executor& executor) : executor_(executor) {}

  void send(net::HttpClientRequest request,
            std::move_only_function<void(Result<net::HttpClientResponse>)> done) override {
    executor_.post([this, request = std::move(request), done = std::move(done)]() mutable {
      done(answer(request));
    });
  }

  // Statuses that the next requests get instead; 0: no answer in time.
  void fail_next(std::deque<int> statuses) {
    std::lock_guard lock(mutex_);
    statuses_ = std::move(statuses);
  }
  // A byte of the object becomes another one.
  bool damage(const std::string& url, size_t at) {
    std::lock_guard lock(mutex_);
    auto found = objects_.find(url);
    if (found == objects_.end() || found->second.size() <= at) return false;
    found->second[at] = static_cast<char>(found->second[at] ^ 1);
    return true;
  }
  bool lose(const std::string& url) {
    std::lock_guard lock(mutex_);
    return objects_.erase(url) > 0;
  }
  size_t object_count() const {
    std::lock_guard lock(mutex_);
    return objects_.size();
  }
  std::map<std::string, std::string> objects() const {
    std::lock_guard lock(mutex_);
    return objects_;
  }
  int requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  Result<net::HttpClientResponse> answer(const net::HttpClientRequest& request) {
    std::lock_guard lock(mutex_);
    ++requests_;
    if (!statuses_.empty()) {
      int status = statuses_.front();
      statuses_.pop_front();
      if (status == 0) return fail(Code::cancelled, "no answer within the deadline");
      return net::HttpClientResponse{.status = status,
                                     .body = "<Error><Code>SlowDown</Code></Error>"};
    }
    // What follows "?" is the signature.
    std::string key = request.url.substr(0, request.url.find('?'));
    if (request.method == "PUT") {
      objects_[key] = *request.body;
      return net::HttpClientResponse{.status = 200};
    }
    auto found = objects_.find(key);
    if (found == objects_.end()) return net::HttpClientResponse{.status = 404};
    return net::HttpClientResponse{.status = 200, .body = found->second};
  }

  Executor& executor_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;
  std::deque<int> statuses_;
  int requests_ = 0;
};

}  // namespace nokv::client
