// The trees that pins keep, walked like the present.
#pragma once

#include <memory>
#include <vector>

#include "meta/check/tree_pass.h"

namespace nokv::meta::fsck {

// Each scope is walked at the newest of its versions, and of the older ones what differs from the
// next newer one: so a hundred thousand clones of one directory take as long as what changed in it
// between them.
class PastTreesPass final : public Pass {
 public:
  // `moments`: those too.
  PastTreesPass(const Subject& subject, Report& report, bool moments);
  std::string_view name() const override { return "past trees"; }
  Result<bool> step(size_t records) override;

 private:
  const Subject& subject_;
  Report& report_;
  std::vector<const codec::PinRecord*> pins_;  // by scope, the newest first
  size_t next_ = 0;
  Walked walked_;
  std::unique_ptr<TreePass> walk_;
};

}  // namespace nokv::meta::fsck
