// Whether a store does what nokv needs of it.
#pragma once

#include <string>
#include <vector>

#include "base/env/clock.h"
#include "base/env/random.h"
#include "object/object_store.h"

namespace nokv::object {

struct ProbeCheck {
  std::string name;  // "exclusive create", for people and for scripts
  bool passed = false;
  std::string detail;  // what was seen; of a failure, the store's words
};

// Writes, reads, lists and removes a few objects below "nokv-probe/", and races 16 conditional puts
// for one key, three times: a store on which not exactly one wins must not be used. Checks that
// follow from a failed one are left out. Blocks for at most `timeout`; not to be called on a thread
// that completes the store's calls.
std::vector<ProbeCheck> probe(ObjectStore& store, const Clock& clock, Random& random,
                              Duration timeout);

}  // namespace nokv::object
