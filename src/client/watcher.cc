#include "client/watcher.h"

#include <algorithm>
#include <utility>

#include "client/core.h"
#include "codec/event_cursor.h"

namespace nokv::client {

namespace {

using namespace std::chrono_literals;

// How long a server keeps a call that it has nothing to tell. Less than what middle boxes and
// people take for a dead connection.
constexpr Duration kPollWait = 25s;
// Between a server that goes away and the next one.
constexpr Duration kServerEnds = 50ms;

}  // namespace

uint32_t event_kinds(std::initializer_list<codec::EventKind> kinds) {
  uint32_t out = 0;
  for (auto kind : kinds) out |= 1U << static_cast<uint32_t>(kind);
  return out;
}

Watcher::Watcher(Core& core, const WatchOptions& options)
    : core_(core),
      request_({.path = options.path,
                .here_only = options.here_only,
                .kinds = options.kinds,
                .since = options.since,
                .limit = options.page}),
      deadline_(options.call.deadline),
      stop_(options.call.stop) {
  page_.cursor = request_.since;
}

Result<> Watcher::begin() {
  if (codec::EventCursor::parse(request_.since)) return {};
  return next_page(Duration::zero());
}

std::string Watcher::cursor() const {
  if (page_.events.empty()) return page_.cursor;
  if (at_ == 0) return request_.since;
  auto page = codec::EventCursor::parse(page_.cursor);
  const codec::WatchEvent& last = page_.events[at_ - 1];
  return codec::EventCursor{page->log, last.version, last.index + 1}.text();
}

Result<> Watcher::next_page(Duration wait) {
  request_.since = page_.cursor;
  request_.wait_ns = wait.count();
  CallOptions call{.stop = stop_};
  call.deadline = wait + deadline_.value_or(core_.options.deadline);
  NOKV_ASSIGN(auto reply, core_.ask<codec::WatchReply>(codec::Method::watch, request_, call));
  if (reply.failure.code != Code::ok) {
    page_.oldest = reply.oldest;
    page_.version = reply.version;
    return std::unexpected(Error(reply.failure.code, std::move(reply.failure.message))
                               .with_hint(std::move(reply.failure.hint)));
  }
  if (!codec::EventCursor::parse(reply.cursor)) {
    return fail(Code::data_loss, "'", reply.cursor, "' came as a cursor and is none");
  }
  bool nothing = reply.events.empty();
  page_ = std::move(reply);
  at_ = 0;
  if (!page_.ending || !nothing) return {};
  Wait<> over;
  core_.timers->after(kServerEnds, [done = over.done()]() mutable { done({}); });
  return over.wait(stop_);
}

Result<std::optional<codec::WatchEvent>> Watcher::next(Duration wait) {
  Clock::Instant until = core_.env.clock.now() + std::min<Duration>(wait, 24h * 365);
  bool asked = false;
  while (at_ == page_.events.size()) {
    Duration left = until - core_.env.clock.now();
    if (asked && left <= Duration::zero() && !page_.more) return std::nullopt;
    NOKV_TRY(next_page(std::clamp<Duration>(left, Duration::zero(), kPollWait)));
    asked = true;
  }
  return page_.events[at_++];
}

}  // namespace nokv::client
