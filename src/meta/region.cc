#include "meta/region.h"

#include <algorithm>

#include "codec/key.h"

namespace nokv::meta {

NodeId seen_through(uint64_t clone, uint64_t parent, const NodeId& node, uint32_t steps) {
  NodeId out = node;
  if (!out.hops.empty() && out.hops.back().clone == parent) {
    out.hops.back() = {clone, out.hops.back().generation + steps};
  } else {
    out.hops.push_back({clone, steps - 1});
  }
  return out;
}

uint64_t clone_held(const NodeId& directory, const codec::Dentry& dentry) {
  uint64_t clone = last_clone(dentry.child);
  if (clone == 0 || clone == last_clone(directory)) return 0;
  // A file whose dentry says all of it can do without what it came from.
  bool whole = dentry.inode && dentry.inode->body.body_number == 0;
  return whole ? 0 : clone;
}

uint64_t clone_held(std::string_view key, std::string_view value) {
  if (static_cast<codec::Table>(key[0]) != codec::Table::dentry) return 0;
  codec::DentryKey parts;
  codec::Dentry dentry;
  if (!codec::split_dentry_key(key, parts) || !codec::decode(value, dentry)) return 0;
  return clone_held(parts.directory, dentry);
}

bool raise_hops(const NodeId& directory, codec::Totals& totals, const NodeId& child,
                const codec::Totals* below) {
  auto own = static_cast<uint32_t>(child.hops.size());
  uint32_t foreign = 0;
  if (below != nullptr) {
    own = std::max(own, below->hops);
    foreign = below->foreign_hops;
  }
  if (last_clone(child) != last_clone(directory))
    foreign = std::max(foreign, std::exchange(own, 0));
  bool raised = own > totals.hops || foreign > totals.foreign_hops;
  totals.hops = std::max(totals.hops, own);
  totals.foreign_hops = std::max(totals.foreign_hops, foreign);
  return raised;
}

void see_hops_through(uint64_t parent, const NodeId& id, codec::Totals& totals) {
  auto own = std::max(totals.hops, static_cast<uint32_t>(id.hops.size()));
  uint32_t foreign = totals.foreign_hops;
  // In the parent's region the last hop is replaced; elsewhere one is added.
  bool replaced = parent != 0 && last_clone(id) == parent;
  totals.hops = replaced ? std::max(own, foreign + 1) : std::max(own, foreign) + 1;
  totals.foreign_hops = 0;  // all are of one region
}

}  // namespace nokv::meta
