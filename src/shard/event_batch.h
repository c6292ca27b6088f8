// The events of one group of the log, and pages made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/event_cursor.h"
#include "codec/redo.h"
#include "codec/rpc.h"
#include "meta/event_filter.h"

namespace nokv::shard {

struct EventBatch {
  uint64_t first = 0;  // versions
  uint64_t last = 0;
  size_t bytes = 0;  // of memory, about
  std::vector<codec::WatchEvent> events;
};

// Takes the events out of `group`.
EventBatch take_events(codec::RedoGroup group);

// What an event takes in an answer, about.
size_t weight(const codec::WatchEvent& event);

// Gathers what a watch hears, from a place on, batch after batch without a gap.
class EventPage {
 public:
  static constexpr uint32_t kEventsMax = 10'000;
  static constexpr size_t kBytesMax = 1 << 20;

  // Begins at `from`; at most `limit` events.
  EventPage(meta::EventFilter filter, codec::EventCursor from, uint32_t limit)
      : filter_(std::move(filter)), cursor_(from), limit_(limit) {}

  // Takes what matches, from the cursor on. A batch that ends before the cursor changes nothing;
  // one that begins after it is our own mistake. False once the page is full.
  bool add(const EventBatch& batch);

  // Everything before `version` was looked at, and nothing of it matched.
  void pass_to(uint64_t version) {
    if (cursor_.version < version) cursor_ = {cursor_.log, version, 0};
  }

  const meta::EventFilter& filter() const { return filter_; }
  // Behind everything that was looked at.
  const codec::EventCursor& cursor() const { return cursor_; }
  bool empty() const { return events_.empty(); }
  bool full() const { return full_; }
  std::vector<codec::WatchEvent> take() { return std::move(events_); }

 private:
  meta::EventFilter filter_;
  codec::EventCursor cursor_;
  uint32_t limit_;
  size_t bytes_ = 0;
  bool full_ = false;
  std::vector<codec::WatchEvent> events_;
};

}  // namespace nokv::shard
