#include "meta/check/table_passes.h"

namespace nokv::meta::fsck {

using codec::Table;

namespace {
constexpr size_t kSessionBytes = sizeof(codec::SessionId);
}

Result<> SessionPass::row(std::string_view key, std::string_view value) {
  codec::SessionRecord record;
  if (key.size() != 1 + kSessionBytes || !codec::decode(value, record)) return undecodable(key);
  for (const codec::IdRange& ids : record.ids) {
    if (ids.end <= subject_.next_id()) continue;
    report_.add({.code = "bad_id",
                 .id = hex(key.substr(1)),
                 .detail = str("ids up to ", ids.end - 1,
                               " are reserved for this session; the next id to be given is ",
                               subject_.next_id()),
                 .repair = mend_next_id(ids.end - 1)});
  }
  return {};
}

Result<> RequestPass::row(std::string_view key, std::string_view value) {
  codec::RequestRecord record;
  codec::CommitReply reply;
  if (key.size() != 1 + kSessionBytes + 4 || !codec::decode(value, record) ||
      !codec::decode(record.result, reply)) {
    return undecodable(key);
  }
  std::string_view session = key.substr(1, kSessionBytes);
  std::string_view tail = key.substr(1 + kSessionBytes);
  uint32_t slot = 0;
  codec::take_u32(tail, slot);
  auto problem = [&](std::string detail) {
    report_.add({.code = "request",
                 .is_error = false,
                 .id = hex(session),
                 .detail = std::move(detail),
                 .repair = DropRow{std::string(key)}});
  };
  NOKV_ASSIGN(auto row, view_.get_present(codec::bytes_key(Table::session, session)));
  if (!row) {
    problem(str("the result of request ", record.sequence, " of a session that is not there"));
  } else if (record.sequence % codec::kSessionWindow != slot ||
             record.version > subject_.version()) {
    problem(str("the result of request ", record.sequence, " lies in slot ", slot,
                " and is of version ", record.version));
  }
  return {};
}

Result<> QuotaPass::row(std::string_view key, std::string_view /*value*/) {
  NodeId id;
  if (!codec::split_node_key(key, id)) return undecodable(key);
  NOKV_ASSIGN(auto node, view_.record<codec::NodeRecord>(codec::node_key(id), kNow));
  if (node && node->directory && node->directory->quota) return {};
  report_.add({.code = "quota_row",
               .is_error = false,
               .id = id.text(),
               .detail = "the list of quotas names what is no directory with a quota",
               .repair = DropRow{std::string(key)}});
  return {};
}

Result<> StatePass::row(std::string_view key, std::string_view value) {
  codec::StateRecord record;
  if (!codec::decode(value, record)) return undecodable(key);
  int64_t before = 0;
  for (const auto& step : record.policy.ladder) {
    if (step.every_ns <= 0 || step.for_ns < step.every_ns || step.for_ns <= before) {
      report_.add({.code = "policy",
                   .is_error = false,
                   .detail = "a step of the retention policy keeps no moment"});
    }
    before = step.for_ns;
  }
  auto root = Tree(view_, kNow).root();
  if (!root) report_.add({.code = "root", .path = "/", .detail = root.error().message()});
  return {};
}

}  // namespace nokv::meta::fsck
