// Steps of background work as redo records: small, logged, repeatable.
//
// Each function plans one step against the newest state, like the verbs of meta/plan; the caller
// looked for the work in an applied state before. What is not there any more is left alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "meta/transaction.h"

namespace nokv::meta {

// How many records one step touches at most, so that no group grows and writers go on.
constexpr size_t kUpkeepStep = 64;

// The empty namespace: its root. Only as the first record of all.
void plan_init(const PlanContext& context, int64_t now_ns, const codec::RetentionPolicy& policy,
               codec::RedoRecord& out);
// How far ahead something may expire.
constexpr int64_t kKeptMaxNs = 100LL * 365 * 86400 * 1'000'000'000;
codec::RetentionPolicy default_policy();
// Errors: invalid_argument, resource_exhausted: what is wrong with it.
Result<> check_policy(const codec::RetentionPolicy& policy);

// A moment at the version before this one. Begins a group.
Result<> plan_moment(Transaction& txn);

// Pins that are to go: expired snapshots (their names go too), undo pins, thinned moments.
Result<> plan_release(Transaction& txn, const std::vector<uint64_t>& pins);

// The filed rows of a pin that goes, after `from` and up to `last`; `done` when there are no more.
struct FiledRange {
  std::string from;
  std::string last;
};
void plan_refile(Transaction& txn, uint64_t pin, const FiledRange& range, bool done);

// Up to kUpkeepStep own records of what was detached; `names` were found in an applied state.
// `done`: there are no more.
Result<> plan_sweep(Transaction& txn, const NodeId& id, const std::vector<std::string>& names,
                    bool done);
// The same for chunk records of a body that was replaced or removed.
Result<> plan_sweep_chunks(Transaction& txn, const NodeId& id, uint64_t body_number,
                           const std::vector<uint32_t>& chunks, bool done);

// Ends the record of a clone that nothing live names any more.
Result<> plan_end_clone(Transaction& txn, uint64_t clone);
// The whiteouts of nodes of a clone whose record ended. `done`: there are no more.
Result<> plan_sweep_graves(Transaction& txn, uint64_t clone, const std::vector<NodeId>& nodes,
                           bool done);

// Dead blobs whose objects are deleted.
void plan_purge(Transaction& txn, std::vector<uint64_t> blobs);

// Closes an upload whose time is over; or, after its last pass, forgets it.
Result<> plan_close_upload(Transaction& txn, uint64_t upload);
Result<> plan_upload_pass(Transaction& txn, uint64_t upload, bool last);

// What thinning leaves of moments: those to release, by the ladder and `now_ns`.
std::vector<uint64_t> moments_to_release(const PinTable& pins, const codec::RetentionPolicy& policy,
                                         int64_t now_ns);

}  // namespace nokv::meta
