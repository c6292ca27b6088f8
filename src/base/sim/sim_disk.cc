#include "base/sim/sim_disk.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "base/check.h"

namespace nokv::sim {
namespace {

// The parts of a path, without empty ones and ".".
Result<std::vector<std::string>> parts_of(std::string_view path) {
  if (path.empty()) return fail(Code::not_found, "an empty path");
  std::vector<std::string> parts;
  while (!path.empty()) {
    size_t slash = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == ".." || part.size() > 255 || part.find('\0') != std::string_view::npos) {
      return fail(Code::invalid_argument, "the simulated disk takes no name '", part, "'");
    }
    parts.emplace_back(part);
  }
  return parts;
}

void apply_change(std::string& content, const Node::Change& change) {
  if (change.is_truncate) {
    content.resize(change.offset);
    return;
  }
  if (content.size() < change.offset + change.bytes.size()) {
    content.resize(change.offset + change.bytes.size());
  }
  content.replace(change.offset, change.bytes.size(), change.bytes);
}

// Keeps each sector of a write or drops it.
void apply_torn(std::string& content, const Node::Change& change, Random& random) {
  uint64_t end = change.offset + change.bytes.size();
  for (uint64_t at = change.offset; at < end;) {
    uint64_t sector_end = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
    if (random.below(2) == 0) {
      apply_change(content, {at, change.bytes.substr(at - change.offset, sector_end - at), false});
    }
    at = sector_end;
  }
}

// What the device holds of a file when the power is gone.
void cut(Node& file, Random& random, bool tear) {
  for (const Node::Change& change : file.unsynced) {
    uint64_t fate = random.below(tear && !change.is_truncate ? 3 : 2);
    if (fate == 0) apply_change(file.durable_bytes, change);
    if (fate == 2) apply_torn(file.durable_bytes, change, random);
  }
  file.unsynced.clear();
  file.bytes = file.durable_bytes;
}

// Calls `visit` for each node below, directories before what is in them.
void walk(const NodePtr& node, const std::function<void(Node&)>& visit) {
  visit(*node);
  for (const auto& [name, child] : node->names) walk(child, visit);
}

}  // namespace

Result<NodePtr> Disk::find(std::string_view path) const {
  NOKV_ASSIGN(auto parts, parts_of(path));
  NodePtr at = root_;
  for (const std::string& part : parts) {
    if (!at->is_directory) return fail(Code::not_directory, "Not a directory");
    auto child = at->names.find(part);
    if (child == at->names.end()) return fail(Code::not_found, "No such file or directory");
    at = child->second;
  }
  return at;
}

Result<Disk::Place> Disk::place(std::string_view path) const {
  NOKV_ASSIGN(auto parts, parts_of(path));
  if (parts.empty()) return fail(Code::invalid_argument, "the root has no name");
  std::string parent = "/";
  for (size_t i = 0; i + 1 < parts.size(); ++i) parent += parts[i] + "/";
  NOKV_ASSIGN(NodePtr dir, find(parent));
  if (!dir->is_directory) return fail(Code::not_directory, "Not a directory");
  return Place{dir, parts.back()};
}

void Disk::link(const Place& at, const NodePtr& node) {
  at.dir->names[at.name] = node;
  add_change({nullptr, "", at.dir, at.name, node});
}

void Disk::unlink(const Place& at) {
  auto entry = at.dir->names.extract(at.name);
  name_is_gone(*entry.mapped());
  add_change({at.dir, at.name, nullptr, "", entry.mapped()});
}

void Disk::rename(const Place& from, const Place& to) {
  auto entry = from.dir->names.extract(from.name);
  auto replaced = to.dir->names.find(to.name);
  if (replaced != to.dir->names.end()) name_is_gone(*replaced->second);
  to.dir->names[to.name] = entry.mapped();
  add_change({from.dir, from.name, to.dir, to.name, entry.mapped()});
}

void Disk::name_is_gone(Node& node) {
  node.has_name = false;
  bytes_used_ -= node.bytes.size();
}

void Disk::write(Node& file, uint64_t offset, std::string_view bytes) {
  Node::Change change{offset, std::string(bytes), false};
  size_t before = file.bytes.size();
  apply_change(file.bytes, change);
  if (file.has_name) bytes_used_ += file.bytes.size() - before;
  file.unsynced.push_back(std::move(change));
}

void Disk::truncate(Node& file, uint64_t size) {
  if (file.has_name) bytes_used_ = bytes_used_ - file.bytes.size() + size;
  file.bytes.resize(size);
  file.unsynced.push_back({size, "", true});
}

void Disk::sync(Node& file) {
  for (const Node::Change& change : file.unsynced) apply_change(file.durable_bytes, change);
  file.unsynced.clear();
}

void Disk::add_change(NameChange change) { unsynced_names_.push_back(std::move(change)); }

void Disk::make_durable(const NameChange& change) {
  if (change.from_dir != nullptr) {
    auto& names = change.from_dir->durable_names;
    auto found = names.find(change.from);
    if (found != names.end() && found->second == change.node) names.erase(found);
  }
  if (change.to_dir != nullptr) change.to_dir->durable_names[change.to] = change.node;
}

// With what they rest on: earlier changes of the same names, and so of the same nodes. Other
// changes, in other directories, stay open.
void Disk::sync_dir(const NodePtr& dir) {
  std::set<std::pair<const Node*, std::string>> names;
  std::vector<NameChange> synced;
  std::vector<NameChange> left;
  for (; !unsynced_names_.empty(); unsynced_names_.pop_back()) {
    NameChange& change = unsynced_names_.back();
    bool goes = change.from_dir == dir || change.to_dir == dir ||

                names.contains({change.from_dir.get(), change.from}) ||
                names.contains({change.to_dir.get(), change.to});
    if (goes) {
      if (change.from_dir != nullptr) names.insert({change.from_dir.get(), change.from});
      if (change.to_dir != nullptr) names.insert({change.to_dir.get(), change.to});
    }
    (goes ? synced : left).push_back(std::move(change));
  }
  unsynced_names_.assign(std::make_move_iterator(left.rbegin()),
                         std::make_move_iterator(left.rend()));
  for (auto change = synced.rbegin(); change != synced.rend(); ++change) make_durable(*change);
}

void Disk::sync_all() {
  for (const NameChange& change : std::exchange(unsynced_names_, {})) make_durable(change);
  walk(root_, [](Node& node) {
    if (!node.is_directory) sync(node);
  });
}

void Disk::keep_some_names(Random& random) {
  // Where each node stands on the device. One whose earlier move was dropped still bears its older
  // name; the kept move takes it from there, so that nothing ever has two.
  std::map<const Node*, std::pair<NodePtr, std::string>> stands;
  std::function<void(const NodePtr&)> index = [&](const NodePtr& dir) {
    for (const auto& [name, node] : dir->durable_names) {
      if (stands.emplace(node.get(), std::pair(dir, name)).second) index(node);
    }
  };
  index(root_);
  for (const NameChange& change : unsynced_names_) index(change.node);

  for (const NameChange& change : std::exchange(unsynced_names_, {})) {
    if (random.below(2) == 0) continue;
    auto at = stands.find(change.node.get());
    if (change.to_dir == nullptr) {
      bool there = at != stands.end() && at->second == std::pair(change.from_dir, change.from);
      if (there) stands.erase(at);
      make_durable(change);
      continue;
    }
    bool inside_itself = false;  // a directory below one whose own move was dropped
    for (const Node* up = change.to_dir.get(); !inside_itself;) {
      inside_itself = up == change.node.get();
      auto above = stands.find(up);
      if (above == stands.end()) break;
      up = above->second.first.get();
    }
    if (inside_itself) continue;
    if (at != stands.end()) at->second.first->durable_names.erase(at->second.second);
    auto replaced = change.to_dir->durable_names.find(change.to);
    if (replaced != change.to_dir->durable_names.end()) stands.erase(replaced->second.get());
    stands[change.node.get()] = {change.to_dir, change.to};
    change.to_dir->durable_names[change.to] = change.node;
  }
}

void Disk::power_cut(Random& random, bool tear) {
  keep_some_names(random);
  bytes_used_ = 0;
  std::function<void(Node&)> restore = [&](Node& node) {
    node.has_name = true;
    node.names = node.durable_names;
    if (!node.is_directory) cut(node, random, tear);
    bytes_used_ += node.bytes.size();
    for (auto& [name, child] : node.names) restore(*child);
  };
  restore(*root_);
}

}  // namespace nokv::sim
