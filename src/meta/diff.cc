#include "meta/diff.h"

#include <algorithm>

namespace nokv::meta {

using codec::Dentry;
using codec::Difference;
using codec::Kind;

namespace {

// Names of one directory that are held at a time; beyond it the directory is listed.
constexpr size_t kNamesMax = 1 << 16;

codec::BodyFacts facts_of(const codec::Body& body) {
  return {body.generation, body.size, body.digest};
}

bool same_attributes(const codec::Attributes& a, const codec::Attributes& b) {
  return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid;  // times alone are no difference
}

bool same_content(const codec::Inode& a, const codec::Inode& b) {
  if (a.target != b.target || a.attributes.rdev != b.attributes.rdev) return false;
  if (a.body.generation == b.body.generation && a.body.blob == b.body.blob &&
      a.body.size == b.body.size) {
    return true;
  }
  return a.body.size == b.body.size && a.body.digest.kind != codec::DigestKind::none &&
         a.body.digest == b.body.digest;
}

using Change = codec::DifferenceKind;

// One of the names of a file that has, or had, several.
bool is_linked(const Dentry& dentry) { return dentry.kind != Kind::directory && !dentry.inode; }

}  // namespace

std::optional<Difference> content_difference(const codec::Inode& a, const codec::Inode& b) {
  Difference out{.kind = b.kind, .old = facts_of(a.body), .now = facts_of(b.body)};
  bool attributes = !same_attributes(a.attributes, b.attributes) || a.xattrs != b.xattrs;
  if (!same_content(a, b)) {
    out.change = Change::content;
    out.attributes_too = attributes;
  } else if (attributes) {
    out.change = Change::attributes;
  } else {
    return std::nullopt;
  }
  return out;
}

Diff::Diff(Side a, Side b) : a_(std::move(a)), b_(std::move(b)) {}

Result<Diff> Diff::begin(Side a, Side b) {
  Diff out(std::move(a), std::move(b));
  NOKV_TRY(out.relate_tops());
  NOKV_TRY(out.enter(out.a_.top, out.b_.top, out.a_.path, out.b_.path));
  NOKV_TRY(out.compare_tops());
  return out;
}

Result<Side> Diff::base(const Side& a, const Side& b) {
  Diff out(a, b);
  NOKV_TRY(out.relate_tops());
  return Side{b.view, std::min(out.top_.version_a, out.top_.version_b), out.top_.common, b.path};
}

Result<> Diff::relate_tops() {
  NOKV_ASSIGN(auto relation, relate(a_.top, b_.top));
  if (!relation) {
    return fail(Code::failed_precondition, a_.path, " and ", b_.path,
                " have nothing in common: neither is a clone or a version of the other");
  }
  top_ = *std::move(relation);
  return {};
}

// ---- which nodes correspond

Result<std::vector<Diff::Ancestor>> Diff::line(const Side& side, const NodeId& id) const {
  std::vector<Ancestor> out;
  Ancestor here{id, side.version, {}};
  for (;;) {
    NOKV_ASSIGN(here.come, Tree(*side.view, here.version).source(here.id));
    out.push_back(here);
    if (!here.come) return out;
    here = Ancestor{out.back().come->id, out.back().come->version, {}};
  }
}

Result<std::optional<Diff::Relation>> Diff::relate(const NodeId& a, const NodeId& b) const {
  NOKV_ASSIGN(auto of_a, line(a_, a));
  NOKV_ASSIGN(auto of_b, line(b_, b));
  for (size_t i = 0; i < of_a.size(); ++i) {
    auto met = std::ranges::find(of_b, of_a[i].id, &Ancestor::id);
    if (met == of_b.end()) continue;
    Relation out;
    out.common = met->id;
    out.version_a = of_a[i].version;
    out.version_b = met->version;
    of_a.resize(i);
    of_b.erase(met, of_b.end());
    out.a = std::move(of_a);
    out.b = std::move(of_b);
    return out;
  }
  return std::nullopt;
}

NodeId Diff::ancestor_of(const NodeId& id, const std::vector<Ancestor>& line) {
  NodeId out = id;
  for (const Ancestor& step : line) {
    if (!step.come || last_clone(out) != step.come->clone) break;
    if (out.hops.back().generation == 0) {
      out.hops.pop_back();
    } else {
      out.hops.back() = {step.come->parent, out.hops.back().generation - 1};
    }
  }
  return out;
}

// Which node of a tree stands for the common one, when it holds two of them: the one that was
// cloned with it, before one that was brought there from elsewhere.
NodeId Diff::cloned(const NodeId& common, const std::vector<Ancestor>& line) {
  NodeId out = common;
  for (auto step = line.rbegin(); step != line.rend(); ++step) {
    if (step->come) out = step->come->through(out);
  }
  return out;
}

Result<bool> Diff::same(const Dentry& in_a, const Dentry& in_b, const FileName& at_a) const {
  NodeId common = ancestor_of(in_a.child, top_.a);
  if (in_a.kind != in_b.kind || ancestor_of(in_b.child, top_.b) != common) return false;
  if (in_a.child == cloned(common, top_.a) && in_b.child == cloned(common, top_.b)) return true;
  if (is_linked(in_a) || is_linked(in_b)) return in_a.child == in_b.child;
  NOKV_ASSIGN(auto there, partner(a_, top_.a, b_, top_.b, in_a, at_a));
  return there && there->dentry.child == in_b.child;
}

// ---- which names may differ

Result<> Diff::enter(const NodeId& a, const NodeId& b, std::string path_a, std::string path_b) {
  if (frames_.size() > codec::kDepthMax) {
    return fail(Code::resource_exhausted, path_b, ": deeper than ", codec::kDepthMax);
  }
  Frame frame{Walk::names, a, b, std::move(path_a), std::move(path_b)};
  NOKV_ASSIGN(auto relation, relate(a, b));
  bool known = false;
  if (relation) {
    NOKV_ASSIGN(known, changed_names(*relation, frame.names));
  }
  if (!known) {
    frame.walk = Walk::both;
    frame.names.clear();
  } else if (frame.names.empty()) {
    return {};
  } else {
    std::ranges::sort(frame.names);
    frame.names.erase(std::ranges::unique(frame.names).begin(), frame.names.end());
  }
  frames_.push_back(std::move(frame));
  return {};
}

// False: too many, or not known without listing the directory.
Result<bool> Diff::changed_names(const Relation& relation, std::vector<std::string>& names) const {
  for (const Ancestor& each : relation.a) {
    NOKV_ASSIGN(bool all, own_names(*a_.view, each, names));
    if (!all) return false;
  }
  for (const Ancestor& each : relation.b) {
    NOKV_ASSIGN(bool all, own_names(*b_.view, each, names));
    if (!all) return false;
  }
  uint64_t from = std::min(relation.version_a, relation.version_b);
  uint64_t to = std::max(relation.version_a, relation.version_b);
  if (from == to) return true;
  return noted_names(relation.common, from, to, names);
}

// Names that a directory of a clone has dentries of its own for.
Result<bool> Diff::own_names(const View& view, const Ancestor& at,
                             std::vector<std::string>& names) const {
  std::string prefix = codec::dentry_key(at.id, {});
  auto rows = view.scan(prefix, {}, at.version);
  for (;;) {
    NOKV_ASSIGN(bool more, rows.next());
    if (!more) return true;
    if (names.size() >= kNamesMax) return false;
    names.emplace_back(rows.key().substr(prefix.size()));
  }
}

// Names that changed in a directory, or below it, after version `from` up to `to`.
Result<bool> Diff::noted_names(const NodeId& directory, uint64_t from, uint64_t to,
                               std::vector<std::string>& names) const {
  const View& view = *b_.view;
  std::string key = codec::node_key(directory);
  NOKV_ASSIGN(auto before, view.get(key, from));
  NOKV_ASSIGN(auto after, view.get(key, to));
  if (before && after && before->birth == after->birth) return true;
  if (!before && !after && !directory.hops.empty()) return true;  // of one source, which rests
  NOKV_ASSIGN(auto record, Tree(view, to).node(directory));
  if (!record || !record->directory) return false;
  uint64_t since = record->directory->changes_since;
  if (since == 0 || since > from) return false;
  std::string start = codec::changed_key(directory, from + 1, {});
  std::string end = codec::prefix_end(codec::node_table_key(codec::Table::changed, directory));
  auto rows = view.snapshot().iterate(start, end);
  for (rows->seek(start); rows->valid(); rows->next()) {
    codec::ChangedKey parts;
    if (!codec::split_changed_key(rows->key(), parts)) return damaged(rows->key());
    if (names.size() >= kNamesMax) return false;
    names.emplace_back(parts.name);  // after `to` too: then it is compared for nothing
  }
  NOKV_TRY(rows->status());
  return true;
}

// ---- walking

Result<bool> Diff::step(size_t work, size_t limit, std::vector<Difference>& out) {
  for (Difference& each : found_) out.push_back(std::move(each));
  found_.clear();
  while (!frames_.empty()) {
    if (work-- == 0 || out.size() >= limit) return true;
    NOKV_ASSIGN(bool any, next_pair(frames_.back()));
    if (!any) {
      frames_.pop_back();
      continue;
    }
    NOKV_TRY(compare());
    for (Difference& each : found_) out.push_back(std::move(each));
    found_.clear();
  }
  return false;
}

// Sets the pair that is compared next.
Result<bool> Diff::next_pair(Frame& frame) {
  pair_a_.reset();
  pair_b_.reset();
  Tree tree_a(*a_.view, a_.version);
  Tree tree_b(*b_.view, b_.version);
  if (frame.walk == Walk::names) {
    if (frame.next == frame.names.size()) return false;
    name_ = frame.names[frame.next++];
    NOKV_ASSIGN(pair_a_, tree_a.dentry(frame.a, name_));
    NOKV_ASSIGN(pair_b_, tree_b.dentry(frame.b, name_));
    return true;
  }
  if (!frame.started) {
    frame.started = true;
    if (frame.walk != Walk::created) {
      NOKV_ASSIGN(frame.list_a, tree_a.list(frame.a));
      NOKV_ASSIGN(frame.has_a, frame.list_a->next());
    }
    if (frame.walk != Walk::removed) {
      NOKV_ASSIGN(frame.list_b, tree_b.list(frame.b));
      NOKV_ASSIGN(frame.has_b, frame.list_b->next());
    }
  }
  if (!frame.has_a && !frame.has_b) return false;
  int order = !frame.has_a   ? 1
              : !frame.has_b ? -1
                             : frame.list_a->entry().name.compare(frame.list_b->entry().name);
  name_ = order <= 0 ? frame.list_a->entry().name : frame.list_b->entry().name;
  if (order <= 0) {
    pair_a_ = frame.list_a->entry().dentry;
    NOKV_ASSIGN(frame.has_a, frame.list_a->next());
  }
  if (order >= 0) {
    pair_b_ = frame.list_b->entry().dentry;
    NOKV_ASSIGN(frame.has_b, frame.list_b->next());
  }
  return true;
}

Result<> Diff::compare() {
  // Frames may be pushed meanwhile, so by value.
  FileName at_a{frames_.back().a, name_};
  FileName at_b{frames_.back().b, name_};
  std::string path_a = join_path(frames_.back().path_a, name_);
  std::string path_b = join_path(frames_.back().path_b, name_);
  auto in_a = std::exchange(pair_a_, std::nullopt);
  auto in_b = std::exchange(pair_b_, std::nullopt);
  if (in_a && in_b) {
    NOKV_ASSIGN(bool one, same(*in_a, *in_b, at_a));
    if (one) return compare_node(*in_a, *in_b, std::move(path_a), std::move(path_b));
  }
  if (in_a) NOKV_TRY(gone(*in_a, std::move(path_a), at_a));
  return in_b ? came(*in_b, path_b, at_b) : Result<>();
}

void Diff::tell(Difference difference, std::string path, std::string old_path) {
  if (old_path != path || difference.change == Change::renamed) {
    difference.old_path = std::move(old_path);
  }
  difference.path = std::move(path);
  found_.push_back(std::move(difference));
}

Result<> Diff::compare_tops() {
  Dentry in_a{a_.top, Kind::directory, {}};
  Dentry in_b{b_.top, Kind::directory, {}};
  return compare_directory(in_a, in_b, a_.path, b_.path);
}

Result<> Diff::compare_directory(const Dentry& in_a, const Dentry& in_b, const std::string& path_a,
                                 const std::string& path_b) {
  NOKV_ASSIGN(auto a, Tree(*a_.view, a_.version).node(in_a.child));
  NOKV_ASSIGN(auto b, Tree(*b_.view, b_.version).node(in_b.child));
  if (!a || !a->directory || !b || !b->directory) {
    return fail(Code::data_loss, path_b, ": the directory has no record");
  }
  bool alike = same_attributes(a->directory->attributes, b->directory->attributes) &&
               a->directory->xattrs == b->directory->xattrs;
  if (!alike) tell({.change = Change::attributes, .kind = Kind::directory}, path_b, path_a);
  return {};
}

// One node in both, under whatever names.
Result<> Diff::compare_node(const Dentry& in_a, const Dentry& in_b, std::string path_a,
                            std::string path_b) {
  if (in_a.kind == Kind::directory) {
    NOKV_TRY(compare_directory(in_a, in_b, path_a, path_b));
    return enter(in_a.child, in_b.child, std::move(path_a), std::move(path_b));
  }
  NOKV_ASSIGN(auto a, Tree(*a_.view, a_.version).inode(in_a));
  NOKV_ASSIGN(auto b, Tree(*b_.view, b_.version).inode(in_b));
  if (auto difference = content_difference(a, b)) {
    tell(*std::move(difference), std::move(path_b), std::move(path_a));
  }
  return {};
}

// A name that a has and b has not, or has for another node.
Result<> Diff::gone(const Dentry& in_a, std::string path, const FileName& at) {
  NOKV_ASSIGN(auto now, mutual(a_, top_.a, b_, top_.b, in_a, at));
  Difference difference{.kind = in_a.kind};
  if (in_a.kind != Kind::directory) {
    NOKV_ASSIGN(auto inode, Tree(*a_.view, a_.version).inode(in_a));
    difference.old = facts_of(inode.body);
  }
  if (now) {
    difference.change = Change::renamed;
    if (now->dentry.kind != Kind::directory) {
      NOKV_ASSIGN(auto inode, Tree(*b_.view, b_.version).inode(now->dentry));
      difference.now = facts_of(inode.body);
    }
    tell(std::move(difference), now->path, path);
    return compare_node(in_a, now->dentry, std::move(path), std::move(now->path));
  }
  difference.change = Change::removed;
  tell(std::move(difference), path, path);
  if (in_a.kind != Kind::directory) return {};
  frames_.push_back({Walk::removed, in_a.child, {}, path, path});
  return {};
}

// The other way round. What was renamed is told where it went from.
Result<> Diff::came(const Dentry& in_b, const std::string& path, const FileName& at) {
  NOKV_ASSIGN(auto then, mutual(b_, top_.b, a_, top_.a, in_b, at));
  if (then) return {};
  Difference difference{.change = Change::created, .kind = in_b.kind};
  if (in_b.kind != Kind::directory) {
    NOKV_ASSIGN(auto inode, Tree(*b_.view, b_.version).inode(in_b));
    difference.now = facts_of(inode.body);
  }
  tell(std::move(difference), path, path);
  if (in_b.kind != Kind::directory) return {};
  frames_.push_back({Walk::created, {}, in_b.child, path, path});
  return {};
}

// The partner of a node, if that has it for a partner too.
Result<std::optional<Diff::Placed>> Diff::mutual(const Side& here,
                                                 const std::vector<Ancestor>& line_here,
                                                 const Side& there,
                                                 const std::vector<Ancestor>& line_there,
                                                 const Dentry& dentry, const FileName& at) const {
  NOKV_ASSIGN(auto found, partner(here, line_here, there, line_there, dentry, at));
  if (!found) return std::nullopt;
  NOKV_ASSIGN(auto back, partner(there, line_there, here, line_here, found->dentry, found->at));
  if (!back || back->dentry.child != dentry.child) return std::nullopt;
  return found;
}

// What of `there` is the node that `dentry` names `here`, where it is `at`; nullopt: nothing is.
Result<std::optional<Diff::Placed>> Diff::partner(const Side& here,
                                                  const std::vector<Ancestor>& line_here,
                                                  const Side& there,
                                                  const std::vector<Ancestor>& line_there,
                                                  const Dentry& dentry, const FileName& at) const {
  if (is_linked(dentry)) return std::nullopt;  // each name of several is one of its own
  NodeId common = ancestor_of(dentry.child, line_here);
  // Where a file is that says nothing of its place: where it is here, or was first.
  std::vector<FileName> first{{ancestor_of(at.parent, line_here), at.name}};
  if (dentry.kind != Kind::directory) {
    NOKV_ASSIGN(auto moved, Tree(*here.view, here.version).moved(dentry.child));
    if (moved) {
      first.push_back({ancestor_of(moved->first_parent, line_here), moved->first_name});
    }
  }
  NodeId cloned_here = cloned(common, line_here);
  if (dentry.child != cloned_here) {
    NOKV_ASSIGN(auto before_it, find(here, line_here, cloned_here, dentry.kind, first));
    if (before_it) return std::nullopt;
  }
  for (const NodeId& id : {cloned(common, line_there), common}) {
    if (ancestor_of(id, line_there) != common) continue;
    NOKV_ASSIGN(auto found, find(there, line_there, id, dentry.kind, first));
    if (!found) continue;
    if (is_linked(found->dentry)) return std::nullopt;
    return found;
  }
  return std::nullopt;
}

// The path of a directory of a side.
Result<std::optional<std::string>> Diff::path_in(const Side& side, const NodeId& directory) {
  return Tree(*side.view, side.version).shown_path(directory, side.top, side.path);
}

// Where a node is, a file with several names at one of them; `first` are places, by common ids, to
// look for a file that was never renamed.
Result<std::optional<Diff::Placed>> Diff::find(const Side& side, const std::vector<Ancestor>& line,
                                               const NodeId& id, Kind kind,
                                               const std::vector<FileName>& first) const {
  Tree tree(*side.view, side.version);
  std::vector<FileName> names;
  if (kind == Kind::directory) {
    NOKV_ASSIGN(auto node, tree.node(id));
    if (node && node->directory) {
      names.push_back({node->directory->parent, node->directory->name});
    }
  } else {
    NOKV_ASSIGN(auto moved, tree.moved(id));
    if (moved) {
      names.push_back({moved->parent, moved->name});
    }
    for (const FileName& place : first) {
      if (moved) break;
      names.push_back({cloned(place.parent, line), place.name});
      names.push_back(place);
    }
  }
  for (const FileName& name : names) {
    if (!name.parent) continue;
    NOKV_ASSIGN(auto entry, tree.dentry(name.parent, name.name));
    if (!entry || entry->child != id || entry->kind != kind) continue;
    NOKV_ASSIGN(auto above, path_in(side, name.parent));
    if (above) return Placed{join_path(*above, name.name), *std::move(entry), name};
  }
  return std::nullopt;
}

}  // namespace nokv::meta
