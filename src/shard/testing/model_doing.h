// How the model does one transaction: what model_apply.cc and model_time.cc define.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "shard/testing/model.h"

namespace nokv::shard::model {

using codec::Exists;
using codec::Kind;
using codec::OperationResult;
using Fact = std::shared_ptr<Learned<int64_t>>;
using Owner = std::pair<uint32_t, uint32_t>;

inline Fact fact(std::optional<int64_t> value = std::nullopt) {
  auto out = std::make_shared<Learned<int64_t>>();
  out->value = value;
  return out;
}

struct Place {
  Ino directory = 0;
  std::string name;
  Ino there = 0;  // 0: nothing
};

// One transaction on a copy of the world.
class Doing {
 public:
  Doing(World& world, const Told& told, std::string& wrong)
      : world_(world),
        tree_(world.tree),
        before_(std::make_shared<const Tree>(world.tree)),
        told_(told),
        version_(told.version),
        now_(fact(told.now_ns)),
        wrong_(wrong) {}

  Code run(const codec::Operation& op, size_t index) {
    result_ = told_.results != nullptr && index < told_.results->size() ? &(*told_.results)[index]
                                                                        : nullptr;
    return std::visit([this](const auto& each) { return perform(each); }, op);
  }

  // After the last operation: whether one that has a quota grew beyond it.
  Code check_quotas() const;

 private:
  // ---- where

  // The directory that a target begins at; 0: it is not in the tree.
  Ino start_of(const codec::Target& target) const {
    if (!target.id) return kRoot;
    for (const auto& [ino, node] : tree_.nodes()) {
      if (node->id->value == target.id) return node->kind == Kind::directory ? ino : 0;
    }
    return 0;
  }

  static Code check_name(const std::string& name) {
    if (name == "." || name == ".." || name.find('\0') != std::string::npos) {
      return Code::invalid_argument;
    }
    return name.size() > codec::kNameMax ? Code::resource_exhausted : Code::ok;
  }

  Code place(const codec::Target& target, bool parents, Owner owner, Place& out) {
    std::string path = target.path;
    while (path.ends_with('/')) path.pop_back();
    size_t slash = path.rfind('/');
    out.name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (out.name.empty()) return Code::invalid_argument;
    if (Code bad = check_name(out.name); bad != Code::ok) return bad;
    std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
    Ino start = start_of(target);
    if (start == 0) return Code::stale;
    Tree::Spot spot;
    Code found = tree_.resolve(above, true, spot, start);
    if (found == Code::not_found && parents) found = make_parents(above, start, owner, spot);
    if (found != Code::ok) return found;
    if (tree_.at(spot.ino).kind != Kind::directory) return Code::not_directory;
    out.directory = spot.ino;
    out.there = child(out.directory, out.name);
    return Code::ok;
  }

  Code make_parents(const std::string& path, Ino start, Owner owner, Tree::Spot& spot) {
    Ino here = start;
    for (size_t at = 0; at < path.size();) {
      size_t end = std::min(path.find('/', at + 1), path.size());
      Code found = tree_.resolve(path.substr(0, end), true, spot, start);
      if (found == Code::not_found) {
        std::string name = path.substr(at, end - at);
        if (name.starts_with('/')) name.erase(0, 1);
        if (child(here, name) != 0) return Code::not_found;  // a symlink that leads nowhere
        Node node = new_node(Kind::directory, 0755, owner);
        spot = {here, name, add(here, name, std::move(node))};
      } else if (found != Code::ok) {
        return found;
      } else if (tree_.at(spot.ino).kind != Kind::directory) {
        return Code::not_directory;
      }
      here = spot.ino;
      at = end;
    }
    return Code::ok;
  }

  // What `target` names; `out.directory` is 0 for the root.
  Code existing(const codec::Target& target, bool follow, Place& out) {
    bool itself = target.path.find_first_not_of('/') == std::string::npos;
    if (!follow && !itself) {
      if (Code bad = place(target, false, {}, out); bad != Code::ok) return bad;
      return out.there == 0 ? Code::not_found : Code::ok;
    }
    Ino start = start_of(target);
    Tree::Spot spot;
    Code found = tree_.resolve(target.path, follow, spot, start == 0 ? kRoot : start);
    bool bad_name = found == Code::invalid_argument || found == Code::resource_exhausted;
    if (start == 0 && !bad_name) return Code::stale;
    if (found != Code::ok) return found;
    out = {spot.parent, spot.name, spot.ino};
    if (spot.parent == 0 && spot.ino != kRoot) {
      out.directory = tree_.at(spot.ino).parent;
      for (const auto& [name, ino] : tree_.at(out.directory).children) {
        if (ino == spot.ino) out.name = name;
      }
    }
    return Code::ok;
  }

  Ino child(Ino directory, const std::string& name) const {
    const auto& children = tree_.at(directory).children;
    auto found = children.find(name);
    return found == children.end() ? 0 : found->second;
  }

  std::string path_of(const Place& place) const {
    if (place.directory == 0) return "/";
    std::string path = tree_.path_of(place.directory);
    return (path == "/" ? "" : path) + "/" + place.name;
  }

  bool is_directory(Ino ino) const { return tree_.at(ino).kind == Kind::directory; }

  // ---- what

  Node new_node(Kind kind, uint32_t mode, Owner owner) const {
    Node node;
    node.kind = kind;
    node.mode = mode;
    node.uid = owner.first;
    node.gid = owner.second;
    node.mtime = node.ctime = node.btime = now_;
    node.newest = version_;
    return node;
  }

  // What an operation says of a new node instead of leaving it to the commit.
  void take_given(Node& node, const auto& op) {
    if (op.mtime_ns) node.mtime = fact(*op.mtime_ns);
    if (op.ctime_ns) node.ctime = fact(*op.ctime_ns);
    if (op.btime_ns) node.btime = fact(*op.btime_ns);
    for (const auto& each : op.xattrs) node.xattrs[each.name] = each.value;
  }

  void changed(Ino directory) {
    for (Ino here = directory;; here = tree_.at(here).parent) {
      tree_.edit(here).newest = version_;
      if (here == kRoot) return;
    }
  }

  void changed_file(Ino file, const Place& place) {
    if (tree_.at(file).names == 1) return changed(place.directory);
    changed_by_all_names(file);
  }

  void changed_by_all_names(Ino file) {
    std::vector<Ino> parents;
    for (const auto& [ino, node] : tree_.nodes()) {
      for (const auto& [name, each] : node->children) {
        if (each == file) parents.push_back(ino);
      }
    }
    for (Ino parent : parents) changed(parent);
  }

  void entries_changed(Ino directory) {
    Node& node = tree_.edit(directory);
    node.mtime = node.ctime = now_;
    changed(directory);
  }

  Ino add(Ino directory, const std::string& name, Node node) {
    if (node.kind == Kind::directory) node.parent = directory;
    Ino ino = tree_.add(std::move(node));
    tree_.edit(directory).children[name] = ino;
    entries_changed(directory);
    return ino;
  }

  void drop_tree(Ino directory) {
    auto children = tree_.at(directory).children;
    for (const auto& [name, ino] : children) {
      if (is_directory(ino)) {
        drop_tree(ino);
      } else if (tree_.at(ino).names == 1) {
        tree_.erase(ino);
      } else {
        Node& node = tree_.edit(ino);
        --node.names;
        ++node.ghosts;
      }
    }
    bury(directory);
    tree_.erase(directory);
  }

  void bury(Ino directory);
  // A copy of what `from` shows at `ino` as `name` in `directory`: new nodes, the same facts.
  // Names of a file within it stay names of one file.
  Ino graft(const Tree& from, Ino ino, Ino directory, const std::string& name,
            std::map<Ino, Ino>& files);

  // What a clone shows, as far as the shard says which version that is.
  struct Origin {
    std::shared_ptr<const Tree> tree;
    Ino ino = 0;
    uint64_t version = 0;
    bool now = false;
    std::string path;
    const Node& node() const { return tree->at(ino); }
  };
  Code put_clone(const Origin& from, const Place& at);
  // As put_clone(), for what is at `at`; of a directory there the quota stays.
  Code put_in_place(const Origin& from, Place at, bool undo);
  // What lay below it when the transaction began, or when it was made as a whole.
  codec::Totals base_of(Ino directory) const;
  void keep_quota(Ino made, const codec::Quota& quota, const codec::Totals& base);
  Code check_quota(Ino ino) const;
  Code perform(const codec::SetQuota& op);
  void pin_of_clone(const Origin& from);
  Code perform(const codec::SnapshotCreate& op);
  Code perform(const codec::SnapshotRemove& op);
  Code perform(const codec::SnapshotRenew& op);
  Code perform(const codec::SetPolicy& op);
  Code perform(const codec::OpenUpload& op);
  Code perform(const codec::CloseUpload& op);
  // The node `path` was at `when` ("v7", a snapshot's name, empty for now).
  Code origin(const codec::Target& target, const std::string& when, bool follow, Origin& out);
  Code share(const Node& from, const Place& at, const codec::Copy& how);
  Code perform(const codec::Copy& op);
  Code perform(const codec::Clone& op);
  Code perform(const codec::Rollback& op);
  Code perform(const codec::KeepUndo& op);
  Code roll_back_root(const Origin& from, const Place& at, bool undo);
  Code perform(const codec::Undelete& op);

  void take_away(const Place& place) {
    Ino ino = place.there;
    tree_.edit(place.directory).children.erase(place.name);
    entries_changed(place.directory);
    if (is_directory(ino)) {
      drop_tree(ino);
    } else if (tree_.at(ino).names == 1) {
      tree_.erase(ino);
    } else {
      Node& node = tree_.edit(ino);
      --node.names;
      node.ctime = now_;
      changed_by_all_names(ino);
    }
  }

  void keep_undo(bool wanted, const Place& place) {
    bool made = wanted && world_.policy.undo_ns != 0;
    if (result_ != nullptr && result_->undo_version != (made ? version_ - 1 : 0)) {
      wrong_ = str("the undo version is ", result_->undo_version, " at v", version_);
    }
    if (!made) return;
    Pin pin;
    pin.kind = codec::PinKind::undo;
    pin.version = version_ - 1;
    pin.path = path_of(place);
    pin.scope = place.there;
    pin.of_file = !is_directory(place.there);
    pin.ttl_ns = world_.policy.undo_ns;
    pin.expires_ns = expiry(pin.ttl_ns);
    pin.tree = before_;
    world_.pins.push_back(std::move(pin));
  }

  Fact expiry(int64_t ttl_ns) const {
    if (ttl_ns == 0) return fact(0);
    return fact(now_->value ? std::optional(*now_->value + ttl_ns) : std::nullopt);
  }

  Code precondition(Ino there, Exists exists, std::optional<uint64_t> if_generation) const {
    if (there != 0 && exists == Exists::create) return Code::already_exists;
    if (there == 0 && (exists == Exists::replace || if_generation.value_or(0) != 0)) {
      return Code::not_found;
    }
    if (there != 0 && if_generation && tree_.at(there).generation != *if_generation) {
      return Code::aborted;
    }
    return Code::ok;
  }

  void told(const Place& place, Ino ino, bool created) {
    if (result_ == nullptr) return;
    if (result_->path != path_of(place)) wrong_ = str("the path is ", result_->path);
    if (result_->created != created) wrong_ = "created is wrong";
    if (!tree_.at(ino).id->is(result_->id)) wrong_ = str("the id is ", result_->id.text());
  }
  void told_body(Ino ino) {
    if (result_ == nullptr) return;
    const Node& node = tree_.at(ino);
    if (result_->generation != node.generation) wrong_ = "the generation is wrong";
    if (result_->size != node.size()) wrong_ = "the size is wrong";
  }

  // The bytes of what a publish brings.
  Code take(const codec::NewBody& body, Bytes& out) {
    if (body.external) {
      auto from = std::ranges::find(world_.foreign, body.external->key,
                                    [](const Foreign& it) { return it.object.key; });
      out = std::make_shared<const std::string>(
          from->bytes->substr(body.external->offset, body.size));
      return Code::ok;
    }
    out = std::make_shared<const std::string>(body.bytes);
    if (body.size == 0 || body.upload == 0) return Code::ok;
    auto upload = world_.uploads.find(body.upload);
    if (upload == world_.uploads.end() || !upload->second.open) return Code::failed_precondition;
    Upload& from = upload->second;
    uint64_t offset = body.first_blob - from.first_blob;
    if (body.first_blob < from.first_blob || offset >= from.count) return Code::failed_precondition;
    if (std::exchange(from.published[body.first_blob], true)) return Code::failed_precondition;
    out = from.written.at(body.first_blob);
    if (from.published.size() == from.count) from.open = false;
    return Code::ok;
  }

  struct Given {
    Bytes bytes;
    uint32_t mode = 0;
    Owner owner;
    Fact mtime;
    std::map<std::string, std::string> xattrs;
    std::string content_type;
    bool keep_undo = false;
    Fact ctime = {};
    Fact btime = {};
  };
  Code put_body(const Place& place, Given given) {
    Ino ino = place.there;
    bool created = ino == 0;
    if (created) {
      Node node = new_node(Kind::file, given.mode, given.owner);
      node.xattrs = std::move(given.xattrs);
      if (given.btime) node.btime = given.btime;
      ino = add(place.directory, place.name, std::move(node));
    } else {
      keep_undo(given.keep_undo, place);
    }
    Node& node = tree_.edit(ino);
    node.bytes = given.bytes;
    node.generation = version_;
    node.content_type = given.content_type;
    node.mtime = given.mtime ? given.mtime : now_;
    node.ctime = given.ctime ? given.ctime : now_;
    changed_file(ino, place);
    if (!published_.insert(ino).second) return Code::invalid_argument;
    told(place, ino, created);
    told_body(ino);
    return Code::ok;
  }

  // ---- verbs

  Code perform(const codec::Mkdir& op) {
    if (op.mode > 07777) return Code::invalid_argument;
    Place at;
    if (op.exist_ok && op.target.path.find_first_not_of('/') == std::string::npos) {
      return existing(op.target, true, at);
    }
    if (Code bad = place(op.target, op.parents, {op.uid, op.gid}, at); bad != Code::ok) return bad;
    if (at.there != 0) {
      return op.exist_ok && is_directory(at.there) ? Code::ok : Code::already_exists;
    }
    Node node = new_node(Kind::directory, op.mode, {op.uid, op.gid});
    take_given(node, op);
    told(at, add(at.directory, at.name, std::move(node)), true);
    return Code::ok;
  }

  Code perform(const codec::Publish& op) {
    if (op.mode > 07777) return Code::invalid_argument;
    codec::Target target = op.target;
    Place at;
    for (int i = 0;; ++i) {
      if (i == 40) return Code::failed_precondition;
      if (Code bad = place(target, op.parents, {op.uid, op.gid}, at); bad != Code::ok) return bad;
      if (at.there == 0 || tree_.at(at.there).kind != Kind::symlink) break;
      target = {absolute(tree_.path_of(at.directory), tree_.at(at.there).target), {}};
    }
    if (at.there != 0 && is_directory(at.there)) return Code::is_directory;
    if (at.there != 0 && tree_.at(at.there).kind != Kind::file) return Code::failed_precondition;
    if (Code bad = precondition(at.there, op.exists, op.if_generation); bad != Code::ok) return bad;
    Given given{{}, op.mode, {op.uid, op.gid}, {}, {}, op.body.content_type, op.keep_undo};
    if (Code bad = take(op.body, given.bytes); bad != Code::ok) return bad;
    if (op.mtime_ns) given.mtime = fact(*op.mtime_ns);
    if (op.ctime_ns) given.ctime = fact(*op.ctime_ns);
    if (op.btime_ns) given.btime = fact(*op.btime_ns);
    for (const auto& each : op.xattrs) given.xattrs[each.name] = each.value;
    return put_body(at, std::move(given));
  }

  Code perform(const codec::Append& op) {
    Place at;
    if (Code bad = existing(op.target, true, at); bad != Code::ok) return bad;
    if (is_directory(at.there)) return Code::is_directory;
    if (tree_.at(at.there).kind != Kind::file) return Code::failed_precondition;
    if (Code bad = precondition(at.there, Exists::any, op.if_generation); bad != Code::ok) {
      return bad;
    }
    if (op.at_size && *op.at_size != tree_.at(at.there).size()) return Code::aborted;
    Bytes added;
    if (Code bad = take(op.body, added); bad != Code::ok) return bad;
    Node& node = tree_.edit(at.there);
    node.bytes = std::make_shared<const std::string>((node.bytes ? *node.bytes : "") + *added);
    node.generation = version_;
    node.mtime = node.ctime = now_;
    changed_file(at.there, at);
    if (!published_.insert(at.there).second) return Code::invalid_argument;
    told_body(at.there);
    return Code::ok;
  }

  Code perform(const codec::MakeNode& op) {
    if (op.mode > 07777) return Code::invalid_argument;
    if (op.kind == Kind::symlink && op.link_target.empty()) return Code::invalid_argument;
    if (op.kind == Kind::file || op.kind == Kind::directory) return Code::invalid_argument;
    Place at;
    if (Code bad = place(op.target, false, {}, at); bad != Code::ok) return bad;
    if (at.there != 0) return Code::already_exists;
    Node node = new_node(op.kind, op.mode, {op.uid, op.gid});
    node.rdev = op.rdev;
    if (op.kind == Kind::symlink) node.target = op.link_target;
    take_given(node, op);
    told(at, add(at.directory, at.name, std::move(node)), true);
    return Code::ok;
  }

  Code perform(const codec::Link& op) {
    Place from;
    Place to;
    if (Code bad = existing(op.from, false, from); bad != Code::ok) return bad;
    if (is_directory(from.there)) return Code::is_directory;
    if (Code bad = place(op.to, false, {}, to); bad != Code::ok) return bad;
    if (to.there != 0) return Code::already_exists;
    Node& node = tree_.edit(from.there);
    ++node.names;
    node.ctime = now_;
    tree_.edit(to.directory).children[to.name] = from.there;
    entries_changed(to.directory);
    changed_by_all_names(from.there);
    told(to, from.there, true);
    return Code::ok;
  }

  Code may_replace(const Place& from, const Place& to) const {
    if (is_directory(to.there)) {
      if (!is_directory(from.there)) return Code::is_directory;
      return tree_.at(to.there).children.empty() ? Code::ok : Code::not_empty;
    }
    return is_directory(from.there) ? Code::not_directory : Code::ok;
  }

  // `ino` is at `to` from now on.
  void arrive(Ino ino, const Place& to) {
    tree_.edit(to.directory).children[to.name] = ino;
    Node& node = tree_.edit(ino);
    if (node.kind == Kind::directory) node.parent = to.directory;
    node.ctime = now_;
    entries_changed(to.directory);
    if (is_directory(ino)) changed(ino);
    if (tree_.at(ino).names > 1) changed_by_all_names(ino);
  }

  Code perform(const codec::Rename& op) {
    Place from;
    Place to;
    if (Code bad = existing(op.from, false, from); bad != Code::ok) return bad;
    if (from.there == kRoot) return Code::invalid_argument;
    if (Code bad = place(op.to, op.parents, {}, to); bad != Code::ok) return bad;
    if (is_directory(from.there) && tree_.is_below(to.directory, from.there)) {
      return Code::invalid_argument;
    }
    bool exchange = op.mode == codec::RenameMode::exchange;
    if (exchange && to.there == 0) return Code::not_found;
    if (to.there != 0 && op.mode == codec::RenameMode::no_replace) return Code::already_exists;
    if (to.there == from.there) return Code::ok;
    if (exchange) {
      if (is_directory(to.there) && tree_.is_below(from.directory, to.there)) {
        return Code::invalid_argument;
      }
      arrive(to.there, from);
      arrive(from.there, to);
      return Code::ok;
    }
    if (to.there != 0) {
      if (Code bad = may_replace(from, to); bad != Code::ok) return bad;
      keep_undo(op.keep_undo, to);
      take_away(to);
    }
    tree_.edit(from.directory).children.erase(from.name);
    entries_changed(from.directory);
    arrive(from.there, to);
    told(to, from.there, false);
    return Code::ok;
  }

  Code perform(const codec::Remove& op) {
    Place at;
    Code found = existing(op.target, false, at);
    if (found != Code::ok) return op.missing_ok && found == Code::not_found ? Code::ok : found;
    if (at.there == kRoot) return Code::invalid_argument;
    bool directory = is_directory(at.there);
    if (directory && op.kind == codec::RemoveKind::file) return Code::is_directory;
    if (!directory && op.kind == codec::RemoveKind::directory) return Code::not_directory;
    if (op.kind == codec::RemoveKind::directory && !tree_.at(at.there).children.empty()) {
      return Code::not_empty;
    }
    if (!directory && op.if_generation && tree_.at(at.there).generation != *op.if_generation) {
      return Code::aborted;
    }
    told(at, at.there, false);
    keep_undo(op.keep_undo, at);
    take_away(at);
    return Code::ok;
  }

  Code perform(const codec::SetAttributes& op) {
    if (op.mode.value_or(0) > 07777) return Code::invalid_argument;
    Place at;
    if (Code bad = existing(op.target, op.follow, at); bad != Code::ok) return bad;
    Node& node = tree_.edit(at.there);
    if (op.mode) node.mode = *op.mode;
    if (op.uid) node.uid = *op.uid;
    if (op.gid) node.gid = *op.gid;
    if (op.mtime_ns) node.mtime = fact(*op.mtime_ns);
    if (op.mtime_now) node.mtime = now_;
    if (op.btime_ns) node.btime = fact(*op.btime_ns);
    attributes_changed(at);
    if (op.ctime_ns) tree_.edit(at.there).ctime = fact(*op.ctime_ns);
    return Code::ok;
  }

  void attributes_changed(const Place& at) {
    tree_.edit(at.there).ctime = now_;
    if (is_directory(at.there)) {
      changed(at.there);
    } else {
      changed_file(at.there, at);
    }
  }

  Code perform(const codec::SetXattr& op) {
    if (op.name.empty()) return Code::invalid_argument;
    Place at;
    if (Code bad = existing(op.target, op.follow, at); bad != Code::ok) return bad;
    bool there = tree_.at(at.there).xattrs.contains(op.name);
    if (there && op.value && op.exists == Exists::create) return Code::already_exists;
    if (!there && (!op.value || op.exists == Exists::replace)) return Code::not_found;
    auto& xattrs = tree_.edit(at.there).xattrs;
    xattrs.erase(op.name);
    if (op.value) xattrs[op.name] = *op.value;
    attributes_changed(at);
    return Code::ok;
  }

  Code perform(const codec::Check& op) {
    Place at;
    Code found = existing(op.target, false, at);
    if (found != Code::ok && found != Code::not_found) return found;
    bool there = found == Code::ok;
    if (op.exists && *op.exists != there) return Code::aborted;
    if (!there) return op.generation || op.newest_at_most ? Code::not_found : Code::ok;
    const Node& node = tree_.at(at.there);
    uint64_t newest = node.kind == Kind::directory ? node.newest : node.generation;
    if (op.generation && node.kind != Kind::directory && *op.generation != newest) {
      return Code::aborted;
    }
    return op.newest_at_most && newest > *op.newest_at_most ? Code::aborted : Code::ok;
  }

  World& world_;
  Tree& tree_;
  std::shared_ptr<const Tree> before_;
  const Told& told_;
  uint64_t version_;
  Fact now_;
  std::string& wrong_;
  const OperationResult* result_ = nullptr;
  std::set<Ino> published_;
  std::map<Ino, codec::Totals> base_;
  bool renumbered_ = false;  // inos are others than they were before
};

}  // namespace nokv::shard::model
