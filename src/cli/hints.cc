#include "cli/hints.h"

#include <utility>
#include <vector>

#include "cli/name_text.h"
#include "cli/near_miss.h"
#include "cli/paths.h"

namespace nokv::cli {
namespace {

constexpr Duration kPatience = std::chrono::milliseconds(500);
constexpr uint32_t kNamesMax = 10'000;

client::CallOptions brief() { return {.deadline = kPatience}; }

// The path with its first missing name replaced by one that is there; empty when nothing is near.
std::string near_path(Client& client, std::string_view path, const std::string& at) {
  // Down from the root: the first name that is missing decides.
  std::string known = "/";
  std::string_view rest = path.substr(path.starts_with('/') ? 1 : 0);
  while (!rest.empty()) {
    size_t end = rest.find('/');
    std::string name(rest.substr(0, end));
    std::string_view below = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    auto there = client.stat({.path = join(known, name)}, {.at = {.at = at}, .call = brief()});
    if (!there) {
      if (there.error().code() != Code::not_found) return {};
      auto page = client.list_page(
          {.target = {.path = known}, .at = {.at = at}, .limit = kNamesMax}, brief());
      if (!page) return {};
      std::vector<std::string> names;
      for (const auto& it : page->entries) names.push_back(it.name);
      std::string near = near_miss(name, names);
      return near.empty() ? near : str(join(known, near), below);
    }
    known = join(known, name);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return {};
}

std::string near_snapshot(Client& client, const std::string& name, bool& exists) {
  auto snapshots = client.snapshots({}, brief());
  if (!snapshots) return {};
  std::vector<std::string> names;
  for (const auto& it : snapshots->snapshots) {
    exists = exists || it.name == name;
    if (!it.name.empty()) names.push_back(it.name);
  }
  return near_miss(name, names);
}

}  // namespace

std::string unreachable_hint() {
  return "start a server with 'nokv serve', or open a directory without one: "
         "--store file:///DIR";
}

Error add_hint(Error error, const HintScene& scene) {
  if (!error.hint().empty()) return error;
  if (error.code() == Code::unavailable || error.code() == Code::cancelled) {
    if (scene.embedded || scene.client.ping(brief())) return error;
    if (error.message().find(scene.url) == std::string::npos) {
      error = std::move(error).within(str("no server answers at ", scene.url));
    }
    return std::move(error).with_hint(unreachable_hint());
  }
  if (error.code() != Code::not_found && error.code() != Code::invalid_argument) return error;
  if (!scene.at.empty()) {
    bool exists = false;
    std::string near = near_snapshot(scene.client, scene.at, exists);
    if (!near.empty() && !exists) {
      return std::move(error).with_hint(str("did you mean --at ", shell_quoted(near), "?"));
    }
  }
  if (error.code() != Code::not_found || scene.path.empty()) return error;
  std::string near = near_path(scene.client, scene.path, scene.at);
  if (near.empty()) return error;
  return std::move(error).with_hint(str("did you mean '", near, "'?"));
}

}  // namespace nokv::cli
