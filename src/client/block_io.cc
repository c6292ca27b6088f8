#include "client/block_io.h"

#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "client/http_block.h"
#include "codec/crc32c.h"
#include "net/http_client.h"
#include "object/local_store.h"

namespace nokv::client {

namespace {

constexpr std::string_view kUnwanted = "nobody wants it any more";
constexpr uint32_t kAttemptsOfWay = 3;  // of one that fails for now, when there is another

enum class Way : uint8_t {
  directory,
  url,
  server,
};

}  // namespace

struct BlockIo::State {
  BlockIoParts parts;
  int parallel_max;
  Backoff backoff;

  std::mutex mutex;
  bool stopped = false;
  int on_their_way = 0;
  std::deque<TransferPtr> waiting;
  std::unique_ptr<Executor> pool;
  // Null: cannot be used here.
  std::map<std::string, std::shared_ptr<object::LocalStore>> directories;
  Counters counters;

  std::shared_ptr<object::LocalStore> directory(const std::string& name) {
    std::lock_guard lock(mutex);
    auto found = directories.find(name);
    return found == directories.end() ? nullptr : found->second;
  }
};

// One block on its way.
struct BlockIo::Transfer {
  BlockPlace place;
  std::shared_ptr<const std::string> bytes;  // put; null: get
  Limit limit;
  Clock::Instant deadline;
  Done<std::string> done;
  std::vector<Way> ways;  // the last one is tried next
  uint32_t attempts = 0;  // on this way
  bool damaged_before = false;

  std::optional<Error> earlier;  // what ended the way before this one
  std::optional<Error> heard;    // the last failure on this one that was no mere silence

  bool is_put() const { return bytes != nullptr; }
  std::string key() const { return codec::blob_object_name(place.blob, place.block); }
  bool has_another_way() const { return ways.size() > 1; }
  // A way that gives no answer must leave time for the next one.
  Clock::Instant deadline_of_way(Clock::Instant now) const {
    return has_another_way() ? now + (deadline - now) / 2 : deadline;
  }
};

std::string block_name(const BlockPlace& place) {
  return str("block ", place.block, " of blob ", place.blob);
}

BlockIo::BlockIo(BlockIoParts parts, int parallel, Backoff backoff)
    : state_(std::make_shared<State>(parts, parallel, backoff)) {}

BlockIo::~BlockIo() {
  stop();
  std::unique_ptr<Executor> pool;  // stands first, so it goes last
  std::map<std::string, std::shared_ptr<object::LocalStore>> directories;
  {
    std::lock_guard lock(state_->mutex);
    directories = std::exchange(state_->directories, {});
    pool = std::move(state_->pool);
  }
}

void BlockIo::stop() {
  std::deque<TransferPtr> waiting;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopped = true;
    waiting.swap(state_->waiting);
  }
  for (auto& transfer : waiting) transfer->done(fail(Code::cancelled, "the client was closed"));
}

bool BlockIo::is_stopped(const std::shared_ptr<State>& state) {
  std::lock_guard lock(state->mutex);
  return state->stopped;
}

BlockIo::Counters BlockIo::counters() const {
  std::lock_guard lock(state_->mutex);
  return state_->counters;
}

void BlockIo::prepare(const codec::BlobAccess& access) {
  if (access.directory.empty() || !state_->parts.same_machine) return;
  std::lock_guard lock(state_->mutex);
  if (state_->stopped || state_->directories.contains(access.directory)) return;
  auto& slot = state_->directories[access.directory];
  const Env& env = state_->parts.env;
  auto info = env.files.stat(access.directory);
  if (!info || !info->is_directory) return;
  if (!state_->pool) state_->pool = env.executors.pool("nokv-blocks", state_->parallel_max);
  auto store =
      object::LocalStore::open(env.files, *state_->pool, env.clock, env.random,
                               {.root = access.directory, .parallel_max = state_->parallel_max});
  if (store) slot = std::move(*store);
}

void BlockIo::put(BlockPlace place, std::shared_ptr<const std::string> bytes, Limit limit,
                  Done<> done) {
  auto transfer = std::make_shared<Transfer>();
  transfer->place = std::move(place);
  transfer->bytes = std::move(bytes);
  transfer->limit = std::move(limit);
  transfer->done = [done = std::move(done)](Result<std::string> result) mutable {
    if (!result) return done(std::unexpected(std::move(result).error()));
    done({});
  };
  submit(state_, std::move(transfer));
}

void BlockIo::get(BlockPlace place, Limit limit, Done<std::string> done) {
  auto transfer = std::make_shared<Transfer>();
  transfer->place = std::move(place);
  transfer->limit = std::move(limit);
  transfer->done = std::move(done);
  submit(state_, std::move(transfer));
}

void BlockIo::submit(const std::shared_ptr<State>& state, TransferPtr transfer) {
  const BlockPlace& place = transfer->place;
  if (place.through_server) transfer->ways.push_back(Way::server);
  if (!place.url.empty() && state->parts.http != nullptr) transfer->ways.push_back(Way::url);
  if (!place.directory.empty() && state->directory(place.directory) != nullptr) {
    transfer->ways.push_back(Way::directory);
  }
  std::optional<Error> refused;
  if (transfer->ways.empty()) {
    refused.emplace(Code::failed_precondition,
                    str(block_name(place), " cannot be reached from here",
                        place.directory.empty() ? "" : ": directory ", place.directory,
                        place.directory.empty() ? "" : " is not shared with the server"));
  } else {
    std::lock_guard lock(state->mutex);
    if (state->stopped) {
      refused.emplace(Code::cancelled, "the client was closed");
    } else if (state->on_their_way >= state->parallel_max) {
      state->waiting.push_back(std::move(transfer));
      return;
    } else {
      ++state->on_their_way;
    }
  }
  if (refused) return transfer->done(std::unexpected(std::move(*refused)));
  start(state, transfer);
}

void BlockIo::start(const std::shared_ptr<State>& state, const TransferPtr& transfer) {
  transfer->deadline = state->parts.env.clock.now() + transfer->limit.time;
  attempt(state, transfer);
}

void BlockIo::attempt(const std::shared_ptr<State>& state, const TransferPtr& transfer) {
  if (transfer->limit.stop.stop_requested()) {
    return finish(state, transfer, fail(Code::cancelled, kUnwanted));
  }
  ++transfer->attempts;
  {
    std::lock_guard lock(state->mutex);
    ++(transfer->is_put() ? state->counters.puts : state->counters.gets);
    if (transfer->attempts > 1 || transfer->earlier) ++state->counters.retries;
  }
  switch (transfer->ways.back()) {
    case Way::directory:
      return by_directory(state, transfer);
    case Way::url:
      return by_url(state, transfer);
    case Way::server:
      return by_server(state, transfer);
  }
}

void BlockIo::by_directory(const std::shared_ptr<State>& state, const TransferPtr& transfer) {
  auto store = state->directory(transfer->place.directory);
  if (store == nullptr) {
    return finish(state, transfer, fail(Code::cancelled, "the client was closed"));
  }
  if (transfer->is_put()) {
    store->put(transfer->key(), transfer->bytes, {.crc32c = transfer->place.crc},
               transfer->deadline, [state, transfer](Result<> result) {
                 if (!result) return ended(state, transfer, std::unexpected(result.error()));
                 ended(state, transfer, std::string());
               });
  } else {
    store->get(transfer->key(), std::nullopt, transfer->deadline,
               [state, transfer](Result<std::string> result) {
                 ended(state, transfer, std::move(result));
               });
  }
}

void BlockIo::by_url(const std::shared_ptr<State>& state, const TransferPtr& transfer) {
  const BlockPlace& place = transfer->place;
  net::HttpClientRequest request{
      .method = transfer->is_put() ? "PUT" : "GET",
      .url = place.url,
      .body = transfer->bytes,
      .deadline = transfer->deadline_of_way(state->parts.env.clock.now()),
      .response_max = place.bytes + (64 << 10)};
  state->parts.http->send(std::move(request),
                          [state, transfer](Result<net::HttpClientResponse> response) {
                            ended(state, transfer, block_of(std::move(response)));
                          });
}

void BlockIo::by_server(const std::shared_ptr<State>& state, const TransferPtr& transfer) {
  const BlockPlace& place = transfer->place;
  if (transfer->is_put()) {
    codec::PutBlockRequest request{.upload = place.upload,
                                   .blob = place.blob,
                                   .block = place.block,
                                   .crc = place.crc.value_or(0),
                                   .bytes = *transfer->bytes};
    state->parts.caller.call(
        codec::Method::put_block, codec::encoded(request), transfer->deadline,
        [state, transfer](Result<std::string> reply) { ended(state, transfer, std::move(reply)); });
    return;
  }
  codec::GetBlockRequest request{.blob = place.blob, .block = place.block, .length = place.bytes};
  state->parts.caller.ask<codec::Bytes>(codec::Method::get_block, request, transfer->deadline,
                                        [state, transfer](Result<codec::Bytes> reply) {
                                          if (!reply)
                                            return ended(state, transfer,
                                                         std::unexpected(std::move(reply).error()));
                                          ended(state, transfer, std::move(reply->bytes));
                                        });
}

// An attempt is over: done, again, another way, or an error.
void BlockIo::ended(const std::shared_ptr<State>& state, const TransferPtr& transfer,
                    Result<std::string> result) {
  const BlockPlace& place = transfer->place;
  if (result && !transfer->is_put()) {
    uint32_t crc = place.crc ? crc32c(*result) : 0;
    if (result->size() != place.bytes) {
      result = fail(Code::data_loss, "it has ", result->size(), " bytes instead of ", place.bytes);
    } else if (place.crc && crc != *place.crc) {
      result = fail(Code::data_loss, "its checksum is ", crc, " instead of ", *place.crc);
    }
  }
  if (result) return finish(state, transfer, std::move(result));

  // That the time was over says less than what went wrong before.
  Code code = result.error().code();
  if (code != Code::cancelled) {
    transfer->heard = result.error();
  } else if (transfer->heard && !is_stopped(state)) {
    result = std::unexpected(*transfer->heard);
  }
  if (code == Code::data_loss && !std::exchange(transfer->damaged_before, true)) {
    return attempt(state, transfer);
  }
  Clock::Instant now = state->parts.env.clock.now();
  bool patient = !transfer->has_another_way() || transfer->attempts < kAttemptsOfWay;
  if (patient && code != Code::cancelled && is_transient(result.error())) {
    Duration pause = state->backoff.before_next(transfer->attempts, state->parts.env.random);
    std::lock_guard lock(state->mutex);
    if (!state->stopped && now + pause < transfer->deadline) {
      state->parts.timers.after(pause, [state, transfer] { attempt(state, transfer); });
      return;
    }
  }
  // An attempt that timed out is `cancelled`, as is all that a closed client leaves.
  if (transfer->has_another_way() && now < transfer->deadline && !is_stopped(state)) {
    transfer->ways.pop_back();
    transfer->attempts = 0;
    transfer->damaged_before = false;
    transfer->earlier = std::move(result).error();
    transfer->heard.reset();
    return attempt(state, transfer);
  }
  // Silence on the last way says less than what went wrong on the one before. And a block alone is
  // nothing: whether it lies somewhere now, nobody has published it.
  bool silence = code == Code::cancelled || code == Code::unavailable;
  const Error& why = silence && transfer->earlier ? *transfer->earlier : result.error();
  finish(state, transfer,
         std::unexpected(
             Error(why.code(), why.message()).with_hint(why.hint()).within(block_name(place))));
}

void BlockIo::finish(const std::shared_ptr<State>& state, const TransferPtr& transfer,
                     Result<std::string> result) {
  transfer->done(std::move(result));
  for (;;) {
    TransferPtr next;
    {
      std::lock_guard lock(state->mutex);
      if (state->waiting.empty()) {
        --state->on_their_way;
        return;
      }
      next = std::move(state->waiting.front());
      state->waiting.pop_front();
    }
    if (!next->limit.stop.stop_requested()) return start(state, next);
    next->done(fail(Code::cancelled, kUnwanted));
  }
}

}  // namespace nokv::client
