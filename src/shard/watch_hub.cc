#include "shard/watch_hub.h"

#include <algorithm>

#include "base/known_bad.h"
#include "codec/key.h"
#include "meta/at.h"
#include "meta/read.h"
#include "meta/tree.h"

namespace nokv::shard {

using codec::EventCursor;
using codec::WatchReply;

namespace {

constexpr uint32_t kLimit = 1000;
// What an answer needs to arrive before its caller gives up.
constexpr Duration kOnTheWay = std::chrono::seconds(1);

// The watched path as events tell it.
Result<std::string> plain_path(const std::string& path) {
  NOKV_ASSIGN(auto names, meta::split_path(path.empty() ? "/" : path));
  return meta::path_text(names);
}

uint64_t newest_of(const Shard& shard) { return shard.state()->record.version; }

}  // namespace

WatchHub::WatchHub(const Env& env, Shard& shard, log::LogStore& log, WatchOptions options)
    : env_(env),
      shard_(shard),
      log_(log),
      options_(options),
      counters_(shard.feed().counters()),
      past_(log),
      log_home_(nullptr),
      home_(env.executors.serial("nokv-watch")),
      log_executor_(env.executors.serial("nokv-watch-log")) {
  log_home_.with([this](Executor*& executor) { executor = log_executor_.get(); });
  shard_.feed().listen(*home_, [this] { drain(); });
}

WatchHub::~WatchHub() {
  shard_.feed().close();
  log_home_.with([](Executor*& executor) { executor = nullptr; });
  log_executor_.reset();
  home_.reset();
}

void WatchHub::on_log(Executor::Task task) {
  log_home_.with([&](Executor* executor) {
    if (executor != nullptr) executor->post(std::move(task));
  });
}

// ---- asking

void WatchHub::poll(codec::WatchRequest request, Clock::Instant deadline, Done done) {
  counters_.polls.fetch_add(1, std::memory_order_relaxed);
  home_->post([this, request = std::move(request), deadline, done = std::move(done)]() mutable {
    begin(std::move(request), deadline, std::move(done));
  });
}

void WatchHub::begin(codec::WatchRequest request, Clock::Instant deadline, Done done) {
  if (!shard_.state()->initialised()) {
    return done(std::unexpected(Error(Code::failed_precondition, "there is no namespace here yet")
                                    .with_hint("create it with: nokv init")));
  }
  auto path = plain_path(request.path);
  if (!path) return done(std::unexpected(std::move(path).error()));
  if (request.limit > EventPage::kEventsMax) {
    return done(fail(Code::resource_exhausted, request.limit,
                     " events in one answer; the limit is ", EventPage::kEventsMax));
  }
  auto from = EventCursor::parse(request.since);
  if (!from) return look_up(std::move(request.since), std::move(done));
  if (from->log != log_.id()) {
    return reply_too_old(std::move(done), str("cursor ", request.since, " is of another log"));
  }
  uint64_t newest = newest_of(shard_);
  if (*from > EventCursor{log_.id(), newest + 1, 0}) {
    return done(fail(Code::invalid_argument, "cursor ", request.since, " lies ahead of version ",
                     newest, ", the newest"));
  }
  if (known_bad(KnownBad::event_lost_at_resume)) ++from->index;
  uint32_t kinds = request.kinds == 0 ? meta::kEventsUnlessSaid : request.kinds;
  meta::EventFilter filter{*std::move(path), request.here_only, kinds};
  Clock::Instant now = env_.clock.now();
  Duration wait =
      std::clamp<Duration>(Duration(request.wait_ns), Duration::zero(), options_.wait_max);
  serve(std::make_unique<Poll>(
      Poll{EventPage(std::move(filter), *from, request.limit == 0 ? kLimit : request.limit),
           std::max(now, std::min(now + wait, deadline - kOnTheWay)), std::move(done)}));
}

// Where to begin, for who has no cursor yet.
void WatchHub::look_up(std::string since, Done done) {
  uint64_t newest = newest_of(shard_);
  if (since.empty()) return done(reply_at(newest + 1, 0));
  on_log([this, since = std::move(since), newest, done = std::move(done)]() mutable {
    auto version = version_of(since, newest);
    if (version && *version >= log_.oldest().value()) return done(reply_at(*version, 0));
    if (version || version.error().code() == Code::stale) {
      return reply_too_old(std::move(done), str("the log does not reach back to '", since, "'"));
    }
    done(std::unexpected(std::move(version).error()));
  });
}

// The first version that is after `since`. Errors: stale when the log may not reach back to it.
Result<uint64_t> WatchHub::version_of(const std::string& since, uint64_t newest) {
  if (since == "oldest") return log_.oldest().value();
  if (auto version = meta::parse_version(since)) {
    if (*version <= newest) return *version + 1;
    return fail(Code::not_found, "there is no version ", *version, " yet, ", newest,
                " is the newest");
  }
  auto time = meta::parse_time(since);
  if (auto age = meta::parse_age(since)) time = shard_.now_ns() - *age;
  if (time) {
    auto version = past_.first_after(*time, newest);
    if (version || version.error().code() != Code::not_found) return version;
    return fail(Code::stale, since);
  }
  auto state = shard_.state();
  NOKV_ASSIGN(auto snapshot, state->view().present<codec::SnapshotRecord>(
                                 codec::bytes_key(codec::Table::snapshot, since)));
  if (snapshot) return snapshot->version + 1;
  return std::unexpected(
      Error(Code::not_found, str("'", since, "' is no cursor, snapshot, version, time or age"))
          .with_hint("'oldest' is as far back as the log reaches"));
}

// ---- answers

WatchReply WatchHub::reply_at(uint64_t version, uint32_t index) const {
  WatchReply reply;
  uint64_t log = log_.id();
  reply.cursor = EventCursor{log, version, index}.text();
  reply.oldest = EventCursor{log, log_.oldest().value(), 0}.text();
  reply.version = newest_of(shard_);
  reply.more = version <= reply.version;
  return reply;
}

void WatchHub::reply_too_old(Done done, std::string why) {
  counters_.too_old.fetch_add(1, std::memory_order_relaxed);
  WatchReply reply = reply_at(log_.oldest().value(), 0);
  reply.failure = meta::failure_of(Error(Code::cursor_too_old, std::move(why))
                                       .with_hint(str("the oldest cursor is ", reply.oldest,
                                                      "; what came before it can only be seen by "
                                                      "looking at what is there now")));
  done(std::move(reply));
}

void WatchHub::answer(PollPtr poll, bool more) {
  const EventCursor& cursor = poll->page.cursor();
  WatchReply reply = reply_at(cursor.version, cursor.index);
  reply.more = more;
  reply.ending = ending_;
  reply.events = poll->page.take();
  counters_.events_sent.fetch_add(reply.events.size(), std::memory_order_relaxed);
  poll->done(std::move(reply));
}

void WatchHub::refuse(PollPtr poll, Error error) {
  if (error.code() == Code::not_found) {
    std::string cursor = poll->page.cursor().text();
    return reply_too_old(std::move(poll->done),
                         str("cursor ", cursor, ": the events after it are gone"));
  }
  poll->done(std::unexpected(std::move(error)));
}

// ---- the past and the present

void WatchHub::serve(PollPtr poll) {
  last_poll_ = env_.clock.now();
  // First: what becomes readable after the look is told by the feed.
  shard_.feed().want(true);
  uint64_t newest = newest_of(shard_);
  EventPage& page = poll->page;
  if (!recent_.empty() && recent_.front().first <= page.cursor().version) {
    for (auto batch = std::ranges::partition_point(
             recent_, [&](const EventBatch& b) { return b.last < page.cursor().version; });
         batch != recent_.end() && page.add(*batch); ++batch) {
    }
    if (!page.empty()) return answer(std::move(poll), page.full());
  }
  bool listens = next_ != 0 && page.cursor().version >= next_;
  if (!listens && page.cursor().version <= newest) return read_log(std::move(poll));
  if (next_ == 0) follow_from(newest + 1);
  if (ending_ || poll->until <= last_poll_) return answer(std::move(poll), false);
  park(std::move(poll));
}

void WatchHub::read_log(PollPtr poll) {
  on_log([this, poll = std::move(poll)]() mutable {
    uint64_t newest = newest_of(shard_);
    counters_.log_reads.fetch_add(1, std::memory_order_relaxed);
    counters_.lag.store(newest + 1 - std::min(newest + 1, poll->page.cursor().version),
                        std::memory_order_relaxed);
    auto filled = past_.fill(poll->page, newest);
    home_->post([this, newest, poll = std::move(poll), filled = std::move(filled)]() mutable {
      if (!filled) return refuse(std::move(poll), std::move(filled).error());
      bool more = poll->page.cursor().version <= newest;
      if (more || !poll->page.empty()) return answer(std::move(poll), more);
      serve(std::move(poll));
    });
  });
}

void WatchHub::park(PollPtr poll) {
  if (parked_.size() >= options_.watchers_max) {
    return poll->done(
        fail(Code::overloaded, parked_.size(), " watches wait already, which is the limit"));
  }
  uint64_t id = ++last_id_;
  by_path_[poll->page.filter().path].insert(id);
  by_time_.emplace(poll->until, id);
  parked_.emplace(id, std::move(poll));
  counters_.watchers.store(parked_.size(), std::memory_order_relaxed);
  arm();
}

WatchHub::PollPtr WatchHub::unpark(uint64_t id) {
  auto found = parked_.find(id);
  PollPtr poll = std::move(found->second);
  parked_.erase(found);
  by_time_.erase({poll->until, id});
  auto path = by_path_.find(poll->page.filter().path);
  path->second.erase(id);
  if (path->second.empty()) by_path_.erase(path);
  counters_.watchers.store(parked_.size(), std::memory_order_relaxed);
  return poll;
}

// ---- what the sequencer tells

void WatchHub::follow_from(uint64_t version) {
  next_ = version;
  recent_.clear();
  recent_bytes_ = 0;
  arm();
}

void WatchHub::unfollow() {
  shard_.feed().want(false);
  follow_from(0);
}

void WatchHub::drain() {
  for (codec::RedoGroup& group : shard_.feed().take()) {
    EventBatch batch = take_events(std::move(group));
    if (next_ == 0 || batch.last < next_) continue;
    if (batch.first > next_) {
      if (auto closed = close_gap(batch.first - 1); !closed) {
        while (!parked_.empty()) refuse(unpark(parked_.begin()->first), closed.error());
        unfollow();
        return;
      }
    }
    pass(std::move(batch));
  }
}

// What the feed dropped, for it came too fast.
Result<> WatchHub::close_gap(uint64_t upto) {
  if (parked_.empty()) {
    follow_from(upto + 1);
    return {};
  }
  return EventLog(log_).each(next_, upto, [this](EventBatch batch) { pass(std::move(batch)); });
}

void WatchHub::pass(EventBatch batch) {
  next_ = batch.last + 1;
  for (uint64_t id : candidates(batch)) {
    EventPage& page = parked_.at(id)->page;
    page.pass_to(batch.first);
    if (page.add(batch) && page.empty()) continue;
    bool more = page.full();
    answer(unpark(id), more);
  }
  keep(std::move(batch));
}

std::set<uint64_t> WatchHub::candidates(const EventBatch& batch) const {
  std::set<uint64_t> out;
  if (parked_.empty()) return out;
  for (const codec::WatchEvent& it : batch.events) {
    add_candidates(it.event.path, it.event.covers_subtree, out);
    if (!it.event.old_path.empty()) {
      add_candidates(it.event.old_path, it.event.covers_subtree, out);
    }
  }
  return out;
}

// Those who watch `path`, anything above it, or with `below` anything below it.
void WatchHub::add_candidates(std::string_view path, bool below, std::set<uint64_t>& out) const {
  for (std::string_view at = path; !at.empty(); at = meta::parent_path(at)) {
    if (auto found = by_path_.find(at); found != by_path_.end()) {
      out.insert(found->second.begin(), found->second.end());
    }
  }
  if (!below) return;
  std::string top(path == "/" ? "/" : str(path, "/"));
  for (auto it = by_path_.lower_bound(top); it != by_path_.end() && it->first.starts_with(top);
       ++it) {
    out.insert(it->second.begin(), it->second.end());
  }
}

void WatchHub::keep(EventBatch batch) {
  recent_bytes_ += batch.bytes;
  recent_.push_back(std::move(batch));
  while (recent_bytes_ > options_.recent_bytes) {
    recent_bytes_ -= recent_.front().bytes;
    recent_.pop_front();
  }
}

// ---- time

void WatchHub::arm() {
  auto due = by_time_.empty() ? Clock::Instant::max() : by_time_.begin()->first;
  if (next_ != 0) due = std::min(due, std::max(last_poll_, env_.clock.now()) + options_.idle);
  if (due >= timer_due_) return;
  if (timer_due_ != Clock::Instant::max()) home_->cancel(timer_);
  timer_due_ = due;
  timer_ = home_->after(std::max(due - env_.clock.now(), Duration::zero()), [this] { on_timer(); });
}

void WatchHub::on_timer() {
  timer_due_ = Clock::Instant::max();
  Clock::Instant now = env_.clock.now();
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    PollPtr poll = unpark(by_time_.begin()->second);
    // Whatever passed by it was not for it.
    poll->page.pass_to(next_);
    answer(std::move(poll), false);
  }
  if (parked_.empty() && now >= last_poll_ + options_.idle) return unfollow();
  arm();
}

void WatchHub::end() {
  home_->post([this] {
    ending_ = true;
    while (!parked_.empty()) {
      PollPtr poll = unpark(parked_.begin()->first);
      poll->page.pass_to(next_);
      answer(std::move(poll), false);
    }
  });
}

}  // namespace nokv::shard
