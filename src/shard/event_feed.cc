#include "shard/event_feed.h"

#include <utility>

namespace nokv::shard {

void EventFeed::push(codec::RedoGroup group, size_t bytes) {
  std::vector<codec::RedoGroup> dropped;  // destroyed outside the lock
  queue_.with([&](Queue& queue) {
    if (queue.home == nullptr) return;
    if (queue.bytes + bytes > kBytesMax) {
      dropped.swap(queue.groups);
      queue.bytes = 0;
    }
    queue.groups.push_back(std::move(group));
    queue.bytes += bytes;
    if (!std::exchange(queue.woken, true)) queue.home->post(queue.wake);
  });
}

void EventFeed::listen(Executor& home, std::function<void()> wake) {
  queue_.with([&](Queue& queue) {
    queue = Queue();
    queue.home = &home;
    queue.wake = std::move(wake);
  });
}

void EventFeed::close() {
  want(false);
  queue_.with([](Queue& queue) { queue = Queue(); });
}

std::vector<codec::RedoGroup> EventFeed::take() {
  return queue_.with([](Queue& queue) {
    queue.bytes = 0;
    queue.woken = false;
    return std::exchange(queue.groups, {});
  });
}

}  // namespace nokv::shard
