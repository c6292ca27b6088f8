#include "server/pages.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/escape.h"

namespace nokv::server {

namespace {

HttpResponse text(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}

HttpResponse json(int status, std::string body) {
  return {status, "application/json", std::move(body)};
}

std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += ' ';
    } else {
      out += c;
    }
  }
  return out + "\"";
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
  if (request.method == "POST") return post(path);
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
  if (path == "/gc" || path == "/checkpoint") return text(405, "use POST\n");
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

HttpResponse Pages::post(std::string_view path) {
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
  return text(404, "not found\n");
}

namespace {

struct Figure {
  const char* name;
  const char* help;
  uint64_t value;
};

}  // namespace

static std::vector<Figure> figures(ShardHost& host, object::ObjectStore& store) {
  const auto& shard = host.shard().counters();
  const auto& work = host.background().counters();
  auto state = host.shard().state();
  auto engine = host.engine().stats();
  auto objects = store.counters();
  return {
      {"nokv_shard_version", "The newest readable version", state->record.version},
      {"nokv_shard_pins", "Versions that are kept: snapshots, moments, undo", state->pins->size()},
      {"nokv_shard_groups", "Groups made durable since the start", shard.groups},
      {"nokv_shard_records", "Records made durable since the start", shard.records},
      {"nokv_shard_refused", "Requests refused by their own doing", shard.refused},
      {"nokv_shard_repeated", "Requests that were answered before", shard.repeated},
      {"nokv_shard_overloaded", "Requests turned away for a full queue", shard.overloaded},
      {"nokv_shard_clamped_times", "Readings of a wall clock that jumped", shard.clamped_times},
      {"nokv_shard_queue_length", "Requests that wait for the sequencer",
       host.shard().queue_length()},
      {"nokv_log_size_bytes", "Bytes the log takes", host.log().size_bytes()},
      {"nokv_engine_live_bytes", "Bytes of the engine's files", engine.live_bytes},
      {"nokv_engine_memory_bytes", "Memory of the engine", engine.memory_bytes},
      {"nokv_gc_blobs_deleted", "Dead blobs whose objects were deleted", work.blobs_deleted},
      {"nokv_gc_objects_deleted", "Objects deleted", work.objects_deleted},
      {"nokv_gc_bytes_deleted", "Bytes of bodies deleted", work.bytes_deleted},
      {"nokv_gc_records_swept", "Records of removed trees freed", work.records_swept},
      {"nokv_gc_records_refiled", "Past records handed on or freed", work.records_refiled},
      {"nokv_upkeep_errors", "Background steps that failed and will be tried again", work.errors},
      {"nokv_object_puts", "Objects put by the server", objects.puts},
      {"nokv_object_gets", "Objects read by the server", objects.gets},
      {"nokv_object_failures", "Requests to the object store that failed", objects.failures},
  };
}

void Pages::collect() {
  for (const Figure& figure : figures(host_, store_)) {
    metrics_.gauge(figure.name, figure.help).set(static_cast<int64_t>(figure.value));
  }
}

std::string Pages::stats() {
  std::string out = "{";
  for (const Figure& figure : figures(host_, store_)) {
    std::string_view name(figure.name);
    name.remove_prefix(5);  // nokv_
    if (out.size() > 1) out += ",";
    out += str(quoted(name), ":", figure.value);
  }
  return out + "}\n";
}

}  // namespace nokv::server
