// What must hold of the records of a shard, whatever the namespace says: who mentions what is
// counted again from nothing and compared with what the tables and the store hold.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/engine.h"

namespace nokv::shard::model {

// Empty when all is well, else the first thing that is not. `at_rest`: all pins were given up and
// collection ran to its end, so nothing but what is live may be left.
std::string check_references(const engine::Snapshot& snapshot,
                             const std::map<std::string, uint64_t>& objects, bool at_rest);

}  // namespace nokv::shard::model
