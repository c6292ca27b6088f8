#include "client/testing/sim_watcher.h"

#include <algorithm>

#include "client/rpc_transport.h"

namespace nokv::client {

using codec::EventCursor;
using namespace std::chrono_literals;

SimWatcher::SimWatcher(SimWorld& world, std::string name)
    : world_(world), host_(world.scheduler(), world.net(), std::move(name)) {
  Env env = host_.env();
  timers_ = env.executors.serial("watcher");
  transport_ = make_rpc_transport(env, host_.net(), SimWorld::kServer);
  caller_ = std::make_unique<Caller>(CallerParts{*transport_, env.clock, env.random, *timers_});
  ask();
}

SimWatcher::~SimWatcher() {
  *alive_ = false;
  caller_->stop();
  host_.crash(SimCrash::process);
}

void SimWatcher::again() {
  Duration pause = world_.random().one_in(30) ? world_.random().between(1s, 30s)
                                              : world_.random().between(1ms, 200ms);
  timers_->after(pause, [this, alive = alive_] {
    if (*alive) ask();
  });
}

void SimWatcher::ask() {
  codec::WatchRequest request;
  request.path = "/";
  request.kinds = ~uint32_t{0};
  if (cursor_.version != 0) request.since = cursor_.text();
  request.wait_ns = world_.random().between(0s, 10s).count();
  request.limit = static_cast<uint32_t>(1 + world_.random().below(50));
  Clock::Instant deadline = world_.scheduler().clock().now() + world_.random().between(1s, 20s);
  caller_->ask<codec::WatchReply>(codec::Method::watch, request, deadline,
                                  [this, alive = alive_](const Result<codec::WatchReply>& reply) {
                                    if (!*alive) return;
                                    if (reply) told(*reply);
                                    again();
                                  });
}

void SimWatcher::told(const codec::WatchReply& reply) {
  auto cursor = EventCursor::parse(reply.cursor);
  auto oldest = EventCursor::parse(reply.oldest);
  if (!cursor || !oldest) {
    complaints_.push_back(str("'", reply.cursor, "' and '", reply.oldest, "' came as cursors"));
    return;
  }
  if (reply.failure.code != Code::ok) {
    if (reply.failure.code != Code::cursor_too_old || *oldest <= cursor_) {
      complaints_.push_back(str("at ", cursor_.text(), ": ", reply.failure.message));
    }
    gaps_[cursor_.version] = oldest->version;
    cursor_ = *oldest;
    return;
  }
  if (cursor_.version == 0) begin_ = *cursor;
  if (*cursor < cursor_) complaints_.push_back(str("the cursor goes back to ", reply.cursor));
  for (const auto& it : reply.events) {
    heard_.push_back({{it.version, it.index}, codec::encoded(it.event)});
  }
  cursor_ = *cursor;
  if (reply.events.empty() || !world_.random().one_in(2)) return;
  // The cursor of the last event is the same place.
  cursor_.version = reply.events.back().version;
  cursor_.index = reply.events.back().index + 1;
}

std::vector<std::string> SimWatcher::judge() const {
  std::vector<std::string> out = complaints_;
  auto next = heard_.begin();
  for (const auto& [version, record] : world_.log()) {
    if (version < begin_.version) continue;
    auto gap = gaps_.upper_bound(version);
    bool missed = gap != gaps_.begin() && version < std::prev(gap)->second;
    uint32_t index = 0;
    for (const codec::Event& event : record.events) {
      std::pair place{version, index++};
      bool came = next != heard_.end() && next->first == place;
      // The first version of a gap may have been told in part.
      if (!came && missed) continue;
      if (!came || next->second != codec::encoded(event)) {
        out.push_back(str(name(), " did not hear of event ", index - 1, " of version ", version));
        return out;
      }
      ++next;
    }
  }
  if (next != heard_.end()) {
    out.push_back(str(name(), " heard of version ", next->first.first, " out of turn"));
  }
  return out;
}

}  // namespace nokv::client
