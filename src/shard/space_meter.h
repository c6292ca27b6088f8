// Measures, beside everything else, what the bodies of a shard take and why.
#pragma once

#include <functional>
#include <memory>

#include "base/env/env.h"
#include "base/guarded.h"
#include "codec/rpc.h"
#include "meta/space.h"
#include "object/object_store.h"
#include "shard/shard.h"
#include "shard/store_looks.h"

namespace nokv::shard {

// Thread-safe. Works on the desk's executor, in small steps.
class SpaceMeter {
 public:
  using Figures = std::shared_ptr<const meta::SpaceFigures>;
  using Measured = std::move_only_function<void(Result<Figures>)>;

  // All outlive the desk's executor.
  SpaceMeter(const Env& env, Shard& shard, object::ObjectStore& store, std::shared_ptr<Desk> desk);

  // The figures of the state that is newest now. Errors: failed_precondition (no namespace),
  // cancelled (the deadline), overloaded (kScansMax are under way), data_loss, unavailable.
  static constexpr int kScansMax = 4;
  void measure(Clock::Instant deadline, Measured done);

  // The same, as rows for `df`, with what open uploads have put into the store so far: the first
  // kUploadsMax of their blobs are looked up there.
  static constexpr size_t kUploadsMax = 256;
  void rows(Clock::Instant deadline, std::move_only_function<void(Result<codec::SpaceReply>)> done);

  // The last figures that were measured; null before.
  Figures last() const;

 private:
  struct Shared {
    int running = 0;
    Figures last;
  };
  struct Scan;
  struct Uploads;
  static void go_on(const std::shared_ptr<Scan>& scan);
  static void list_next(const std::shared_ptr<Uploads>& uploads);

  Env env_;
  Shard& shard_;
  object::ObjectStore& store_;
  std::shared_ptr<Desk> desk_;
  std::shared_ptr<Guarded<Shared>> shared_;  // also with scans that outlive the meter
};

}  // namespace nokv::shard
