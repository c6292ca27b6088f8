#include "client/merge/changes.h"

#include <algorithm>

#include "base/result.h"

namespace nokv::client::merging {

using Change = codec::DifferenceKind;

std::string_view parent_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string join(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (name.empty()) return std::string(directory);
  return str(directory, "/", name);
}

bool is_within(std::string_view path, std::string_view top) {
  if (top.empty()) return true;
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

std::string Changes::below(std::string_view full) const {
  size_t prefix = top_ == "/" ? 1 : std::min(full.size(), top_.size() + 1);
  return std::string(full.substr(prefix));
}

std::string Changes::full(std::string_view path) const {
  if (path.empty()) return top_;
  return str(top_ == "/" ? "" : top_, "/", path);
}

void Changes::add(const codec::Difference& it) {
  std::string path = below(it.path);
  if (it.change == Change::created) {
    created_.insert_or_assign(std::move(path), it);
    return;
  }
  std::string base = it.old_path.empty() ? path : below(it.old_path);
  Touch& touch = touched_[base];
  touch.kind = it.kind;
  if (it.kind != codec::Kind::directory) {
    if (it.change != Change::attributes || touch.old == codec::BodyFacts()) touch.old = it.old;
    if (it.change != Change::removed) touch.now = it.now;
  }
  switch (it.change) {
    case Change::removed:
      touch.removed = true;
      break;
    case Change::renamed:
      moved_here_[path] = base;
      touch.moved = std::move(path);
      break;
    case Change::content:
      touch.content = true;
      touch.attributes |= it.attributes_too;
      break;
    case Change::attributes:
      touch.attributes = true;
      break;
    case Change::created:
    case Change::none:
      break;
  }
}

const Touch* Changes::touch(const std::string& base) const {
  auto found = touched_.find(base);
  return found == touched_.end() ? nullptr : &found->second;
}

std::optional<std::string> Changes::removed_at(std::string_view base) const {
  std::optional<std::string> out;
  for (std::string_view at = base; !at.empty(); at = parent_of(at)) {
    const Touch* it = touch(std::string(at));
    if (it == nullptr) continue;
    if (it->moved) break;  // what is above it no longer matters
    if (it->removed) out = std::string(at);
  }
  return out;
}

std::string Changes::path_of(std::string_view base) const {
  for (std::string_view at = base; !at.empty(); at = parent_of(at)) {
    const Touch* it = touch(std::string(at));
    if (it == nullptr || !it->moved) continue;
    std::string_view rest = base.substr(at.size());
    return str(*it->moved, rest);
  }
  return std::string(base);
}

std::vector<std::string> Changes::moved_within(const std::string& path) const {
  std::vector<std::string> out;
  if (auto here = moved_here_.find(path); here != moved_here_.end()) out.push_back(here->second);
  std::string below = path + "/";
  for (auto row = moved_here_.lower_bound(below);
       row != moved_here_.end() && row->first.starts_with(below); ++row) {
    out.push_back(row->second);
  }
  return out;
}

std::optional<std::string> Changes::base_of(std::string_view path) const {
  for (std::string_view at = path; !at.empty(); at = parent_of(at)) {
    std::string key(at);
    if (created_.contains(key)) return std::nullopt;
    auto moved = moved_here_.find(key);
    if (moved != moved_here_.end()) return str(moved->second, path.substr(at.size()));
  }
  return std::string(path);
}

}  // namespace nokv::client::merging
