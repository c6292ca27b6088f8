// What a reading command is asked to read: a path at --at, or a citation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/context.h"

namespace nokv::cli {

struct ReadArgument {
  std::string path;
  codec::ReadAt at;
  uint64_t generation = 0;  // of a citation; else 0
};

// A citation names one generation for ever: when the file has another one now, the argument says
// at which version to read. Errors: those of usage; not_found when that generation can no longer
// be read.
Result<ReadArgument> read_argument(Context& context, Client& client, std::string_view text);

// Opens it from its first byte on.
Result<std::unique_ptr<client::Reader>> open_argument(Context& context, Client& client,
                                                      const ReadArgument& argument);

// Writes to stdout as it is. Ends with `cancelled` once nobody reads any more.
class OutputSink final : public client::Sink {
 public:
  explicit OutputSink(Output& out) : out_(out) {}
  Result<> write(std::string_view bytes) override;

 private:
  Output& out_;
};

// Calls `one` for each path, in order; tells its errors in place and goes on. Errors: those of
// usage, before any is read.
Result<Exit> for_each_path(Context& context, const std::vector<std::string>& texts,
                           const std::function<Result<>(Client&, const ReadArgument&)>& one);

}  // namespace nokv::cli
