// What snapshots, copies, clones and rollbacks do to the model.
#include <memory>

#include "shard/testing/model_doing.h"

namespace nokv::shard::model {

void Doing::bury(Ino directory) {
  constexpr size_t kGraves = 40;
  auto& gone = world_.gone;
  gone.push_back(tree_.at(directory).id);
  if (gone.size() > kGraves) gone.erase(gone.begin());
}

// A copy of what `from` shows at `ino` as `name` in `directory`: new nodes, the same facts.
// Names of a file within it stay names of one file.
Ino Doing::graft(const Tree& from, Ino ino, Ino directory, const std::string& name,
                 std::map<Ino, Ino>& files) {
  const Node& original = from.at(ino);
  if (original.kind != Kind::directory) {
    auto again = files.find(ino);
    if (again != files.end()) {
      ++tree_.edit(again->second).names;
      tree_.edit(directory).children[name] = again->second;
      return again->second;
    }
  }
  Node node = original;
  node.id = nullptr;
  node.names = 1;
  node.ghosts = 0;
  node.children.clear();
  node.newest = version_;
  node.parent = node.kind == Kind::directory ? directory : 0;
  Ino made = tree_.add(std::move(node));
  tree_.edit(directory).children[name] = made;
  if (original.kind != Kind::directory) files[ino] = made;
  for (const auto& [child_name, child] : original.children) {
    graft(from, child, made, child_name, files);
  }
  if (original.kind == Kind::directory) base_[made] = tree_.totals(made);
  return made;
}

codec::Totals Doing::base_of(Ino directory) const {
  auto base = base_.find(directory);
  if (base != base_.end()) return base->second;
  bool there = !renumbered_ && before_->has(directory);
  return there ? before_->totals(directory) : codec::Totals();
}

// A rolled back directory has the quota that its place had.
void Doing::keep_quota(Ino made, const codec::Quota& quota, const codec::Totals& base) {
  tree_.edit(made).quota = quota;
  base_[made] = base;
}

Code Doing::check_quotas() const {
  for (const auto& [ino, node] : tree_.nodes()) {
    if (!node->quota) continue;
    if (Code bad = check_quota(ino); bad != Code::ok) return bad;
  }
  return Code::ok;
}

Code Doing::check_quota(Ino ino) const {
  const codec::Quota& quota = tree_.at(ino).quota;
  codec::Totals before = base_of(ino);
  codec::Totals now = tree_.totals(ino);
  uint64_t entries_before = before.files + before.directories;
  uint64_t entries = now.files + now.directories;
  bool bytes_over = quota.max_bytes != 0 && now.bytes > quota.max_bytes && now.bytes > before.bytes;
  bool entries_over =
      quota.max_entries != 0 && entries > quota.max_entries && entries > entries_before;
  if (!bytes_over && !entries_over) return Code::ok;
  wrong_ = str("(", tree_.path_of(ino), " with ", before.bytes, " bytes, ", entries_before,
               " entries has ", now.bytes, ", ", entries, " of ", quota.max_bytes, ", ",
               quota.max_entries, ")");
  return Code::quota_exceeded;
}

Code Doing::perform(const codec::SetQuota& op) {
  Place at;
  if (Code bad = existing(op.target, true, at); bad != Code::ok) return bad;
  if (!is_directory(at.there)) return Code::not_directory;
  if (Code bad = check_quota(at.there); bad != Code::ok) return bad;
  base_[at.there] = tree_.totals(at.there);
  codec::Quota& quota = tree_.edit(at.there).quota;
  if (op.max_bytes) quota.max_bytes = *op.max_bytes;
  if (op.max_entries) quota.max_entries = *op.max_entries;
  attributes_changed(at);
  return Code::ok;
}

Code Doing::put_clone(const Origin& from, const Place& at) {
  for (Ino here = at.directory;; here = tree_.at(here).parent) {
    if (tree_.at(here).id == from.node().id) return Code::invalid_argument;
    if (here == kRoot) break;
  }
  std::map<Ino, Ino> files;
  Tree source = *from.tree;  // tree_ changes meanwhile
  Ino made = graft(source, from.ino, at.directory, at.name, files);
  tree_.edit(made).ctime = now_;
  entries_changed(at.directory);
  pin_of_clone(from);
  if (result_ != nullptr && !tree_.at(made).id->is(result_->id)) wrong_ = "the id is wrong";
  return Code::ok;
}

void Doing::pin_of_clone(const Origin& from) {
  Pin pin;
  pin.kind = codec::PinKind::clone;
  pin.version = from.version;
  pin.path = from.path;
  pin.scope = from.ino;
  pin.expires_ns = fact(0);
  pin.tree = from.tree;
  world_.pins.push_back(std::move(pin));
  if (result_ != nullptr && result_->snapshot_version != from.version) {
    wrong_ = str("it shows v", result_->snapshot_version);
  }
}

Code Doing::perform(const codec::SnapshotCreate& op) {
  if (world_.snapshot(op.name) != nullptr) return Code::already_exists;
  Place at;
  if (Code bad = existing(op.target, true, at); bad != Code::ok) return bad;
  if (!is_directory(at.there)) return Code::not_directory;
  Pin pin;
  pin.name = op.name;
  pin.version = version_ - 1;
  pin.path = path_of(at);
  pin.scope = at.there;
  pin.ttl_ns = op.ttl_ns;
  pin.expires_ns = expiry(op.ttl_ns);
  pin.tree = before_;
  if (result_ != nullptr && result_->snapshot_version != pin.version) {
    wrong_ = str("the snapshot's version is ", result_->snapshot_version);
  }
  world_.pins.push_back(std::move(pin));
  return Code::ok;
}

Code Doing::perform(const codec::SnapshotRemove& op) {
  const Pin* pin = world_.snapshot(op.name);
  if (pin == nullptr) return Code::not_found;
  world_.pins.erase(world_.pins.begin() + (pin - world_.pins.data()));
  return Code::ok;
}

Code Doing::perform(const codec::SnapshotRenew& op) {
  auto* pin = const_cast<Pin*>(world_.snapshot(op.name));
  if (pin == nullptr) return Code::not_found;
  pin->ttl_ns = op.ttl_ns;
  pin->expires_ns = expiry(op.ttl_ns);
  return Code::ok;
}

Code Doing::perform(const codec::SetPolicy& op) {
  world_.policy = op.policy;
  return Code::ok;
}

Code Doing::perform(const codec::OpenUpload& op) {
  if (result_ == nullptr) return Code::ok;
  Upload upload;
  upload.first_blob = result_->first_blob;
  upload.count = op.blobs;
  world_.uploads[result_->upload] = std::move(upload);
  return Code::ok;
}

Code Doing::perform(const codec::CloseUpload& op) {
  auto upload = world_.uploads.find(op.upload);
  if (upload != world_.uploads.end()) upload->second.open = false;
  return Code::ok;
}

// The node `path` was at `when` ("v7", a snapshot's name, empty for now).
Code Doing::origin(const codec::Target& target, const std::string& when, bool follow, Origin& out) {
  out.version = version_ - 1;
  out.now = true;
  if (when.empty()) {
    Place at;
    if (Code bad = existing(target, follow, at); bad != Code::ok) return bad;
    out.tree = std::make_shared<const Tree>(tree_);
    out.ino = at.there;
    out.path = path_of(at);
  } else {
    bool by_version = when[0] == 'v' && when[1] >= '0' && when[1] <= '9';
    uint64_t version = by_version ? std::stoull(when.substr(1)) : 0;
    Pin present;
    present.path = "/";
    present.tree = before_;
    const Pin* pin = &present;
    if (version != version_ - 1 || !by_version) {
      pin = by_version ? world_.pin_at(version, target.path) : world_.snapshot(when);
      if (pin == nullptr) return Code::not_found;
      if (!covers(pin->path, target.path)) return Code::invalid_argument;
      out.version = pin->version;
      out.now = false;
    }
    Tree::Spot spot;
    if (Code bad = pin->resolve(target.path, follow, spot); bad != Code::ok) return bad;
    out.tree = pin->tree;
    out.ino = spot.ino;
    out.path = target.path;
    if (out.node().kind == Kind::directory) out.path = out.tree->path_of(out.ino);
  }
  return Code::ok;
}

Code Doing::share(const Node& from, const Place& at, const codec::Copy& how) {
  if (at.there != 0 && is_directory(at.there)) return Code::is_directory;
  if (Code bad = precondition(at.there, how.exists, how.if_generation); bad != Code::ok) {
    return bad;
  }
  if (from.kind != Kind::file) {
    if (at.there != 0) return Code::already_exists;
    Node node = from;
    node.id = nullptr;
    node.line = nullptr;
    node.names = 1;
    node.ghosts = 0;
    told(at, add(at.directory, at.name, std::move(node)), true);
    return Code::ok;
  }
  if (at.there != 0 && tree_.at(at.there).kind != Kind::file) return Code::failed_precondition;
  return put_body(at, {from.bytes ? from.bytes : std::make_shared<const std::string>(),
                       from.mode,
                       {from.uid, from.gid},
                       from.mtime,
                       from.xattrs,
                       from.content_type,
                       how.keep_undo});
}

Code Doing::perform(const codec::Copy& op) {
  Origin from;
  if (Code bad = origin(op.from, op.from_at, !op.no_follow, from); bad != Code::ok) return bad;
  const Node& node = from.node();
  if (node.kind == Kind::directory) return Code::is_directory;
  Place at;
  if (Code bad = place(op.to, op.parents, {node.uid, node.gid}, at); bad != Code::ok) return bad;
  return share(node, at, op);
}

Code Doing::perform(const codec::Clone& op) {
  Origin from;
  if (Code bad = origin(op.from, op.from_at, true, from); bad != Code::ok) return bad;
  const Node& node = from.node();
  Place at;
  if (Code bad = place(op.to, op.parents, {node.uid, node.gid}, at); bad != Code::ok) return bad;
  if (at.there != 0 && !op.replace) return Code::already_exists;
  if (node.kind != Kind::directory) return share(node, at, {.keep_undo = op.keep_undo});
  if (at.there == 0) return put_clone(from, at);
  if (!is_directory(at.there)) return Code::not_directory;
  if (from.now && from.ino == at.there) return Code::invalid_argument;
  return put_in_place(from, at, op.keep_undo);
}

Code Doing::put_in_place(const Origin& from, Place at, bool undo) {
  bool keeps_quota = is_directory(at.there);
  codec::Quota quota = tree_.at(at.there).quota;
  codec::Totals base = keeps_quota ? base_of(at.there) : codec::Totals();
  keep_undo(undo, at);
  take_away(at);
  at.there = 0;
  Code made = put_clone(from, at);
  if (made == Code::ok && keeps_quota) keep_quota(child(at.directory, at.name), quota, base);
  return made;
}

Code Doing::perform(const codec::Rollback& op) {
  Place at;
  if (Code bad = existing(op.target, false, at); bad != Code::ok) return bad;
  Origin from;
  if (Code bad = origin({path_of(at), {}}, op.at, false, from); bad != Code::ok) return bad;
  if (from.now) return Code::ok;
  const Node& node = from.node();
  if (at.directory == 0) return roll_back_root(from, at, op.keep_undo);
  if (node.kind == Kind::directory) return put_in_place(from, at, op.keep_undo);
  keep_undo(op.keep_undo, at);
  if (node.kind == Kind::file && tree_.at(at.there).kind == Kind::file) {
    Node& file = tree_.edit(at.there);
    file.mode = node.mode;
    file.uid = node.uid;
    file.gid = node.gid;
    file.mtime = node.mtime;
    file.btime = node.btime;
    file.xattrs = node.xattrs;
    file.bytes = node.bytes;
    file.content_type = node.content_type;
    file.generation = version_;
    file.ctime = now_;
    changed_file(at.there, at);
    return Code::ok;
  }
  take_away(at);
  at.there = 0;
  result_ = nullptr;  // to the caller nothing was created
  return share(node, at, {});
}

Code Doing::perform(const codec::KeepUndo& op) {
  Place at;
  if (Code bad = existing(op.target, false, at); bad != Code::ok) return bad;
  keep_undo(true, at);
  return Code::ok;
}

Code Doing::roll_back_root(const Origin& from, const Place& at, bool undo) {
  keep_undo(undo, at);
  Tree source = *from.tree;
  auto children = tree_.at(kRoot).children;
  for (const auto& [name, ino] : children) {
    if (is_directory(ino)) drop_tree(ino);
  }
  bury(kRoot);
  codec::Totals base = base_of(kRoot);
  codec::Quota quota = tree_.at(kRoot).quota;
  Tree fresh;
  Node root = source.at(from.ino);
  root.id = nullptr;
  root.children.clear();
  root.newest = version_;
  root.parent = 0;
  root.ctime = now_;
  fresh.add(std::move(root));
  tree_ = std::move(fresh);
  base_.clear();
  renumbered_ = true;
  std::map<Ino, Ino> files;
  for (const auto& [name, child] : source.at(from.ino).children) {
    graft(source, child, kRoot, name, files);
  }
  keep_quota(kRoot, quota, base);
  pin_of_clone(from);
  if (result_ != nullptr && !tree_.at(kRoot).id->is(result_->id)) wrong_ = "the id is wrong";
  return Code::ok;
}

Code Doing::perform(const codec::Undelete& op) {
  std::string when = op.at;
  if (when.empty()) {
    const Pin* newest = nullptr;
    Tree::Spot spot;
    Code bad = Tree::check(op.target.path);
    if (bad != Code::ok) return bad;
    for (const Pin& pin : world_.pins) {
      if (pin.kind == codec::PinKind::clone || !pin.shows(op.target.path)) continue;
      if (newest != nullptr && newest->version >= pin.version) continue;
      if (pin.resolve(op.target.path, false, spot) == Code::ok) newest = &pin;
    }
    if (newest == nullptr) return Code::not_found;
    when = str("v", newest->version);
  }
  Origin from;
  if (Code bad = origin(op.target, when, false, from); bad != Code::ok) return bad;
  Place at;
  if (Code bad = place(op.as.path.empty() ? op.target : op.as, true, {}, at); bad != Code::ok) {
    return bad;
  }
  if (at.there != 0) return Code::already_exists;
  return from.node().kind == Kind::directory ? put_clone(from, at) : share(from.node(), at, {});
}

}  // namespace nokv::shard::model
