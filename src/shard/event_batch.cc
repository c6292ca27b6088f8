#include "shard/event_batch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace nokv::shard {

size_t weight(const codec::WatchEvent& event) {
  return sizeof(event) + event.principal.size() + event.event.path.size() +
         event.event.old_path.size();
}

EventBatch take_events(codec::RedoGroup group) {
  EventBatch out;
  out.first = group.first;
  out.last = group.first + group.records.size() - 1;
  for (size_t i = 0; i < group.records.size(); ++i) {
    codec::RedoRecord& record = group.records[i];
    uint32_t index = 0;
    for (codec::Event& event : record.events) {
      out.events.push_back(
          {group.first + i, index++, record.time_ns, record.principal, std::move(event)});
      out.bytes += weight(out.events.back());
    }
  }
  out.bytes += sizeof(out);
  return out;
}

bool EventPage::add(const EventBatch& batch) {
  if (full_) return false;
  if (batch.last < cursor_.version) return true;
  check(batch.first <= cursor_.version, "batches follow each other without a gap");
  auto from = std::ranges::partition_point(batch.events, [&](const codec::WatchEvent& event) {
    return std::pair(event.version, event.index) < std::pair(cursor_.version, cursor_.index);
  });
  for (auto event = from; event != batch.events.end(); ++event) {
    if (!filter_.matches(event->event)) continue;
    size_t bytes = weight(*event);
    if (events_.size() >= limit_ || (!events_.empty() && bytes_ + bytes > kBytesMax)) {
      cursor_.version = event->version;
      cursor_.index = event->index;
      full_ = true;
      return false;
    }
    bytes_ += bytes;
    events_.push_back(*event);
  }
  cursor_.version = batch.last + 1;
  cursor_.index = 0;
  return true;
}

}  // namespace nokv::shard
