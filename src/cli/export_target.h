// Where `export` writes a tree: below a local directory, or below a prefix of a bucket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/env/clock.h"
#include "base/result.h"
#include "cli/context.h"
#include "client/client.h"

namespace nokv::cli {

// What goes to a target. `path` is below the tree's top, without a slash in front: "a/b".
struct Exported {
  std::string path;
  codec::Entry entry;
};

class ExportTarget {
 public:
  virtual ~ExportTarget() = default;

  // How the target calls it: "s3://bucket/a/b", "out/a/b".
  virtual std::string name_of(const std::string& path) const = 0;

  // What was made before may have any form: refuses a target that cannot be one, before anything is
  // written. Blocks.
  virtual Result<> begin(bool dry_run) = 0;

  // Directories, each before what is in it. Blocks.
  virtual Result<> directory(const Exported& what) = 0;

  // False when the same symlink is there already, nullopt when the target has none. Blocks.
  virtual Result<std::optional<bool>> link(const Exported& what, bool dry_run) = 0;

  // The rest is called by any thread, for several files at once, and blocks.

  // Whether the same body is there already. Errors: invalid_argument (the target can have no such
  // name), those of the target.
  virtual Result<bool> has(const Exported& what) = 0;
  // Puts the body, whole and verified, in place of what is there. `on_write` is called with the
  // bytes of each write. Errors: those of the reader and of the target.
  virtual Result<> file(const Exported& what, client::Reader& reader,
                        const std::function<void(uint64_t)>& on_write) = 0;
};

// `directory` is made when missing. A file with the size and the time of the one in the namespace
// is the same.
std::unique_ptr<ExportTarget> local_target(Context& context, std::string directory);

// An object with the size and the digest (of a body without one: the id and generation) that
// were noted with it is the same. `context` outlives the target.
// Errors: invalid_argument (the URL), those of opening the store.
Result<std::unique_ptr<ExportTarget>> bucket_target(Context& context, const ObjectPlace& place,
                                                    std::string namespace_id);

}  // namespace nokv::cli
