// Regions: what a node's hops say of where it came from. docs/formats/keys.md
#pragma once

#include <cstdint>

#include "codec/record.h"

namespace nokv::meta {

using codec::NodeId;

// The clone a node is in, or 0.
inline uint64_t last_clone(const NodeId& id) { return id.hops.empty() ? 0 : id.hops.back().clone; }

// `node` as it appears in `clone`, whose parent clone is `parent`; or in the last one of a chain of
// `steps` clones, each cloned from the one before, of which the first has that parent.
NodeId seen_through(uint64_t clone, uint64_t parent, const NodeId& node, uint32_t steps = 1);

// The clone that a dentry of `directory` holds: that of a node of another region which needs the
// clone's record to be read; 0 for none.
uint64_t clone_held(const NodeId& directory, const codec::Dentry& dentry);
// The same of a record of any table.
uint64_t clone_held(std::string_view key, std::string_view value);

// The bounds of hops below `directory`, once it holds `child`, which has `below` below it (null: it
// is a file). False when they stay as they are.
bool raise_hops(const NodeId& directory, codec::Totals& totals, const NodeId& child,
                const codec::Totals* below);

// Makes the bounds of hops below directory `id` those of the directory as it is seen through a
// clone whose parent clone is `parent`.
void see_hops_through(uint64_t parent, const NodeId& id, codec::Totals& totals);

}  // namespace nokv::meta
