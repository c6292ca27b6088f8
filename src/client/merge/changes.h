// What one side of a merge changed since the common state, and where its nodes went.
//
// Paths here are below the directory that is merged: "" is itself, then "a", "a/b". One in the
// common state is called a base path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/rpc.h"

namespace nokv::client::merging {

std::string_view parent_of(std::string_view path);
std::string_view name_of(std::string_view path);
std::string join(std::string_view directory, std::string_view name);
// Whether `path` is `top` or lies below it.
bool is_within(std::string_view path, std::string_view top);

// What was done to a node of the common state; several things may have been.
struct Touch {
  codec::Kind kind = codec::Kind::none;
  bool removed = false;
  std::optional<std::string> moved;  // to this path of the side
  bool content = false;
  bool attributes = false;
  codec::BodyFacts old;
  codec::BodyFacts now;
};

class Changes {
 public:
  // `top` is the path of the side's directory, as in the differences.
  explicit Changes(std::string top) : top_(std::move(top)) {}

  void add(const codec::Difference& difference);

  const std::string& top() const { return top_; }
  // The whole path of one of the side's.
  std::string full(std::string_view path) const;

  const std::map<std::string, Touch>& touched() const { return touched_; }  // by base path
  const std::map<std::string, codec::Difference>& created() const { return created_; }
  const Touch* touch(const std::string& base) const;

  // The topmost directory above a node of the common state, or that itself, which was removed.
  std::optional<std::string> removed_at(std::string_view base) const;
  // Where a node of the common state is in the side; one that was removed: where it was.
  std::string path_of(std::string_view base) const;
  // The nodes that were moved to `path` or below it: base paths.
  std::vector<std::string> moved_within(const std::string& path) const;
  // Which node of the common state the side has at `path`; nullopt: a new one.
  std::optional<std::string> base_of(std::string_view path) const;

 private:
  std::string below(std::string_view full) const;

  std::string top_;
  std::map<std::string, Touch> touched_;
  std::map<std::string, std::string> moved_here_;  // path of the side → base path
  std::map<std::string, codec::Difference> created_;
};

}  // namespace nokv::client::merging
