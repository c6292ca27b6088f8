#include "meta/plan/plan.h"

namespace nokv::meta::planning {

Result<OperationResult> run(Transaction& txn, const codec::Check& op) {
  auto spot = txn.existing(op.target, false);
  if (!spot && spot.error().code() != Code::not_found) {
    return std::unexpected(std::move(spot).error());
  }
  if (op.exists && *op.exists != spot.has_value()) {
    return fail(Code::aborted, op.target.path, spot ? ": it exists" : ": it does not exist");
  }
  if (!spot) {
    if (op.generation || op.newest_at_most) return std::unexpected(std::move(spot).error());
    return OperationResult();
  }
  OperationResult out{spot->path(), spot->id()};
  uint64_t newest = 0;
  if (spot->found.is_directory()) {
    NOKV_TRY(txn.settle());
    NOKV_ASSIGN(DirectoryState * state, txn.directory(spot->id()));
    newest = state->record.totals.newest;
  } else {
    NOKV_ASSIGN(auto file, txn.file(*spot->found.entry));
    newest = out.generation = file.inode.body.generation;
    if (op.generation && *op.generation != out.generation) {
      return fail(Code::aborted, out.path, ": its generation is ", out.generation, ", not ",
                  *op.generation);
    }
  }
  if (op.newest_at_most && newest > *op.newest_at_most) {
    return fail(Code::aborted, out.path, ": changed in version ", newest, ", after ",
                *op.newest_at_most);
  }
  return out;
}

}  // namespace nokv::meta::planning
