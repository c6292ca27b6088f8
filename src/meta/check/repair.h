// Repairs as redo records.
#pragma once

#include "meta/check/report.h"
#include "meta/transaction.h"

namespace nokv::meta::fsck {

// Plans what `repair` says, if it still has to be done: the state may have gone on since the check.
// Everything decided before has to be applied (Shard::repair). An object of the store is not
// removed here.
Result<> plan_repair(Transaction& txn, const Repair& repair);

}  // namespace nokv::meta::fsck
