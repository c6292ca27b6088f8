#include "cli/destination.h"

#include <utility>

namespace nokv::cli {

Result<Destination> Destination::find(Context& context, Client& client, const PathArgument& target,
                                      bool several, bool create) {
  Destination result;
  result.path_ = target.path;
  auto there = client.stat({.path = target.path}, {.follow = true, .call = context.call()});
  if (!there && there.error().code() != Code::not_found) {
    return std::unexpected(std::move(there).error());
  }
  bool exists = there.has_value();
  if (exists && there->entry.kind == codec::Kind::directory) {
    result.directory_ = true;
    return result;
  }
  context.about(target.path);
  if (exists && (target.slash || several)) {
    return fail(Code::not_directory, target.path, ": is not a directory");
  }
  if (!exists && target.slash && !create) {
    return fail(Code::not_found, target.path, ": no such directory");
  }
  if (!exists && several && !target.slash) {
    return std::unexpected(
        Error(Code::not_found, str(target.path, ": no such directory for several sources"))
            .with_hint(create ? str("'", target.path, "/' makes it")
                              : str("make it first: nokv mkdir -p ", target.path)));
  }
  result.directory_ = target.slash;
  return result;
}

Result<std::string> Destination::path_for(std::string_view name) const {
  if (!directory_) return path_;
  if (name.empty()) {
    return std::unexpected(
        Error(Code::invalid_argument, str(path_, " is a directory, and the source has no name"))
            .with_hint(str("give the file's name: ", join(path_, "NAME"))));
  }
  return join(path_, name);
}

}  // namespace nokv::cli
