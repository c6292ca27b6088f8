// Which quotas there are, for who asks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/rpc.h"
#include "meta/tree.h"

namespace nokv::meta {

// The quotas that bind in `directory`: first the directory itself, with or without one, then those
// of the directories above it, nearest first, up to `top`, whose path is `top_path`.
// Errors: stale (it is not below `top`), data_loss, unavailable.
Result<std::vector<codec::QuotaInfo>> quotas_above(const Tree& tree, const NodeId& directory,
                                                   const NodeId& top, std::string_view top_path);

// Up to `limit` rows of the quota table after `after`: those of directories at and below `below`.
// Each costs a walk up, whatever else the namespace holds. Errors: stale, data_loss, unavailable.
struct QuotaPage {
  std::vector<codec::QuotaInfo> quotas;
  bool more = false;
  NodeId next;  // with `more`
};
Result<QuotaPage> quotas_below(const Tree& tree, const NodeId& below, const NodeId& after,
                               uint32_t limit);

}  // namespace nokv::meta
