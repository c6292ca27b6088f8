// What the bodies take, and why they are kept.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "meta/check/mentions.h"
#include "meta/pins.h"
#include "meta/state.h"

namespace nokv::meta {

struct SpaceSum {
  uint64_t bytes = 0;
  uint64_t files = 0;  // bodies that begin in one of the blobs
};

// Every blob is in one of these sums, so together they are what is stored: at the first reason of
// this order that holds it.
//   live       a file of today has it
//   snapshots  one snapshot alone still shows it: this much is freed when that snapshot goes, once
//              the moments and undo pins of that time have gone too
//   shared     several snapshots show it: it is freed with the last of them
//   clones     the base of one clone alone shows it: this much is freed when that clone goes, once
//              the moments and undo pins of that time have gone too
//   shared     the bases of several clones show it: it is freed with the last of them
//   kept       only moments and undo pins: at the newest of them that shows it, so it is freed when
//              that one and all older ones have gone
//   dead       nothing shows it; its grace period runs
// But for those whose bytes lie with others: whatever shows them, they are `imported`.
struct SpaceFigures {
  uint64_t version = 0;
  int64_t time_ns = 0;
  SpaceSum live;
  std::map<uint64_t, SpaceSum> snapshots;  // by pin
  SpaceSum shared;
  std::map<uint64_t, SpaceSum> clones;  // by pin; those that keep something
  SpaceSum shared_clones;
  std::map<uint64_t, SpaceSum> kept;  // by pin
  SpaceSum moments;                   // of `kept`
  SpaceSum undo;                      // of `kept`
  SpaceSum dead;
  SpaceSum imported;

  uint64_t kept_bytes() const { return moments.bytes + undo.bytes; }
  uint64_t bytes() const;  // all of it, but for what is imported
};

// Counts them for one state, in steps.
//
// Memory: a window of `window_max` blobs (48 bytes each) in the order of their ids; all records
// are scanned once for each window. Home: one thread at a time.
class SpaceScan {
 public:
  explicit SpaceScan(std::shared_ptr<const State> state, size_t window_max = 1 << 20);

  // Looks at about `records` more; false when all is counted. Blocks on the engine's files.
  // Errors: data_loss, unavailable.
  Result<bool> step(size_t records);
  const SpaceFigures& figures() const { return figures_; }

 private:
  enum class Reason : uint8_t {
    none,
    kept,
    clone,
    snapshot,
    live
  };
  struct Row {
    uint64_t blob = 0;
    uint64_t bytes = 0;
    uint64_t pin = 0;  // of snapshots and clones, 0: several
    bool is_inline = false;
    bool dead = false;
    bool begins = false;  // a body
    bool external = false;
    Reason reason = Reason::none;
  };
  struct Holder {
    Reason reason = Reason::none;
    uint64_t pin = 0;
  };

  Result<bool> load(size_t records);
  Result<bool> count(size_t records);
  Result<> mentioned();
  Result<Holder> holder_of_past();
  void hold(Row& row, const Holder& holder) const;
  uint64_t version_of(uint64_t pin) const;
  void sum_up();

  std::shared_ptr<const State> state_;
  View view_;
  Retention retention_;
  size_t window_max_;
  std::unique_ptr<engine::Iterator> blobs_;
  std::unique_ptr<engine::Iterator> inline_;
  std::vector<Row> window_;
  uint64_t from_ = 0;
  uint64_t last_ = 0;
  bool last_window_ = false;
  std::unique_ptr<fsck::MentionScan> scan_;
  SpaceFigures figures_;
};

// The oldest moments and undo pins that have to go for the rest to keep at most `budget` bytes.
std::vector<uint64_t> pins_over_budget(const PinTable& pins, const SpaceFigures& figures,
                                       uint64_t budget);

}  // namespace nokv::meta
