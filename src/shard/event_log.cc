#include "shard/event_log.h"

#include <algorithm>
#include <utility>

namespace nokv::shard {

namespace {

Result<codec::RedoGroup> next_group(log::Reader& reader, size_t* bytes = nullptr) {
  NOKV_ASSIGN(auto entry, reader.next());
  if (!entry) return fail(Code::data_loss, "the log ends before what can be read of it");
  codec::RedoGroup group;
  uint64_t first = entry->group.first.value();
  if (!codec::decode(entry->group.bytes, group) || group.first != first || group.records.empty()) {
    return fail(Code::data_loss, "the log's group of version ", first, " cannot be decoded");
  }
  if (bytes != nullptr) *bytes = entry->group.bytes.size();
  return group;
}

}  // namespace

Result<int64_t> time_of_part(log::LogStore& log, Version first) {
  NOKV_ASSIGN(auto reader, log.read(first));
  NOKV_ASSIGN(auto group, next_group(*reader));
  return group.records.front().time_ns;
}

Result<EventBatch> EventLog::next(log::Reader& reader) {
  NOKV_ASSIGN(auto group, next_group(reader));
  return take_events(std::move(group));
}

Result<EventLog::Open> EventLog::open_at(uint64_t version) {
  auto found = std::ranges::find_if(open_, [&](const Open& open) {
    bool in_batch = open.batch && open.batch->first <= version && version <= open.batch->last;
    return in_batch || open.next == version;
  });
  if (found != open_.end()) {
    Open open = std::move(*found);
    open_.erase(found);
    return open;
  }
  Open open;
  NOKV_ASSIGN(open.reader, log_.read(Version{version}));
  open.next = version;
  return open;
}

Result<> EventLog::advance(Open& open) {
  size_t bytes = 0;
  NOKV_ASSIGN(auto group, next_group(*open.reader, &bytes));
  open.batch = std::make_unique<EventBatch>(take_events(std::move(group)));
  open.next = open.batch->last + 1;
  open.read_bytes += bytes;
  return {};
}

Result<> EventLog::fill(EventPage& page, uint64_t upto) {
  if (page.cursor().version < log_.oldest().value()) {
    return fail(Code::not_found, "the log reaches back to version ", log_.oldest().value());
  }
  NOKV_ASSIGN(Open open, open_at(page.cursor().version));
  open.read_bytes = 0;
  while (page.cursor().version <= upto && open.read_bytes < kReadBytes) {
    bool held = open.batch && page.cursor().version <= open.batch->last;
    if (!held) NOKV_TRY(advance(open));
    if (!page.add(*open.batch)) break;
  }
  open_.push_front(std::move(open));
  if (open_.size() > kReadersMax) open_.pop_back();
  return {};
}

Result<uint64_t> EventLog::first_after(int64_t time_ns, uint64_t newest) {
  auto parts = log_.parts();
  if (parts.empty()) return newest + 1;
  // The last part that begins at or before the time: it, or the next one, has the version.
  size_t low = 0;
  size_t high = parts.size();
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    NOKV_ASSIGN(int64_t begins, time_of_part(log_, parts[middle].first));
    if (begins <= time_ns) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) {
    if (parts.front().first == Version{1}) return 1;
    return fail(Code::not_found, "the log does not reach back to that time");
  }
  uint64_t version = parts[low - 1].first.value();
  NOKV_ASSIGN(auto reader, log_.read(Version{version}));
  while (version <= newest) {
    NOKV_ASSIGN(auto group, next_group(*reader));
    for (const auto& record : group.records) {
      if (record.time_ns > time_ns) return version;
      ++version;
    }
  }
  return newest + 1;
}

}  // namespace nokv::shard
