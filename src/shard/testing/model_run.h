// Runs a shard and its model side by side, step by step, and says where they part.
//
// A step is a number: what it does is drawn from it and from the model, so a run is a list of
// numbers, and leaving some out gives a shorter run.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/sim/sim_random.h"
#include "shard/testing/draw.h"
#include "shard/testing/model.h"
#include "shard/testing/sim_namespace.h"

namespace nokv::shard::model {

// Brings the changes of `from` to `to`. It is not the shard's: a client reads, decides and commits.
struct Merge {
  enum class Winner : uint8_t {
    none,
    ours,
    theirs,
    aside
  };
  std::string from;
  std::string to;
  Winner winner = Winner::none;  // where both changed the same; none: tell, and write nothing
  std::string aside;
};
struct Merged {
  bool done = false;
  size_t conflicts = 0;
};
using Commit = std::function<Result<codec::CommitReply>(const codec::CommitRequest&)>;
using Merger = std::function<Result<Merged>(SimNamespace&, const Merge&, const Commit&)>;

// Home: the test.
class Run {
 public:
  Run(uint64_t seed, Merger merger);

  // Empty when the shard did what the model says; else how they differ, and the run is over.
  std::string step(uint64_t number);
  // Gives everything up that keeps the past, collects, and looks for what is left.
  std::string finish();

  // What was done so far, a line for each.
  const std::vector<std::string>& story() const { return story_; }
  // Counts of what happened, to see that a run is worth something.
  struct Counts {
    uint64_t done = 0;
    uint64_t refused = 0;
    uint64_t kept_compared = 0;
    uint64_t crashes = 0;
    uint64_t moments = 0;
    uint64_t clones = 0;
    uint64_t diffs = 0;   // that found something
    uint64_t merges = 0;  // that were done
  };
  const Counts& counts() const { return counts_; }

 private:
  using Answer = std::shared_ptr<std::optional<Result<codec::CommitReply>>>;
  struct Sent {
    codec::CommitRequest request;
    Answer answer;
  };

  // Steps.
  void commit(SimRandom& random);
  void several(SimRandom& random, bool then_crash);
  void read(SimRandom& random);
  void upload(SimRandom& random);
  void collect(SimRandom& random, bool wait);
  void let_time_pass(SimRandom& random);
  void crash(SimRandom& random);
  void session(SimRandom& random);
  void merge(SimRandom& random);
  void compare_kept();
  void compare_quotas();
  void compare_log(const std::string& path);
  void compare_versions(SimRandom& random);
  void compare_references(bool at_rest);

  // One commit, awaited and compared.
  Result<codec::CommitReply> must_agree(const codec::CommitRequest& request);
  Answer send(const codec::CommitRequest& request);
  void judge(const codec::CommitRequest& request, const Result<codec::CommitReply>& reply);
  void unanswered(const codec::CommitRequest& request);
  void run_tasks(uint64_t count);
  void restart(SimCrash how);
  std::map<std::string, std::string> all_rows();
  void open();
  void make_foreign(uint64_t seed);
  void await_gc();
  void learn_pins();
  void learn_version();
  void settle();
  void remove_all();
  void begin_session();
  void remember_clone(const codec::CommitRequest& request, const Tree& before);

  void compare_tree(const Tree& tree, Ino directory, const std::string& path, const std::string& at,
                    uint32_t page);
  void compare_entry(const codec::Entry& entry, const Tree& tree, Ino ino, const std::string& what);
  void compare_bytes(const Tree& tree, Ino ino, const codec::Target& target, const std::string& at);
  void compare_one(const Tree& tree, const std::string& path, const std::string& at, bool follow,
                   const std::string& scope);
  Result<std::string> read_bytes(const codec::Target& target, const std::string& at);

  // The first difference counts; what follows may follow from it.
  void differ(std::string what) {
    if (difference_.empty()) difference_ = std::move(what);
  }
  bool fine() const { return difference_.empty(); }
  void tell(std::string line) { story_.push_back(std::move(line)); }

  // A directory, what it was cloned from, and what both were then.
  struct Pair {
    Ino source = 0;
    Ino clone = 0;
    std::set<std::string> base;
  };

  SimNamespace ns_;
  Merger merger_;
  World world_;
  uint64_t version_ = 1;
  // The tree after each version since pins were last looked at.
  std::map<uint64_t, std::shared_ptr<const Tree>> recent_;
  std::shared_ptr<std::optional<Result<codec::GcReply>>> gc_;
  // A session, and answers that may be asked for again.
  codec::SessionId session_{};
  uint64_t session_count_ = 0;
  uint64_t sequence_ = 0;
  uint64_t acked_below_ = 1;
  std::map<uint64_t, std::pair<codec::CommitRequest, std::string>> answered_;

  std::vector<Pair> pairs_;
  Ino kept_below_ = kRoot;  // what is compared is kept there

  std::string difference_;
  std::vector<std::string> story_;
  Counts counts_;
};

}  // namespace nokv::shard::model
