// Known defects that a build can put back, one at a time, to see that the tests notice.
//
// tools/known_bad.sh builds and tests each; NOKV_KNOWN_BAD is defined nowhere else, and what it
// guards is then not compiled.
#pragma once

namespace nokv {

enum class KnownBad {
  none,
  apply_before_append,         // readers see what the log does not have yet
  scan_live_only,              // a snapshot lists what is there now
  garbage_without_references,  // a blob is dead as soon as one record gives it up
  retention_at_present,        // whether a pin needs a record is asked of the tree as it is now
  drop_past_of_removed,        // what is removed is not kept, only what is overwritten
  result_apart_from_effect,    // the answer to a request is not in the log with its change
  early_ids_of_all,            // what is answered early takes ids that anybody may be given
  totals_stay_on_rename,       // what lies below a directory is not counted where it goes
  page_repeats_changed_name,   // the next page at a snapshot begins with the last name's past
  untold_counted_twice,        // a directory that moves takes along what its parents do not know
  clone_base_not_kept,         // the pin of a clone needs nothing
  clone_reads_present,         // a clone shows what its source is now
  id_comes_back,               // what was removed in a clone has no whiteout
  clone_freed_too_early,       // a clone is freed with the last live name of it
  clone_never_freed,           // what is past is never taken off what holds a clone
  event_lost_at_resume,        // a watch goes on one event too late
  quota_of_stale_totals,       // a quota is held against what ancestors were told so far
};

#ifdef NOKV_KNOWN_BAD
constexpr bool known_bad(KnownBad which) { return which == KnownBad::NOKV_KNOWN_BAD; }
#else
constexpr bool known_bad(KnownBad) { return false; }
#endif

}  // namespace nokv
