// Events of the past, read from the log.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "base/result.h"
#include "log/log_store.h"
#include "shard/event_batch.h"

namespace nokv::shard {

// The log time of version `first`, which begins a part of `log`. Blocks. Errors: not_found
// (trimmed), data_loss.
Result<int64_t> time_of_part(log::LogStore& log, Version first);

// Keeps the readers of the last pages open, so that who reads on finds the place at once. Home: one
// thread. Everything blocks on the log's files.
class EventLog {
 public:
  static constexpr size_t kReadersMax = 32;
  static constexpr size_t kReadBytes = 4 << 20;  // of the log, for one page

  // `log` outlives it.
  explicit EventLog(log::LogStore& log) : log_(log) {}

  // Fills `page` on from its cursor, up to version `upto`, which is readable. Ends early when much
  // was read. Errors: not_found when the log does not reach back to the cursor (any more),
  // data_loss.
  Result<> fill(EventPage& page, uint64_t upto);

  // The groups of versions [from, upto], each to `take`. Errors: as fill().
  template <class Take>
  Result<> each(uint64_t from, uint64_t upto, Take&& take) {
    NOKV_ASSIGN(auto reader, log_.read(Version{from}));
    while (from <= upto) {
      NOKV_ASSIGN(EventBatch batch, next(*reader));
      from = batch.last + 1;
      take(std::move(batch));
    }
    return {};
  }

  // The first version whose time is after `time_ns`; `newest` + 1 when there is none. Errors:
  // not_found when that may lie before what the log has.
  Result<uint64_t> first_after(int64_t time_ns, uint64_t newest);

 private:
  struct Open {
    std::unique_ptr<log::Reader> reader;
    std::unique_ptr<EventBatch> batch;  // the last one that was read
    uint64_t next = 0;                  // version that the reader gives next
    size_t read_bytes = 0;
  };

  Result<Open> open_at(uint64_t version);
  Result<> advance(Open& open);
  static Result<EventBatch> next(log::Reader& reader);

  log::LogStore& log_;
  std::list<Open> open_;  // the last used first
};

}  // namespace nokv::shard
