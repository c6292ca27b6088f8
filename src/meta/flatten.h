// Chains of clones that are cloned again and again: shortcuts, so that reading the last one does
// not ask all of them.
//
// A clone shows what its source was at one version, for ever. So of a record that it has none of
// its own for, it can be noted which generation has the nearest one. A flattened clone has such a
// row (a shortcut) for each record that any of the clones between it and the end of its chain
// changed; what has none is asked for at the end of the chain at once. Rows say where to begin to
// ask: one that is too near costs a step, one that is missing would be wrong. Nothing else knows
// of them: clones hold, keep and share what they did before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "meta/transaction.h"

namespace nokv::meta {

// No more are stepped over at once.
constexpr size_t kLineMax = 256;

// The clone's record, of one that ended too; nullopt: nothing reads through it any more.
Result<std::optional<codec::CloneRecord>> clone_record(const View& view, uint64_t clone);

// How many generations below a clone with this record may be asked, up to the next one that is
// flattened or the end of the chain; no more than `enough` of them are counted.
Result<size_t> chain_length(const View& view, codec::CloneRecord record, size_t enough);

// Works out the shortcuts of one clone, some at a time, from states of growing version. Home: one
// thread. Errors: data_loss, unavailable.
class Flattener {
 public:
  // `all`: also rows that are there.
  explicit Flattener(uint64_t clone, bool all = false) : clone_(clone), all_(all) {}

  uint64_t clone() const { return clone_; }
  // What it is read through to; empty when there is nothing to flatten. After the first step.
  const codec::FlatClone& flat() const { return flat_; }

  // Adds rows that are not there yet, by their keys: about `max`, or what a bounded number of
  // records gave. False: these were the last. `view` may have shortcuts of other clones.
  using Rows = std::map<std::string, uint32_t>;
  Result<bool> step(const View& view, size_t max, Rows& out);

 private:
  // A directory whose own entries are looked at, up to `last` so far.
  struct Frame {
    NodeId directory;
    std::string last;
  };
  // What a step may still do, and what it has found.
  struct Budget {
    size_t rows = 0;
    size_t looks = 0;
    Rows& out;
    bool left() const { return out.size() < rows && looks != 0; }
  };
  Result<> begin(const View& view);
  Result<> enter_generation(const View& view, Budget& budget);
  Result<> walk(const View& view, Budget& budget);
  Result<> see(const View& view, const std::string& key, const codec::Dentry& dentry,
               Budget& budget);
  Result<> see_file(const View& view, const codec::Dentry& dentry, Budget& budget);
  Result<bool> copy_rows(const View& view, Budget& budget);
  Result<> add_own(const View& view, std::string_view key, Budget& budget) const;
  Result<> add(const View& view, std::string_view key, uint64_t region, uint32_t generations,
               uint32_t steps, Budget& budget) const;

  uint64_t clone_;
  bool all_;
  codec::FlatClone flat_;
  bool begun_ = false;
  std::vector<NodeId> tops_;  // of the generations to be walked
  size_t at_ = 0;             // the one that is; behind them all: rows of `below_` are taken over
  bool entered_ = false;
  std::string grave_;  // of the generation, the last one that was looked at
  std::vector<Frame> frames_;
  uint64_t below_ = 0;  // the flattened clone at which the walk ends; 0: none
  std::string copied_;  // its last row that was looked at
};

// One step of it as a change; `last` needs a step before it. A clone with no line is only crossed
// off.
void plan_flatten(Transaction& txn, uint64_t clone, const codec::FlatClone& flat,
                  const Flattener::Rows& rows, bool last);
// The shortcuts of a clone that is gone: up to kUpkeepStep of their keys; `done`: there are no
// more.
void plan_drop_shortcuts(Transaction& txn, uint64_t clone, const std::vector<std::string>& keys,
                         bool done);

}  // namespace nokv::meta
