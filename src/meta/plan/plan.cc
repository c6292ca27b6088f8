#include "meta/plan/plan.h"

#include <algorithm>

namespace nokv::meta {

bool begins_group(const codec::CommitRequest& request) {
  for (const auto& box : request.operations) {
    bool pins = std::visit(
        [](const auto& op) {
          using Op = std::remove_cvref_t<decltype(op)>;
          if constexpr (std::is_same_v<Op, codec::Rollback> || std::is_same_v<Op, codec::Clone>) {
            return true;
          } else if constexpr (requires { op.keep_undo; }) {
            return op.keep_undo;
          } else {
            return std::is_same_v<Op, codec::SnapshotCreate> ||
                   std::is_same_v<Op, codec::Undelete> || std::is_same_v<Op, codec::KeepUndo>;
          }
        },
        box.op);
    if (pins) return true;
  }
  return false;
}

bool reads_applied(const codec::CommitRequest& request) {
  for (const auto& box : request.operations) {
    if (std::holds_alternative<codec::Undelete>(box.op) ||
        std::holds_alternative<codec::Rollback>(box.op)) {
      return true;
    }
    const auto* clone = std::get_if<codec::Clone>(&box.op);
    if (clone != nullptr && !clone->from_at.empty()) return true;
    const auto* copy = std::get_if<codec::Copy>(&box.op);
    if (copy != nullptr && !copy->from_at.empty()) return true;
  }
  return false;
}

namespace {

template <class Op>
constexpr bool kKeepsTree =
    std::is_same_v<Op, codec::Check> || std::is_same_v<Op, codec::SnapshotCreate> ||
    std::is_same_v<Op, codec::SnapshotRemove> || std::is_same_v<Op, codec::SnapshotRenew> ||
    std::is_same_v<Op, codec::SetPolicy> || std::is_same_v<Op, codec::OpenUpload> ||
    std::is_same_v<Op, codec::CloseUpload> || std::is_same_v<Op, codec::KeepUndo>;

Result<codec::OperationResult> plan_one(Transaction& txn, const codec::Operation& operation) {
  return std::visit(
      [&]<class Op>(const Op& op) {
        auto done = planning::run(txn, op);
        if (!kKeepsTree<Op>) txn.note_change();
        return done;
      },
      operation);
}

Result<codec::CommitReply> plan_all(Transaction& txn, const codec::CommitRequest& request) {
  codec::CommitReply reply;
  reply.version = txn.version();
  reply.time_ns = txn.now_ns();
  // An upload that is closed with what was published from it is no operation to the caller.
  auto said = static_cast<size_t>(std::ranges::count_if(request.operations, [](const auto& box) {
    return !std::holds_alternative<codec::CloseUpload>(box.op);
  }));
  size_t number = 0;
  for (const auto& box : request.operations) {
    ++number;
    auto done = plan_one(txn, box.op);
    if (!done) {
      Error error = std::move(done).error();
      if (said <= 1) return std::unexpected(std::move(error));
      return std::unexpected(std::move(error).within(str("operation ", number, " of ", said)));
    }
    reply.results.push_back(*std::move(done));
  }
  NOKV_TRY(check_quotas(txn));
  return reply;
}

}  // namespace

Result<codec::CommitReply> plan(const PlanContext& context, uint64_t version, int64_t now_ns,
                                const codec::CommitRequest& request, codec::RedoRecord& out) {
  if (request.operations.size() > codec::kOperationsMax) {
    return fail(Code::resource_exhausted, "a transaction of ", request.operations.size(),
                " operations; the limit is ", codec::kOperationsMax);
  }
  uint64_t next_id = context.ids.next;
  codec::RetentionPolicy policy = context.policy;
  context.pending.begin();
  Transaction txn(context, version, now_ns, out);
  auto reply = plan_all(txn, request);
  if (txn.next_id() > context.ids.end) {
    context.ids.exceeded = true;
    reply = fail(Code::resource_exhausted, "more ids are needed than are reserved");
  }
  if (!reply || request.dry_run) {
    context.pending.undo();
    context.ids.next = next_id;
    context.policy = policy;
    out = codec::RedoRecord();
    return reply;
  }
  context.pending.keep();
  out.time_ns = now_ns;
  out.next_id = context.ids.next;
  return reply;
}

namespace planning {

Result<> check_mode(uint32_t mode) {
  if (mode <= 07777) return {};
  return fail(Code::invalid_argument, "mode ", mode, " has more than the 12 permission bits");
}

Result<> check_precondition(const std::string& path, const std::optional<codec::Inode>& there,
                            codec::Exists exists, std::optional<uint64_t> if_generation) {
  if (there && exists == codec::Exists::create) {
    return fail(Code::already_exists, path, ": it exists");
  }
  if (!there && (exists == codec::Exists::replace || if_generation.value_or(0) != 0)) {
    return fail(Code::not_found, path, ": no such file to replace");
  }
  if (there && if_generation && there->body.generation != *if_generation) {
    return fail(Code::aborted, path, ": its generation is ", there->body.generation, ", not ",
                *if_generation);
  }
  return {};
}

}  // namespace planning
}  // namespace nokv::meta
