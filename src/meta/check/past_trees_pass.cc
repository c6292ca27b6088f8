#include "meta/check/past_trees_pass.h"

#include <algorithm>
#include <functional>

namespace nokv::meta::fsck {

using codec::PinKind;
using codec::PinRecord;

PastTreesPass::PastTreesPass(const Subject& subject, Report& report, bool moments)
    : subject_(subject), report_(report) {
  for (const auto& [id, record] : subject.state->pins->all()) {
    const PinRecord& pin = *record;
    if (pin.going || pin.parent || pin.version == 0 || pin.version > subject.version()) continue;
    if (pin.kind == PinKind::moment && !moments) continue;
    pins_.push_back(&pin);
  }
  std::ranges::sort(pins_, [](const PinRecord* a, const PinRecord* b) {
    return a->scope == b->scope ? a->version > b->version : a->scope < b->scope;
  });
}

Result<bool> PastTreesPass::step(size_t records) {
  for (; records > 0; --records) {
    if (walk_ != nullptr) {
      NOKV_ASSIGN(bool more, walk_->step(records));
      if (more) return true;
      walk_.reset();
      continue;
    }
    if (next_ == pins_.size()) return false;
    const PinRecord& pin = *pins_[next_];
    const PinRecord* newer = next_ == 0 ? nullptr : pins_[next_ - 1];
    ++next_;
    bool same_scope = newer != nullptr && newer->scope == pin.scope;
    if (same_scope && newer->version == pin.version) continue;
    TreePass::Top top{.id = pin.scope, .path = pin.path, .at = pin.version};
    if (same_scope) top.known = newer->version;
    top.of = str("at v", pin.version, ": ");
    walk_ = std::make_unique<TreePass>("past trees", subject_, report_, std::move(top), walked_);
  }
  return true;
}

}  // namespace nokv::meta::fsck
