// What the reading verbs answer, from a tree at a version.
#pragma once

#include <cstdint>
#include <string>

#include "codec/rpc.h"
#include "meta/tree.h"

namespace nokv::meta {

// All that is known of a node. `path` and `name` are as it was found.
Result<codec::Entry> entry_of(const Tree& tree, const Located& located);

// The error as it travels inside an answer.
codec::Failure failure_of(const Error& error);

// Where the bytes [offset, offset + length) of a file are, in order: at most kExtentsMax extents,
// then `more`. Bytes of inline blobs come along. Errors: data_loss for a blob without a record.
constexpr size_t kExtentsMax = 4096;
Result<codec::BodyPlan> plan_of(const Tree& tree, const NodeId& file, const codec::Body& body,
                                uint64_t offset, uint64_t length);

}  // namespace nokv::meta
