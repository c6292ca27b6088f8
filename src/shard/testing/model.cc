#include "shard/testing/model.h"

#include <algorithm>

#include "base/check.h"

namespace nokv::shard::model {

using codec::Kind;

Node& Tree::edit(Ino ino) {
  auto& slot = nodes_.at(ino);
  auto mine = std::make_shared<Node>(*slot);
  Node& out = *mine;
  slot = std::move(mine);
  return out;
}

Ino Tree::add(Node node) {
  Ino ino = nodes_.empty() ? kRoot : ++last_;
  if (!node.id) node.id = std::make_shared<Learned<codec::NodeId>>();
  if (!node.line) node.line = std::make_shared<const int>(0);
  nodes_.emplace(ino, std::make_shared<Node>(std::move(node)));
  return ino;
}

namespace {

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> out;
  size_t at = 0;
  while (at < path.size()) {
    size_t slash = std::min(path.find('/', at), path.size());
    if (slash != at) out.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return out;
}

}  // namespace

// `target` as a path from the root, seen from `directory`.
std::string absolute(const std::string& directory, const std::string& target) {
  std::vector<std::string> parts;
  for (auto& part : parts_of(target.starts_with('/') ? target : directory + "/" + target)) {
    if (part != "..") {
      parts.push_back(std::move(part));
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const auto& part : parts) out += "/" + part;
  return out.empty() ? "/" : out;
}

Code Pin::resolve(const std::string& wanted, bool follow, Tree::Spot& out) const {
  Code found = tree->resolve(wanted, false, out);
  if (!follow || (found == Code::ok && tree->at(out.ino).kind != Kind::symlink)) {
    return tree->resolve(wanted, false, out, kRoot, path);
  }
  if (of_file) return found == Code::ok ? Code::not_found : found;
  return tree->resolve(wanted, true, out, kRoot, path);
}

Code Tree::check(const std::string& path) {
  for (const auto& part : parts_of(path)) {
    if (part == "." || part == "..") return Code::invalid_argument;
    if (part.size() > codec::kNameMax) return Code::resource_exhausted;
  }
  return Code::ok;
}

Code Tree::resolve(const std::string& path, bool follow, Spot& out, Ino start,
                   const std::string& scope) const {
  if (Code bad = check(path); bad != Code::ok) return bad;
  auto parts = parts_of(path);
  out = {0, "", start};
  for (int symlinks = 0;;) {
    bool again = false;
    for (size_t i = 0; i < parts.size(); ++i) {
      const Node& directory = at(out.ino);
      if (directory.kind != Kind::directory) return Code::not_directory;
      if (parts[i] == "..") {
        out = {0, "", directory.parent == 0 ? out.ino : directory.parent};
        continue;
      }
      auto child = directory.children.find(parts[i]);
      if (child == directory.children.end()) return Code::not_found;
      const Node& node = at(child->second);
      bool last = i + 1 == parts.size();
      if (node.kind != Kind::symlink || (last && !follow)) {
        out = {out.ino, parts[i], child->second};
        continue;
      }
      if (++symlinks > 40) return Code::failed_precondition;
      auto rest = parts_of(node.target);
      for (const auto& part : rest) {
        if (part.size() > codec::kNameMax) return Code::resource_exhausted;
      }
      if (!covers(scope, absolute(path_of(out.ino), node.target))) return Code::not_found;
      rest.insert(rest.end(), parts.begin() + static_cast<ptrdiff_t>(i) + 1, parts.end());
      parts = std::move(rest);
      out = {0, "", node.target.starts_with('/') ? kRoot : out.ino};
      again = true;
      break;
    }
    if (!again) return Code::ok;
  }
}

std::string Tree::path_of(Ino directory) const {
  std::string out;
  while (directory != kRoot) {
    Ino parent = at(directory).parent;
    for (const auto& [name, child] : at(parent).children) {
      if (child == directory) out.insert(0, "/" + name);
    }
    directory = parent;
  }
  return out.empty() ? "/" : out;
}

codec::Totals Tree::totals(Ino directory) const {
  codec::Totals out;
  out.newest = at(directory).newest;
  for (const auto& [name, child] : at(directory).children) {
    const Node& node = at(child);
    if (node.kind != Kind::directory) {
      ++out.files;
      out.bytes += node.size();
      continue;
    }
    auto below = totals(child);
    out.files += below.files;
    out.directories += below.directories + 1;
    out.bytes += below.bytes;
  }
  return out;
}

bool Tree::is_below(Ino directory, Ino above) const {
  for (;; directory = at(directory).parent) {
    if (directory == above) return true;
    if (directory == kRoot) return false;
  }
}

const Pin* World::snapshot(const std::string& name) const {
  for (const Pin& pin : pins) {
    if (pin.kind == codec::PinKind::snapshot && pin.name == name) return &pin;
  }
  return nullptr;
}

const Pin* World::pin_at(uint64_t version, const std::string& path) const {
  const Pin* widest = nullptr;
  for (const Pin& pin : pins) {
    if (pin.kind == codec::PinKind::clone || pin.version != version || !pin.shows(path)) continue;
    if (widest == nullptr || pin.path.size() < widest->path.size()) widest = &pin;
  }
  return widest;
}

bool Pin::shows(const std::string& wanted) const {
  return of_file ? path == wanted : covers(path, wanted);
}

bool covers(const std::string& scope, const std::string& path) {
  return scope == "/" || scope == path || path.starts_with(scope + "/");
}

World new_world(const codec::RetentionPolicy& policy) {
  World out;
  out.policy = policy;
  Node root;
  root.kind = Kind::directory;
  root.mode = 0755;
  root.newest = 1;
  root.mtime = root.ctime = root.btime = std::make_shared<Learned<int64_t>>();
  out.tree.add(std::move(root));
  return out;
}

}  // namespace nokv::shard::model
