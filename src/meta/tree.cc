#include "meta/tree.h"

#include <algorithm>

#include "base/check.h"
#include "base/known_bad.h"

namespace nokv::meta {

using codec::Dentry;
using codec::Kind;
using codec::NodeRecord;

Result<> check_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") {
    return fail(Code::invalid_argument, "'", name, "' is not a name");
  }
  if (name.size() > codec::kNameMax) {
    return fail(Code::resource_exhausted, "name '", name.substr(0, 32), "…' has ", name.size(),
                " bytes; the limit is ", codec::kNameMax);
  }
  if (name.find('\0') != std::string_view::npos || name.find('/') != std::string_view::npos) {
    return fail(Code::invalid_argument, "a name holds neither '/' nor NUL");
  }
  return {};
}

Result<std::vector<std::string>> split_path(std::string_view path, bool relative) {
  if (path.size() > codec::kPathMax) {
    return fail(Code::resource_exhausted, "path of ", path.size(), " bytes; the limit is ",
                codec::kPathMax);
  }
  if (!relative && !path.starts_with('/')) {
    return fail(Code::invalid_argument, "path '", path, "' does not begin with '/'");
  }
  std::vector<std::string> names;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view name = path.substr(0, slash);
    if (!name.empty()) {
      NOKV_TRY(check_name(name));
      names.emplace_back(name);
    }
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  if (names.size() > codec::kDepthMax) {
    return fail(Code::resource_exhausted, "path of ", names.size(), " names; the limit is ",
                codec::kDepthMax);
  }
  return names;
}

Result<std::vector<std::string>> symlink_path(std::string_view directory, std::string_view target) {
  std::string full = target.starts_with('/') ? std::string(target) : join_path(directory, target);
  std::vector<std::string> names;
  std::string_view rest = full;
  while (!rest.empty()) {
    size_t slash = rest.find('/');
    std::string_view part = rest.substr(0, slash);
    if (part == "..") {
      if (!names.empty()) names.pop_back();
    } else if (!part.empty() && part != ".") {
      NOKV_TRY(check_name(part));
      names.emplace_back(part);
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return names;
}

std::string path_text(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += "/" + name;
  return out.empty() ? "/" : out;
}

std::string join_path(std::string_view directory, std::string_view name) {
  return directory.ends_with('/') ? str(directory, name) : str(directory, "/", name);
}

Result<NodeId> Tree::root() const {
  NOKV_ASSIGN(auto record, view_.present<codec::RootRecord>(codec::table_key(codec::Table::root)));
  if (!record) {
    return std::unexpected(Error(Code::failed_precondition, "there is no namespace here yet")
                               .with_hint("create it with: nokv init"));
  }
  return record->id;
}

Result<std::optional<Source>> Tree::source(const NodeId& id) const {
  if (id.hops.empty()) return std::nullopt;
  const codec::Hop& last = id.hops.back();
  uint64_t birth = 0;
  NOKV_ASSIGN(auto clone,
              view_.record<codec::CloneRecord>(codec::clone_key(last.clone), at_, &birth));
  if (!clone) return std::nullopt;
  Source out{id, clone->version, last.clone, clone->parent, birth, std::move(clone->source)};
  if (known_bad(KnownBad::clone_reads_present)) out.version = kNow;
  if (last.generation == 0) {
    out.id.hops.pop_back();
  } else {
    out.id.hops.back() = {clone->parent, last.generation - 1};
  }
  return out;
}

Result<std::optional<NodeRecord>> Tree::node(const NodeId& id) const {
  NOKV_ASSIGN(auto record, view_.record<NodeRecord>(codec::node_key(id), at_));
  if (!record && !id.hops.empty()) {
    NOKV_ASSIGN(auto come, source(id));
    if (!come) return std::nullopt;
    NOKV_ASSIGN(record, Tree(view_, come->version).node(come->id));
    if (record && record->directory) {
      codec::Directory& directory = *record->directory;
      if (directory.parent) directory.parent = come->through(directory.parent);
      // Here it appeared with the clone.
      directory.since = std::max(directory.since, come->birth);
      directory.totals.newest = std::max(directory.totals.newest, come->birth);
    }
  }
  if (record && record->is_whiteout()) return std::nullopt;
  return record;
}

Result<bool> Tree::has_own_node(const NodeId& id) const {
  if (id.hops.empty()) return true;
  NOKV_ASSIGN(auto own, view_.get(codec::node_key(id), at_));
  return own.has_value();
}

Result<bool> Tree::is_below(const NodeId& id, const NodeId& top) const {
  NodeId here = id;
  for (size_t depth = 0; depth <= codec::kDepthMax; ++depth) {
    if (here == top) return true;
    NOKV_ASSIGN(auto record, node(here));
    if (!record || !record->directory || !record->directory->parent) return false;
    here = record->directory->parent;
  }
  return false;
}

Result<bool> Tree::is_removed(const NodeId& directory) const {
  NodeId here = directory;
  for (size_t depth = 0; here && depth <= codec::kDepthMax; ++depth) {
    NOKV_ASSIGN(auto own, view_.record<NodeRecord>(codec::node_key(here), at_));
    if (own && own->is_whiteout()) return true;
    if (!own) {
      NOKV_ASSIGN(own, node(here));
    }
    if (!own || !own->directory) return false;
    here = own->directory->parent;
  }
  return false;
}

Result<bool> Tree::is_shown(const NodeId& directory) const {
  if (attached_) return attached_(directory);
  NodeId top = scope_;
  if (!top) {
    NOKV_ASSIGN(top, root());
  }
  NOKV_ASSIGN(auto path, shown_path(directory, top, "/"));
  return path.has_value();
}

Result<std::vector<FileName>> Tree::names(const NodeId& file) const {
  std::vector<FileName> out;
  NOKV_ASSIGN(bool own, has_own_node(file));
  if (own) {
    NOKV_ASSIGN(auto keys, view_.links(codec::node_table_key(codec::Table::link, file), at_));
    for (const std::string& key : keys) {
      codec::LinkKey parts;
      if (!codec::split_link_key(key, parts)) return damaged(key);
      out.push_back({parts.parent, std::string(parts.name)});
    }
    return out;
  }
  NOKV_ASSIGN(auto come, source(file));
  if (!come) return out;
  Tree then(view_, come->version, come->top);
  NOKV_ASSIGN(auto theirs, then.names(come->id));
  for (FileName& name : theirs) {
    NOKV_ASSIGN(bool cloned, then.is_shown(name.parent));
    if (!cloned) continue;
    name.parent = come->through(name.parent);
    NOKV_ASSIGN(bool shown, is_shown(name.parent));
    if (shown) out.push_back(std::move(name));
  }
  return out;
}

Result<std::optional<codec::MovedRecord>> Tree::moved(const NodeId& file) const {
  NOKV_ASSIGN(auto own, view_.record<codec::MovedRecord>(codec::moved_key(file), at_));
  if (own || file.hops.empty()) return own;
  // One that got several names, or none, in the clone is not where its source was.
  NOKV_ASSIGN(bool own_node, has_own_node(file));
  if (own_node) return std::nullopt;
  NOKV_ASSIGN(auto come, source(file));
  if (!come) return std::nullopt;
  NOKV_ASSIGN(auto theirs, Tree(view_, come->version).moved(come->id));
  if (theirs) {
    theirs->parent = come->through(theirs->parent);
    theirs->first_parent = come->through(theirs->first_parent);
  }
  return theirs;
}

Result<std::optional<Dentry>> Tree::inherited(const NodeId& directory,
                                              std::string_view name) const {
  if (directory.hops.empty()) return std::nullopt;
  NOKV_ASSIGN(auto come, source(directory));
  if (!come) return std::nullopt;
  NOKV_ASSIGN(auto found, Tree(view_, come->version).dentry(come->id, name));
  if (found) found->child = come->through(found->child);
  return found;
}

Result<std::optional<Dentry>> Tree::dentry(const NodeId& directory, std::string_view name) const {
  NOKV_ASSIGN(auto own, view_.record<Dentry>(codec::dentry_key(directory, name), at_));
  if (!own) return inherited(directory, name);
  if (own->kind == Kind::none) return std::nullopt;
  return own;
}

Result<Tree::Lister> Tree::list(const NodeId& directory, std::string_view after) const {
  Lister out;
  std::string prefix = codec::dentry_key(directory, {});
  out.prefix_size_ = prefix.size();
  // Names hold no NUL, so no later name comes before this; past records of `after` itself, whose
  // keys go on with a NUL, do.
  std::string_view next("\1", 1);
  if (known_bad(KnownBad::page_repeats_changed_name)) next = std::string_view("\0", 1);
  std::string from = after.empty() ? prefix : str(prefix, after, next);
  out.own_ = view_.scan(prefix, from, at_);
  NOKV_ASSIGN(auto come, source(directory));
  if (come) {
    NOKV_ASSIGN(auto below, Tree(view_, come->version).list(come->id, after));
    out.inherited_ = std::make_unique<Lister>(std::move(below));
    out.source_ = *std::move(come);
  }
  return out;
}

Result<bool> Tree::Lister::next_own() {
  NOKV_ASSIGN(has_own_, own_->next());
  if (!has_own_) return false;
  own_entry_.name.assign(own_->key().substr(prefix_size_));
  own_entry_.dentry = Dentry();
  if (!codec::decode(own_->raw().value, own_entry_.dentry)) return damaged(own_->key());
  return true;
}

Result<bool> Tree::Lister::next() {
  if (!started_) {
    started_ = true;
    NOKV_TRY(next_own());
    if (inherited_ != nullptr) {
      NOKV_ASSIGN(has_inherited_, inherited_->next());
    }
  }
  while (has_own_ || has_inherited_) {
    int order = !has_inherited_ ? -1
                : !has_own_     ? 1
                                : own_entry_.name.compare(inherited_->entry().name);
    if (order > 0) {
      entry_ = inherited_->entry();
      entry_.dentry.child = source_.through(entry_.dentry.child);
    } else {
      entry_ = own_entry_;
      NOKV_TRY(next_own());
    }
    if (order >= 0) {
      NOKV_ASSIGN(has_inherited_, inherited_->next());
    }
    if (entry_.dentry.kind != Kind::none) return true;
  }
  return false;
}

Result<codec::Inode> Tree::inode(const Dentry& dentry, uint32_t* links) const {
  if (links != nullptr) *links = 1;
  if (dentry.inode) return *dentry.inode;
  NOKV_ASSIGN(auto record, node(dentry.child));
  if (!record || !record->inode) {
    return fail(Code::data_loss, "node ", dentry.child.text(), " has a name and no record");
  }
  if (links != nullptr) {
    *links = record->links;
    NOKV_ASSIGN(bool own, has_own_node(dentry.child));
    if (!own) {  // the clone may not show all of them
      NOKV_ASSIGN(auto shown, names(dentry.child));
      *links = static_cast<uint32_t>(std::max<size_t>(shown.size(), 1));
    }
  }
  return *std::move(record->inode);
}

namespace {

// Takes the names of `path` off the front of `names`; false when they are others.
bool strip_scope(std::string_view path, std::vector<std::string>& names) {
  size_t count = 0;
  while (path.find_first_not_of('/') != std::string_view::npos) {
    path.remove_prefix(path.find_first_not_of('/'));
    std::string_view name = path.substr(0, path.find('/'));
    if (count == names.size() || names[count++] != name) return false;
    path.remove_prefix(name.size());
  }
  names.erase(names.begin(), names.begin() + static_cast<ptrdiff_t>(count));
  return true;
}

}  // namespace

Result<Located> Tree::resolve(const NodeId& start, std::vector<std::string> names, bool follow,
                              const Scope* scope) const {
  constexpr int kSymlinksMax = 40;
  Located here;
  here.dentry = Dentry{start, Kind::directory, {}};
  int symlinks = 0;
  std::reverse(names.begin(), names.end());  // what is still to follow, the next one last
  std::string walked;
  std::optional<std::string> base;  // the path of where `walked` begins
  Scope whole;
  while (!names.empty()) {
    if (here.dentry.kind != Kind::directory) {
      return fail(Code::not_directory, walked.empty() ? "/" : walked, ": not a directory");
    }
    std::string name = std::move(names.back());
    names.pop_back();
    NodeId directory = here.dentry.child;
    NOKV_ASSIGN(auto found, dentry(directory, name));
    if (!found) {
      return fail(Code::not_found, walked, "/", name, ": no such file or directory");
    }
    if (found->kind == Kind::symlink && (follow || !names.empty())) {
      if (++symlinks > kSymlinksMax) {
        return fail(Code::failed_precondition, walked, "/", name, ": more than ", kSymlinksMax,
                    " symbolic links");
      }
      if (scope == nullptr) {
        NOKV_ASSIGN(whole.id, root());
        whole.path = "/";
        scope = &whole;
      }
      if (!base) {
        NOKV_ASSIGN(base, start_path(start, *scope));
      }
      NOKV_ASSIGN(auto parts,
                  symlink_names(*base == "/" ? walked : *base + walked, *found, *scope));
      names.insert(names.end(), std::make_move_iterator(parts.rbegin()),
                   std::make_move_iterator(parts.rend()));
      if (names.size() > codec::kDepthMax * 2) {
        return fail(Code::resource_exhausted, walked, "/", name, ": deeper than ",
                    codec::kDepthMax);
      }
      here = Located();
      here.dentry = Dentry{scope->id, Kind::directory, {}};
      base = scope->path;
      walked.clear();
      continue;
    }
    walked += "/";
    walked += name;
    here = Located{std::move(directory), std::move(name), *std::move(found)};
  }
  return here;
}

Result<std::string> Tree::start_path(const NodeId& start, const Scope& scope) const {
  if (start == scope.id) return scope.path;
  if (scope.start_path) return scope.start_path();
  NOKV_ASSIGN(auto path, path_of(start, scope.id, scope.path));
  if (!path) return fail(Code::stale, "node ", start.text(), " is no longer in the tree");
  return *std::move(path);
}

// Where the symlink `dentry` in `directory` leads, as names from the scope.
Result<std::vector<std::string>> Tree::symlink_names(std::string_view directory,
                                                     const Dentry& dentry,
                                                     const Scope& scope) const {
  NOKV_ASSIGN(auto link, inode(dentry));
  NOKV_ASSIGN(auto names, symlink_path(directory, link.target));
  if (!strip_scope(scope.path, names)) {
    return fail(Code::not_found, directory, ": a symbolic link leads to ", path_text(names),
                ", outside what is kept of ", scope.path);
  }
  return names;
}

Result<std::optional<std::string>> Tree::path_of(const NodeId& directory) const {
  NOKV_ASSIGN(NodeId top, root());
  return path_of(directory, top, "/");
}

Result<std::optional<std::string>> Tree::path_of(const NodeId& directory, const NodeId& top,
                                                 std::string_view top_path) const {
  std::vector<std::string> names;
  NodeId id = directory;
  for (size_t depth = 0; depth <= codec::kDepthMax; ++depth) {
    if (id == top) {
      std::string path(top_path);
      for (auto name = names.rbegin(); name != names.rend(); ++name) path = join_path(path, *name);
      return path;
    }
    NOKV_ASSIGN(auto record, node(id));
    if (!record || !record->directory || !record->directory->parent) return std::nullopt;
    names.push_back(record->directory->name);
    id = record->directory->parent;
  }
  return std::nullopt;
}

Result<std::optional<std::string>> Tree::shown_path(const NodeId& directory, const NodeId& top,
                                                    std::string_view top_path) const {
  std::vector<std::string> names;
  NodeId id = directory;
  for (size_t depth = 0; id != top; ++depth) {
    NOKV_ASSIGN(auto record, node(id));
    if (!record || !record->directory || !record->directory->parent || depth > codec::kDepthMax) {
      return std::nullopt;
    }
    const codec::Directory& is = *record->directory;
    NOKV_ASSIGN(auto entry, dentry(is.parent, is.name));
    if (!entry || entry->child != id) return std::nullopt;
    names.push_back(is.name);
    id = is.parent;
  }
  std::string path(top_path);
  for (auto name = names.rbegin(); name != names.rend(); ++name) path = join_path(path, *name);
  return path;
}

}  // namespace nokv::meta
