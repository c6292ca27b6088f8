// Where `put`, `get`, `cp`, `mv` and `ln` write: as in coreutils, an existing directory or a
// trailing "/" receives the source under its own name, otherwise the target is the new name.
#pragma once

#include <string>
#include <string_view>

#include "cli/context.h"
#include "cli/paths.h"

namespace nokv::cli {

class Destination {
 public:
  // `several`: sources, so that the target must be a directory. `create`: a missing directory with
  // a "/" at its end is fine, for parents are made.
  // Errors: not_found, not_directory.
  static Result<Destination> find(Context& context, Client& client, const PathArgument& target,
                                  bool several, bool create);

  // The path that a source of that name gets. An empty name (the root, "-") is refused where the
  // target is a directory.
  Result<std::string> path_for(std::string_view name) const;
  bool is_directory() const { return directory_; }

 private:
  std::string path_;
  bool directory_ = false;
};

}  // namespace nokv::cli
