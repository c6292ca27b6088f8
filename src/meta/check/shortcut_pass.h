// Shortcuts of flattened clones.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "meta/check/pass.h"
#include "meta/flatten.h"

namespace nokv::meta::fsck {

// Works all shortcuts out again, one clone after the other, without going by those of others. One
// that is missing, or steps over a record, shows what was there before; one that leads to a nearer
// generation than it must is right.
class ShortcutPass final : public Pass {
 public:
  ShortcutPass(const Subject& subject, Report& report) : subject_(subject), report_(report) {}
  std::string_view name() const override { return "shortcuts"; }
  Result<bool> step(size_t records) override;

 private:
  Result<bool> next_clone();
  Result<> compare(const std::string& key, uint32_t steps);
  void problem(uint64_t clone, const std::string& detail, Repair repair);

  const Subject& subject_;
  Report& report_;
  std::string at_;  // the last clone's rows
  std::optional<Flattener> flattener_;
};

}  // namespace nokv::meta::fsck
