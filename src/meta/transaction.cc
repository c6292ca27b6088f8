#include "meta/transaction.h"

#include <algorithm>

#include "base/check.h"
#include "base/known_bad.h"
#include "meta/pins.h"

namespace nokv::meta {

using codec::Dentry;
using codec::Kind;

bool mentions_blobs(const codec::Body& body) { return body.blob != 0; }

namespace {

bool mentions_blobs(const Dentry& dentry) {
  return dentry.inode && meta::mentions_blobs(dentry.inode->body);
}

}  // namespace

// ---- where

Result<DirectoryState*> Transaction::directory(const NodeId& id) {
  NOKV_ASSIGN(DirectoryState * state, context_.pending.directory(tree_, id));
  if (state == nullptr) {
    return fail(Code::stale, "directory ", id.text(), " is no longer in the tree");
  }
  return state;
}

Result<bool> Transaction::is_attached(const NodeId& id) {
  auto path = directory_path(id);
  if (path) return true;
  if (path.error().code() == Code::stale) return false;
  return std::unexpected(std::move(path).error());
}

Result<std::string> Transaction::directory_path(const NodeId& id) {
  NOKV_ASSIGN(NodeId root, tree_.root());
  std::vector<const std::string*> names;
  NodeId here = id;
  for (size_t depth = 0; here != root; ++depth) {
    NOKV_ASSIGN(DirectoryState * state, directory(here));
    if (!state->record.parent || depth > codec::kDepthMax) {
      return fail(Code::stale, "directory ", id.text(), " is no longer in the tree");
    }
    names.push_back(&state->record.name);
    here = state->record.parent;
  }
  if (names.empty()) return "/";
  if (names.size() >= codec::kDepthMax) {
    return fail(Code::resource_exhausted, "depth of ", names.size(), "; the limit is ",
                codec::kDepthMax);
  }
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) path += "/" + **name;
  return path;
}

Result<Located> Transaction::resolve(const NodeId& start, std::vector<std::string> names,
                                     bool follow) {
  Tree::Scope scope;
  NOKV_ASSIGN(scope.id, tree_.root());
  scope.path = "/";
  scope.start_path = [this, &start] { return directory_path(start); };
  auto found = tree_.resolve(start, std::move(names), follow, &scope);
  // Names of a directory that left the tree are there until they are swept, some longer than
  // others.
  if (!found && start != scope.id) NOKV_TRY(directory_path(start));
  return found;
}

Result<Place> Transaction::place(const codec::Target& target, bool parents, Owner owner) {
  bool from_root = !target.id;
  size_t slash = target.path.find_last_not_of('/');
  std::string_view path = std::string_view(target.path).substr(0, slash + 1);
  size_t last = path.rfind('/');
  std::string_view parent = last == std::string_view::npos ? "" : path.substr(0, last + 1);
  std::string_view name = last == std::string_view::npos ? path : path.substr(last + 1);
  if (path.size() > codec::kPathMax) {
    return fail(Code::resource_exhausted, "path of ", path.size(), " bytes; the limit is ",
                codec::kPathMax);
  }
  if (name.empty()) {
    return fail(Code::invalid_argument, "'", target.path, "' names no entry of a directory");
  }
  NOKV_TRY(check_name(name));
  if (from_root && !memo_path_.empty() && parent == memo_path_) {
    Place again = memo_;
    again.name = name;
    return again;
  }
  NOKV_ASSIGN(auto names, split_path(parent, !from_root));
  NodeId start = target.id;
  if (from_root) {
    NOKV_ASSIGN(start, tree_.root());
  }
  Place out;
  auto found = resolve(start, names, true);
  if (found) {
    if (found->dentry.kind != Kind::directory) {
      return fail(Code::not_directory, parent, ": not a directory");
    }
    out.directory = found->id();
  } else if (parents && found.error().code() == Code::not_found) {
    NOKV_ASSIGN(out.directory, make_parents(start, names, owner));
  } else {
    return std::unexpected(std::move(found).error());
  }
  NOKV_ASSIGN(out.directory_path, directory_path(out.directory));
  NOKV_ASSIGN(out.state, directory(out.directory));
  out.name = name;
  if (from_root) {
    memo_path_ = parent;
    memo_ = out;
  }
  return out;
}

Result<NodeId> Transaction::make_parents(const NodeId& start, const std::vector<std::string>& names,
                                         Owner owner) {
  std::vector<std::string> walked;
  NodeId here = start;
  for (const std::string& name : names) {
    walked.push_back(name);
    auto found = resolve(start, walked, true);
    if (found) {
      if (found->dentry.kind != Kind::directory) {
        return fail(Code::not_directory, name, ": not a directory");
      }
      here = found->id();
      continue;
    }
    if (found.error().code() != Code::not_found) return std::unexpected(found.error());
    Place at;
    at.directory = here;
    NOKV_ASSIGN(at.state, directory(here));
    NOKV_ASSIGN(at.directory_path, directory_path(here));
    at.name = name;
    NOKV_ASSIGN(Found old, lookup(here, name));
    if (old) return fail(Code::not_found, at.path(), ": the symbolic link leads nowhere");
    here = add_directory(at, old, {0755, owner.uid, owner.gid, now_ns_, now_ns_, now_ns_});
    event({codec::EventKind::created, false, at.path(), "", here, Kind::directory});
  }
  return here;
}

Result<Transaction::Spot> Transaction::existing(const codec::Target& target, bool follow) {
  NodeId start = target.id;
  if (!start) {
    NOKV_ASSIGN(start, tree_.root());
  }
  NOKV_ASSIGN(auto names, split_path(target.path, static_cast<bool>(target.id)));
  if (!follow && !names.empty()) {
    NOKV_ASSIGN(Place at, place(target));
    NOKV_ASSIGN(Found found, lookup(at.directory, at.name));
    if (!found) return fail(Code::not_found, at.path(), ": no such file or directory");
    return Spot{std::move(at), std::move(found)};
  }
  NOKV_ASSIGN(Located found, resolve(start, std::move(names), follow));
  if (!found.parent && !found.name.empty()) {
    return fail(Code::stale, "node ", start.text(), " is no longer in the tree");
  }
  Spot out;
  if (found.name.empty()) {  // the start itself: the root, or a directory by its id
    NOKV_ASSIGN(DirectoryState * self, directory(found.id()));
    NOKV_TRY(directory_path(found.id()));
    if (!self->record.parent) {
      out.found.entry = found.dentry;
      return out;
    }
    found.parent = self->record.parent;
    found.name = self->record.name;
  }
  out.place.directory = found.parent;
  out.place.name = found.name;
  NOKV_ASSIGN(out.place.state, directory(found.parent));
  NOKV_ASSIGN(out.place.directory_path, directory_path(found.parent));
  NOKV_ASSIGN(out.found, lookup(found.parent, found.name));
  if (!out.found) return fail(Code::not_found, out.path(), ": no such file or directory");
  return out;
}

Result<Found> Transaction::lookup(const NodeId& directory, std::string_view name) {
  Found out;
  std::optional<Dentry> own;
  std::string key = codec::dentry_key(directory, name);
  // The engine knows nothing of a directory that is made here, and need not be asked.
  if (!made_here(directory) || context_.pending.find(key, kNow) != nullptr) {
    NOKV_ASSIGN(own, view().record<Dentry>(key, kNow, &out.own_birth));
  }
  if (!directory.hops.empty()) {
    NOKV_ASSIGN(auto below, tree_.inherited(directory, name));
    out.inherits = below.has_value();
    if (!own) out.entry = std::move(below);
  }
  if (own) {
    out.own_blobs = mentions_blobs(*own);
    out.own_clone = clone_held(directory, *own);
    if (own->kind != Kind::none) out.entry = *std::move(own);
  }
  return out;
}

// ---- what

void Transaction::change(codec::Change change) {
  context_.pending.put(change.key, change.value, version_);
  out_.changes.push_back(std::move(change));
}

bool Transaction::notes_changes(const Place& place) {
  return place.state->record.changes_since != 0;
}

void Transaction::put_dentry(const Place& place, const Found& old, const Dentry& dentry) {
  change({codec::dentry_key(place.directory, place.name), codec::encoded(dentry), old.own_birth,
          old.own_blobs, mentions_blobs(dentry), old.own_clone, clone_held(place.directory, dentry),
          notes_changes(place)});
}

void Transaction::remove_dentry(const Place& place, const Found& old) {
  if (old && old.entry->kind != Kind::file) forget_paths();  // some may have led through it
  std::optional<std::string> value;
  if (old.inherits) value = codec::encoded(Dentry());
  if (old.own_birth == 0 && !value) return;
  change({codec::dentry_key(place.directory, place.name), std::move(value), old.own_birth,
          old.own_blobs, false, old.own_clone, 0, notes_changes(place)});
}

NodeId Transaction::add_directory(const Place& place, const Found& old,
                                  const codec::Attributes& attributes,
                                  std::vector<codec::Xattr> xattrs) {
  NodeId id{new_id(), place.directory.hops};
  DirectoryState state;
  state.record.attributes = attributes;
  state.record.xattrs = std::move(xattrs);
  state.record.parent = place.directory;
  state.record.name = place.name;
  state.record.since = version_;
  state.record.totals.newest = version_;
  context_.pending.add_directory(id, std::move(state));
  put_dentry(place, old, Dentry{id, Kind::directory, {}});
  count(place, 1, id, Kind::directory, 0);
  return id;
}

Result<> Transaction::end_directory(const NodeId& id) {
  NOKV_ASSIGN(DirectoryState * state, directory(id));
  NOKV_TRY(bury(id));
  if (state->record.quota) set(codec::node_table_key(codec::Table::quota, id), std::nullopt);
  context_.pending.end_directory(id, *state, version_);
  set(codec::detached_key(id, 0), "");
  forget_paths();
  return {};
}

Result<> Transaction::bury(const NodeId& id) {
  NOKV_ASSIGN(auto come, tree_.source(id));
  std::optional<std::string> value;
  if (come && !known_bad(KnownBad::id_comes_back)) {
    value = codec::encoded(codec::NodeRecord());
    set(codec::grave_key(come->clone, id), "");
  }
  return put(codec::node_key(id), std::move(value));
}

void Transaction::count(const Place& place, int sign, const NodeId& child, Kind kind,
                        uint64_t bytes, const codec::Totals* below) {
  DirectoryState& state = *place.state;
  int64_t files = kind == Kind::directory ? 0 : 1;
  int64_t directories = 1 - files;
  auto sum_bytes = static_cast<int64_t>(bytes);
  if (below != nullptr) {
    files += static_cast<int64_t>(below->files);
    directories += static_cast<int64_t>(below->directories);
    sum_bytes += static_cast<int64_t>(below->bytes);
  }
  state.files += sign * files;
  state.directories += sign * directories;
  codec::Totals& totals = state.record.totals;
  if (sign > 0) raise_hops(place.directory, totals, child, below);
  totals.files += static_cast<uint64_t>(sign * files);
  totals.directories += static_cast<uint64_t>(sign * directories);
  uint64_t& entries = state.record.entries;
  entries += static_cast<uint64_t>(int64_t{sign});
  uint64_t& noted = state.record.changes_since;
  if (noted == 0 && entries > kLargeDirectory) noted = version_;
  if (noted != 0 && entries < kLargeDirectory / 2) noted = 0;
  state.record.attributes.mtime_ns = now_ns_;
  state.record.attributes.ctime_ns = now_ns_;
  changed(place.directory, state, sign * sum_bytes);
}

void Transaction::changed(const NodeId& directory, DirectoryState& state, int64_t bytes) {
  state.bytes += bytes;
  state.record.totals.bytes += static_cast<uint64_t>(bytes);
  state.record.totals.newest = version_;
  state.untold = true;
  context_.pending.touch(directory, state);
}

Result<> Transaction::put(const std::string& key, std::optional<std::string> value) {
  NOKV_ASSIGN(auto old, view().get(key, kNow));
  if (!old && !value) return {};
  codec::Change out{key};
  if (old) {
    NOKV_ASSIGN(auto blobs, blobs_of(key, old->value));
    out.old_birth = old->birth;
    out.old_blobs = !blobs.empty();
    out.old_clone = clone_held(key, old->value);
  }
  if (value) {
    NOKV_ASSIGN(auto blobs, blobs_of(key, *value));
    out.new_blobs = !blobs.empty();
    out.new_clone = clone_held(key, *value);
  }
  out.value = std::move(value);
  change(std::move(out));
  return {};
}

void Transaction::set(const std::string& key, std::optional<std::string> value) {
  context_.pending.put(key, value, version_);
  out_.sets.push_back({key, std::move(value)});
}

// ---- what else

Result<> Transaction::check_unchanged() const {
  if (!changed_) return {};
  return fail(Code::invalid_argument,
              "what keeps or clones the tree as it is comes before the changes of its transaction, "
              "not after");
}

uint64_t Transaction::pin(codec::PinKind kind, const NodeId& scope, std::string path,
                          int64_t expires_ns, const Place* file_at) {
  codec::NewPin made{new_id(), {version_ - 1, scope, kind, now_ns_, expires_ns}};
  made.pin.path = std::move(path);
  if (file_at != nullptr) {
    made.pin.parent = file_at->directory;
    made.pin.name = file_at->name;
  }
  out_.pins.push_back(std::move(made));
  return out_.pins.back().id;
}

uint64_t Transaction::pin_at(uint64_t version, int64_t time_ns, const NodeId& scope,
                             std::string path) {
  codec::NewPin made{new_id(), {version, scope, codec::PinKind::clone, time_ns}};
  made.pin.path = std::move(path);
  out_.pins.push_back(std::move(made));
  return out_.pins.back().id;
}

bool Transaction::made_here(const NodeId& id) const {
  codec::IdRange made{first_new_id_, next_id()};
  return made.has(id.origin) || made.has(last_clone(id));
}

uint64_t Transaction::undo_pin(bool wanted, const NodeId& scope, const std::string& path,
                               const Place* file_at) {
  // Of what this transaction made there is no earlier state to keep.
  if (!wanted || policy().undo_ns == 0 || made_here(scope)) return 0;
  pin(codec::PinKind::undo, scope, path, now_ns_ + policy().undo_ns, file_at);
  return version_ - 1;
}

}  // namespace nokv::meta
