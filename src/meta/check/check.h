// fsck: all records of one state against each other, in small steps.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/rpc.h"
#include "meta/check/mentions.h"
#include "meta/check/pass.h"
#include "meta/check/report.h"
#include "meta/check/tree_pass.h"

namespace nokv::meta::fsck {

// A body that a check of a part of the tree came by, for the one who looks into the store.
struct SeenBlob {
  uint64_t blob = 0;
  std::string path;
  uint64_t generation = 0;  // of the file's body
};

struct SeenBody {
  std::string path;  // where known
  codec::Body body;
};

// Reads one state, so writers go on beside it; what they do meanwhile is not seen. The engine
// keeps what that state needs for as long as the check lives.
//
// Memory: the report, and of one pass at a time what its header says (a window of blobs is the
// most: 48 MiB), whatever the size of the namespace. Home: one thread at a time.
class Check {
 public:
  struct Options {
    std::string path = "/";  // only this directory or file and what lies below it
    bool moments = false;    // walk the moments too, not only snapshots and undo pins
    size_t blob_window = 1 << 20;
    size_t clone_window = 1 << 18;
  };
  // Errors: not_found and what else resolving the path may say.
  static Result<std::unique_ptr<Check>> begin(const std::shared_ptr<const State>& state,
                                              Options options);

  // Looks at about `records` more; false when all is done.
  bool step(size_t records);

  std::string_view pass() const { return passes_.empty() ? "" : passes_.front()->name(); }
  Report& report() { return report_; }
  const Subject& subject() const { return subject_; }
  bool whole() const { return whole_; }

  // Blobs below the path since the last call, when it is not the whole namespace.
  std::vector<SeenBlob> take_seen() { return std::exchange(seen_, {}); }

  // Bodies with a digest, likewise.
  std::vector<SeenBody> take_bodies() { return std::exchange(bodies_, {}); }

  // Finds paths of problems that name only a blob. After the last step; steps of its own.
  void begin_naming();

 private:
  Check(const std::shared_ptr<const State>& state, Options options);
  Result<> add_part();
  void add_all();
  Result<> see_file(const std::string& path, const codec::Body& body, const NodeId& id);
  Result<> see_mention(const std::string& path, uint64_t generation, const Mention& mention);

  Options options_;
  Subject subject_;
  Report report_;
  bool whole_ = true;
  Walked walked_;
  std::deque<std::unique_ptr<Pass>> passes_;
  std::vector<std::unique_ptr<Pass>> done_;  // later ones ask them what they counted
  std::vector<SeenBlob> seen_;
  std::vector<SeenBody> bodies_;
};

}  // namespace nokv::meta::fsck
