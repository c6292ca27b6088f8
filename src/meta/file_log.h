// The generations of a file that can still be read, also under the names it had before.
#pragma once

#include <string>
#include <vector>

#include "codec/rpc.h"
#include "meta/state.h"

namespace nokv::meta {

// What each kept version shows under `path`, and where it shows the file that is there now, or was
// there last: each generation once, newest first. Of a generation under another name the entry has
// that name. Reads every pin. Errors: not_found (no kept version has the path), data_loss,
// unavailable.
Result<std::vector<codec::LogEntry>> file_log(const State& state, const std::string& path);

}  // namespace nokv::meta
