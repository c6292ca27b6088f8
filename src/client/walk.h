// A walk over everything at and below a directory, of one version.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"

namespace nokv::client {

struct WalkOptions {
  codec::Target target = {};
  codec::ReadAt at = {};
  CallOptions call = {};
};

struct WalkEntry {
  std::string path;         // below the directory walked: "" for itself, then "/a", "/a/b"
  codec::NodeId directory;  // that it lies in; none for the first one
  codec::Entry entry;
};

// Each directory before what is in it, names in bytewise order. The server holds the version for a
// minute after it was last asked something: who is slower calls keep() in between. Directories
// that come next are asked for ahead, at most kAhead at a time. Used by one thread.
class Walker {
 public:
  static constexpr size_t kAhead = 32;

  // The client outlives the walker.
  Walker(Client& client, WalkOptions options) : client_(client), options_(std::move(options)) {}

  // The next entry, or none at the end. Blocks. Errors: those of Client::list_page(); stale when
  // the version was not held any more. After an error the walk is over.
  Result<std::optional<WalkEntry>> next();

  // The version stays readable for another minute. Any thread, after the first next(). Blocks.
  // Errors: as next().
  Result<> keep();

  // After the first next(): what is walked, and how to read it: for bodies.
  uint64_t version() const { return version_; }
  int64_t time_ns() const { return time_ns_; }
  codec::ReadAt at() const { return {.view = view_}; }

 private:
  struct Directory {
    std::string path;
    codec::NodeId id;
    codec::ListReply page;
    size_t at = 0;
    std::optional<Wait<codec::ListReply>> more;  // the next page, on its way
    size_t asked_to = 0;  // of the page's entries, which were looked at for what comes next
    std::deque<Wait<codec::ListReply>> asked;  // first pages of its directories, in order
  };

  Wait<codec::ListReply> ask(codec::Target target, std::string after, bool hold);
  Result<std::optional<WalkEntry>> begin();
  Result<> take_page(Directory& directory);
  Result<> descend(std::string path, const codec::Entry& entry);
  void ask_ahead(Directory& directory);

  Client& client_;
  WalkOptions options_;
  std::vector<Directory> stack_;
  size_t ahead_ = 0;  // in all of them
  bool begun_ = false;
  uint64_t view_ = 0;
  uint64_t version_ = 0;
  int64_t time_ns_ = 0;
  codec::NodeId root_;
};

}  // namespace nokv::client
