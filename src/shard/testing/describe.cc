// Requests in words, for a person who reads how a run went wrong.
#include "base/escape.h"
#include "shard/testing/draw.h"

namespace nokv::shard::model {

namespace {

std::string text(const codec::Target& target) {
  std::string path = target.path.size() > 40 ? target.path.substr(0, 4) + "..." : target.path;
  return target.id ? str("#", target.id.text(), ":", path) : path;
}
std::string text(codec::Exists exists) {
  return exists == codec::Exists::any      ? ""
         : exists == codec::Exists::create ? " create"
                                           : " replace";
}
std::string text(const char* what, const std::optional<uint64_t>& value) {
  return value ? str(" ", what, "=", *value) : "";
}
std::string text(const codec::NewBody& body) {
  return body.upload == 0 ? str(" ", body.size, " bytes")
                          : str(" ", body.size, " bytes of blob ", body.first_blob);
}
std::string flag(bool set, const char* what) { return set ? str(" ", what) : ""; }

struct Describe {
  std::string operator()(const codec::Mkdir& op) {
    return "mkdir " + text(op.target) + flag(op.parents, "parents") + flag(op.exist_ok, "exist_ok");
  }
  std::string operator()(const codec::Publish& op) {
    return "publish " + text(op.target) + text(op.body) + text(op.exists) +
           text("generation", op.if_generation) + flag(op.parents, "parents") +
           flag(op.keep_undo, "undo");
  }
  std::string operator()(const codec::Append& op) {
    return "append " + text(op.target) + text(op.body) + text("at", op.at_size) +
           text("generation", op.if_generation);
  }
  std::string operator()(const codec::MakeNode& op) {
    return str("mknod ", static_cast<int>(op.kind), " ") + text(op.target) + " " + op.link_target;
  }
  std::string operator()(const codec::Link& op) {
    return "link " + text(op.from) + " " + text(op.to);
  }
  std::string operator()(const codec::Rename& op) {
    return "rename " + text(op.from) + " " + text(op.to) +
           flag(op.mode == codec::RenameMode::no_replace, "no_replace") +
           flag(op.mode == codec::RenameMode::exchange, "exchange") + flag(op.parents, "parents") +
           flag(op.keep_undo, "undo");
  }
  std::string operator()(const codec::Remove& op) {
    return str("remove", static_cast<int>(op.kind), " ") + text(op.target) +
           flag(op.missing_ok, "missing_ok") + flag(op.keep_undo, "undo") +
           text("generation", op.if_generation);
  }
  std::string operator()(const codec::SetAttributes& op) {
    return "setattr " + text(op.target) + flag(op.follow, "follow");
  }
  std::string operator()(const codec::SetXattr& op) {
    return "setxattr " + text(op.target) + flag(op.follow, "follow") + " " + op.name +
           flag(!op.value, "none") + text(op.exists);
  }
  std::string operator()(const codec::Check& op) {
    return "check " + text(op.target) + (op.exists ? str(" exists=", int{*op.exists}) : "") +
           text("generation", op.generation) + text("newest", op.newest_at_most);
  }
  std::string operator()(const codec::SnapshotCreate& op) {
    return "snapshot " + op.name + " " + text(op.target) + flag(op.ttl_ns != 0, "expires");
  }
  std::string operator()(const codec::SnapshotRemove& op) { return "remove snapshot " + op.name; }
  std::string operator()(const codec::SnapshotRenew& op) { return "renew snapshot " + op.name; }
  std::string operator()(const codec::SetPolicy& op) {
    return str("policy undo=", op.policy.undo_ns) + flag(!op.policy.ladder.empty(), "moments");
  }
  std::string operator()(const codec::OpenUpload& op) { return str("open upload of ", op.blobs); }
  std::string operator()(const codec::CloseUpload& op) { return str("close upload ", op.upload); }
  std::string operator()(const codec::Clone& op) {
    return str("clone ", text(op.from), op.from_at.empty() ? "" : " at ", op.from_at, " ",
               text(op.to), flag(op.replace, "replace"), flag(op.keep_undo, "undo"));
  }
  std::string operator()(const codec::Rollback& op) {
    return str("rollback ", text(op.target), " to ", op.at, op.keep_undo ? ", undo" : "");
  }
  std::string operator()(const codec::KeepUndo& op) { return "keep undo " + text(op.target); }
  std::string operator()(const codec::Undelete& op) {
    return "undelete " + text(op.target) + " at '" + op.at + "' as '" + text(op.as) + "'";
  }
  std::string operator()(const codec::SetQuota& op) {
    return "quota " + text(op.target) + text("bytes", op.max_bytes) +
           text("entries", op.max_entries);
  }
  std::string operator()(const codec::Copy& op) {
    return "copy " + text(op.from) + " at '" + op.from_at + "' to " + text(op.to) +
           text(op.exists) + text("generation", op.if_generation) + flag(op.parents, "parents") +
           flag(op.keep_undo, "undo") + flag(op.no_follow, "nofollow");
  }
};

}  // namespace

std::string describe(const codec::Operation& op) { return std::visit(Describe(), op); }

std::string describe(const codec::CommitRequest& request) {
  std::string out = request.dry_run ? "dry run: " : "";
  if (request.sequence != 0) out = str("request ", request.sequence, ": ");
  for (size_t i = 0; i < request.operations.size(); ++i) {
    out += (i == 0 ? "" : "; ") + describe(request.operations[i].op);
  }
  return out;
}

}  // namespace nokv::shard::model
