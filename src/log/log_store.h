// The log of one shard: what is appended here has happened, what is not has not.
//
// A group is an opaque run of bytes that carries the redo records of versions [first, last].
// Groups follow each other without gaps, and each carries the chain digest: the XXH3-128 of the
// digest before it, first, last and its bytes. Backends: local files (log/local_log.h); one
// conformance suite (log/testing/log_store_suite.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace nokv::log {

// Who may append. Every claim makes a higher one; the local backend has claims too, so that every
// backend is used alike.
using Epoch = Id<struct EpochTag>;

// Identifies all groups up to a point, and their order. All zero before the first group.
using ChainDigest = std::array<uint8_t, 16>;

// A point in the log: the state after `version`, reached by the chain `digest`.
struct Position {
  Version version;
  ChainDigest digest{};
  bool operator==(const Position&) const = default;
};

struct Group {
  Version first;
  Version last;
  std::string bytes;
};

// The digest after `group`, when `before` was the digest before it.
ChainDigest chain(const ChainDigest& before, const Group& group);

enum class Appended : uint8_t {
  appended,  // durable
  fenced,    // another claim was made: this one may never append again
  unknown,   // may be durable or not: append the same group again until it is one of the others
};

class Reader {
 public:
  virtual ~Reader() = default;

  // The next group, with the position after it; nullopt at the tail. Blocks.
  // Errors: data_loss names the file and the offset (a frame that is damaged, or a gap).
  struct Entry {
    Group group;
    Position after;
  };
  virtual Result<std::optional<Entry>> next() = 0;
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // Takes the log over. `node` is kept for messages to the next one. Blocks.
  // Errors: data_loss, unavailable, failed_precondition when somebody else holds it.
  struct Claim {
    Epoch epoch;
    Position tail;
  };
  virtual Result<Claim> claim(std::string_view node) = 0;

  // Makes `group` durable after `previous`, which is the position after the last append. One
  // append at a time. Calls `done` once: from inside append() when blocking() (the caller chooses
  // the thread), else from any thread. An error is final (disk full before anything was written:
  // resource_exhausted, and the log is as it was); a failed sync never returns: it aborts the
  // process, for nothing is known of the pages any more.
  virtual void append(Epoch epoch, const Position& previous, const Group& group,
                      std::move_only_function<void(Result<Appended>)> done) = 0;
  virtual bool blocking() const = 0;

  // Groups from the one that holds version `from` onward. May run beside appends; sees those that
  // were complete when next() is called. Errors: not_found when `from` is below oldest().
  virtual Result<std::unique_ptr<Reader>> read(Version from) = 0;

  // The first version that read() still has; tail + 1 in an empty log.
  virtual Version oldest() const = 0;

  // Versions up to and including `upto` are not needed any more. What is kept beyond that is the
  // backend's business (whole segments). Never blocks an append for long.
  virtual Result<> trim(Version upto) = 0;

  // What trim() can drop, oldest first; the last one is written to. read() of a first version is
  // quick. Empty while the log is.
  struct Part {
    Version first;
    uint64_t bytes = 0;
  };
  virtual std::vector<Part> parts() const = 0;

  // Which log this is, for as long as it exists: part of every cursor of events.
  virtual uint64_t id() const = 0;

  // Bytes the log takes now.
  virtual uint64_t size_bytes() const = 0;
};

}  // namespace nokv::log
