// A body as a local file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "cli/local_tree.h"
#include "client/client.h"

namespace nokv::cli {

// Writes what `reader` reads as `name`, with its permissions and time: whole and verified, or not
// at all. `on_write` is called with the bytes of each write. Blocks. Errors: those of the reader
// and of LocalSink.
Result<> save_body(client::Reader& reader, const LocalDirectory& directory, const std::string& name,
                   std::function<void(uint64_t)> on_write);

}  // namespace nokv::cli
