#include "meta/check/report.h"

#include "base/result.h"

namespace nokv::meta::fsck {

void Report::add(Problem problem) {
  ++count_;
  if (problems_.size() < kProblemsMax) problems_.push_back(std::move(problem));
}

namespace {

struct Text {
  std::string operator()(const std::monostate&) const { return {}; }
  std::string operator()(const MendSums&) const { return "write the counted sums"; }
  std::string operator()(const MendPlace&) const { return "write the place that names it"; }
  std::string operator()(const MendLink&) const {
    return "make the link row say what the name does";
  }
  std::string operator()(const DropMoved&) const { return "remove the moved record"; }
  std::string operator()(const MendReferences&) const { return "write the counted references"; }
  std::string operator()(const FilePast&) const {
    return "file it under the newest pin that needs it, or free it when none does";
  }
  std::string operator()(const DropRow&) const { return "remove the row"; }
  std::string operator()(const ListDead&) const { return "hand it to garbage collection"; }
  std::string operator()(const ListChunks&) const { return "hand them to the sweep"; }
  std::string operator()(const MendClone&) const { return "write the counted holders"; }
  std::string operator()(const ListWhiteout&) const { return "list it for the sweep"; }
  std::string operator()(const ListQuota&) const { return "list the quota"; }
  std::string operator()(const PutRow&) const { return "write the row"; }
  std::string operator()(const OwnEntry&) const { return "make the entry the directory's own"; }
  std::string operator()(const ReleasePin&) const { return "release the pin"; }
  std::string operator()(const NameSnapshot& it) const {
    return str("name the snapshot recovered-", it.pin);
  }
  std::string operator()(const SkipIds& it) const { return str("give no new id up to ", it.used); }
  std::string operator()(const RemoveObject&) const { return "remove the object"; }
};

}  // namespace

Repair mend_next_id(uint64_t used) {
  constexpr uint64_t kPlausibleMax = uint64_t{1} << 48;
  if (used == 0 || used >= kPlausibleMax) return {};
  return SkipIds{used};
}

std::string repair_text(const Repair& repair) { return std::visit(Text(), repair); }

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (char c : bytes.substr(0, 64)) {
    out += kHex[static_cast<uint8_t>(c) >> 4];
    out += kHex[static_cast<uint8_t>(c) & 15];
  }
  if (bytes.size() > 64) out += "…";
  return out;
}

}  // namespace nokv::meta::fsck
