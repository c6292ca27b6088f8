// Comparisons of two trees that clients page through.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/env/env.h"
#include "base/guarded.h"
#include "codec/rpc.h"
#include "meta/diff.h"
#include "meta/state.h"

namespace nokv::shard {

// One side as it was found: a node and a version.
struct ComparedSide {
  meta::Moment moment;
  uint64_t version = 0;
  meta::Located located;
  std::string path;
};

// Thread-safe. A page is worked out on the caller's thread, at most so much of it; one that nobody
// asks for in time is forgotten.
class Comparisons {
 public:
  Comparisons(Clock& clock, size_t held_max, Duration ttl)
      : clock_(clock), held_max_(held_max), ttl_(ttl) {}

  // Begins one; with `from_base` not from a, but from the state that both directories came from.
  // Errors: those of Diff::begin(); with `from_base` also not_directory.
  Result<codec::DiffReply> begin(std::shared_ptr<const meta::State> state, const ComparedSide& a,
                                 const ComparedSide& b, bool from_base, uint32_t limit);
  // Goes on with one. Errors: stale when it is not held any more.
  Result<codec::DiffReply> next(uint64_t cursor, uint32_t limit);

 private:
  struct Held {
    std::shared_ptr<const meta::State> state;
    std::unique_ptr<meta::View> view;
    std::optional<meta::Diff> diff;
    uint64_t version_a = 0;
    uint64_t version_b = 0;
    Clock::Instant used{};
  };
  struct All {
    std::map<uint64_t, std::unique_ptr<Held>> held;
    uint64_t last = 0;
  };

  Result<codec::DiffReply> page(std::unique_ptr<Held> held, uint64_t cursor, uint32_t limit);

  Clock& clock_;
  size_t held_max_;
  Duration ttl_;
  Guarded<All> all_;
};

}  // namespace nokv::shard
