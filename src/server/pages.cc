#include "server/pages.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/escape.h"
#include "shard/figures.h"

namespace nokv::server {

namespace {

HttpResponse text(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}

HttpResponse json(int status, std::string body) {
  return {status, "application/json", std::move(body)};
}

std::string quoted(std::string_view s) {
  std::string out;
  append_json_string(out, s);
  return out;
}

// "/a%20b" as a path in a query is written; what is no escape stays as it is.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "path=/a&repair" as a request. Errors: invalid_argument, naming the word.
Result<codec::FsckRequest> fsck_request(std::string_view query) {
  codec::FsckRequest request;
  while (!query.empty()) {
    std::string_view word = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), word.size() + 1));
    if (word.starts_with("path=")) {
      request.target.path = unescaped(word.substr(5));
    } else if (word == "read-data") {
      request.read_data = true;
    } else if (word == "orphans") {
      request.orphans = true;
    } else if (word == "repair") {
      request.repair = true;
    } else {
      return fail(Code::invalid_argument, "'", word,
                  "' is none of path=PATH, read-data, orphans, repair");
    }
  }
  return request;
}

std::string fsck_json(const codec::FsckReply& reply) {
  std::string out = str("{\"checked\":", reply.checked, ",\"problems\":", reply.problem_count,
                        ",\"repaired\":", reply.repaired, ",\"found\":[");
  for (const auto& it : reply.problems) {
    if (out.back() != '[') out += ',';
    out += str("{\"code\":", quoted(it.code), ",\"severity\":", quoted(it.severity),
               ",\"path\":", quoted(it.path), ",\"id\":", quoted(it.id),
               ",\"detail\":", quoted(it.detail), ",\"repair\":", quoted(it.repair), "}");
  }
  return out + "]}\n";
}

// Waits for one answer from the background.
template <class T>
class Waiter {
 public:
  auto done() {
    return [this](Result<T> result) {
      std::lock_guard lock(mutex_);
      result_ = std::move(result);
      changed_.notify_all();
    };
  }
  Result<T> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return result_.has_value(); });
    return *std::move(result_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Result<T>> result_;
};

}  // namespace

Pages::Pages(ShardHost& host, object::ObjectStore& store, Metrics& metrics, Build build)
    : host_(host), store_(store), metrics_(metrics), build_(std::move(build)) {}

HttpResponse Pages::answer(const HttpRequest& request) {
  std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  std::string_view query = std::string_view(request.target).substr(path.size());
  if (query.starts_with('?')) query.remove_prefix(1);
  if (request.method == "POST") return post(path, query);
  if (request.method != "GET" && request.method != "HEAD") return text(405, "method not allowed\n");
  if (path == "/healthz") return text(200, "ok\n");
  if (path == "/readyz") return ready();
  if (path == "/metrics") {
    collect();
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.prometheus()};
  }
  if (path == "/stats") return json(200, stats());
  if (path == "/version") {
    return json(200, str("{\"version\":", quoted(build_.version),
                         ",\"commit\":", quoted(build_.commit), "}\n"));
  }
  if (path == "/gc" || path == "/fsck" || path == "/checkpoint" || path == "/backup")
    return text(405, "use POST\n");
  return text(404, "not found: the pages are /healthz /readyz /metrics /stats /version\n");
}

HttpResponse Pages::ready() {
  if (stopping_) return text(503, "stopping\n");
  if (auto failure = host_.shard().failure()) return text(503, failure->message() + "\n");
  if (!host_.shard().state()->initialised()) {
    return text(503, "waiting for init: no namespace here yet\n");
  }
  return text(200, "ready\n");
}

HttpResponse Pages::post(std::string_view path, std::string_view query) {
  if (path == "/gc") {
    Waiter<codec::GcReply> waiter;
    host_.background().run_gc(std::nullopt, waiter.done());
    auto done = waiter.wait();
    if (!done) return text(503, done.error().message() + "\n");
    return json(200, str("{\"blobs_deleted\":", done->blobs_deleted, ",\"records_freed\":",
                         done->records_freed, ",\"pending\":", done->pending, "}\n"));
  }
  if (path == "/checkpoint") {
    Waiter<void> waiter;
    host_.background().run_checkpoint(waiter.done());
    auto done = waiter.wait();
    return done ? json(200, "{}\n") : text(503, done.error().message() + "\n");
  }
  if (path == "/backup") {
    Waiter<codec::BackupReply> waiter;
    host_.background().backups().make({}, waiter.done());
    auto done = waiter.wait();
    if (!done) return text(503, done.error().message() + "\n");
    return json(200, str("{\"id\":", quoted(done->backup.id), ",\"version\":", done->backup.version,
                         ",\"objects_put\":", done->objects_put, ",\"bytes_put\":", done->bytes_put,
                         "}\n"));
  }
  if (path == "/fsck") {
    auto request = fsck_request(query);
    if (!request) return text(400, request.error().message() + "\n");
    Waiter<codec::FsckReply> waiter;
    host_.background().checker().fsck(*std::move(request), Clock::Instant::max(), waiter.done());
    auto done = waiter.wait();
    if (!done) {
      bool missing = done.error().code() == Code::not_found;
      return text(missing ? 404 : 503, done.error().message() + "\n");
    }
    return json(200, fsck_json(*done));
  }
  return text(404, "not found: what can be asked for is /gc /fsck /checkpoint /backup\n");
}

void Pages::collect() {
  for (const auto& figure : shard::figures(host_.background(), store_)) {
    metrics_.gauge(figure.name, figure.help).set(static_cast<int64_t>(figure.value));
  }
}

std::string Pages::stats() { return shard::figures_json(host_.background(), store_); }

}  // namespace nokv::server
