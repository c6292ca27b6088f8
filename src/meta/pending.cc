#include "meta/pending.h"

#include <algorithm>

#include "base/check.h"
#include "meta/region.h"

namespace nokv::meta {

namespace {

bool is_link(std::string_view key) {
  return static_cast<codec::Table>(key[0]) == codec::Table::link;
}

}  // namespace

const Overlay::Entry* Pending::find(std::string_view key, uint64_t at) const {
  auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  const Decided& decided = found->second;
  if (decided.last.birth <= at) return &decided.last;
  for (auto entry = decided.before.rbegin(); entry != decided.before.rend(); ++entry) {
    if (entry->birth <= at) return &*entry;
  }
  return nullptr;
}

std::vector<std::string> Pending::pending_links(std::string_view prefix) const {
  std::vector<std::string> out;
  for (auto key = links_.lower_bound(std::string(prefix));
       key != links_.end() && key->starts_with(prefix); ++key) {
    out.push_back(*key);
  }
  return out;
}

void Pending::begin() {
  keep();
  ++transaction_;
  order_before_ = order_.size();
}

void Pending::keep() {
  undo_entries_.clear();
  undo_directories_.clear();
}

void Pending::undo() {
  for (auto change = undo_entries_.rbegin(); change != undo_entries_.rend(); ++change) {
    if (change->before) {
      entries_[change->key] = *std::move(change->before);
    } else {
      entries_.erase(change->key);
      if (is_link(change->key)) links_.erase(change->key);
    }
  }
  for (auto& before : undo_directories_) {
    if (before.state) {
      if (before.state->untold) untold_.push_back(before.id);  // it may have told meanwhile
      directories_[before.id] = *std::move(before.state);
    } else {
      directories_.erase(before.id);
    }
  }
  order_.resize(order_before_);
  keep();
}

void Pending::put(const std::string& key, std::optional<std::string> value, uint64_t birth) {
  auto [row, fresh] = entries_.try_emplace(key);
  Decided& decided = row->second;
  undo_entries_.push_back({key, fresh ? std::nullopt : std::optional(decided)});
  if (!fresh && decided.last.birth < group_first_) {
    decided.before.push_back(std::move(decided.last));
  }
  decided.last = Entry{std::move(value), birth};
  order_.emplace_back(birth, key);
  if (is_link(key)) links_.insert(key);
}

DirectoryState* Pending::at_hand(const NodeId& id) {
  auto found = directories_.find(id);
  if (found == directories_.end()) return nullptr;
  DirectoryState& state = found->second;
  if (state.saved_by != transaction_) {
    undo_directories_.push_back({id, state, state.record.totals});
    state.saved_by = transaction_;
  }
  return &state;
}

Result<DirectoryState*> Pending::directory(const Tree& tree, const NodeId& id) {
  if (DirectoryState* state = at_hand(id)) return state->gone ? nullptr : state;
  NOKV_ASSIGN(auto own, tree.view().get(codec::node_key(id), kNow));
  NOKV_ASSIGN(auto node, tree.node(id));
  if (!node || !node->directory) return nullptr;
  DirectoryState state;
  state.record = *std::move(node->directory);
  state.own_birth = own ? own->birth : 0;
  // In a clone nothing changed before its directory gets a record of its own.
  if (!own && state.record.changes_since != 0) state.record.changes_since = 1;
  if (state.record.quota) has_quotas_ = true;
  // Undone, it is forgotten: it may be seen through a clone that then never was.
  undo_directories_.push_back({id, std::nullopt, state.record.totals});
  state.saved_by = transaction_;
  return &directories_.emplace(id, std::move(state)).first->second;
}

DirectoryState& Pending::add_directory(const NodeId& id, DirectoryState state,
                                       const codec::Totals* before) {
  undo_directories_.push_back(
      {id, std::nullopt, before != nullptr ? *before : state.record.totals});
  DirectoryState& added = directories_[id] = std::move(state);
  added.saved_by = transaction_;
  touch(id, added);
  return added;
}

void Pending::touch(const NodeId& id, DirectoryState& state) {
  state.dirty = true;
  if (!state.listed) touched_.push_back(id);
  state.listed = true;
  if (state.untold && !state.waiting) {
    untold_.push_back(id);
    state.waiting = true;
  }
  if (state.record.quota) has_quotas_ = true;
}

void Pending::end_directory(const NodeId& id, DirectoryState& state, uint64_t version) {
  state.gone = true;
  state.dirty = false;
  state.untold = false;
  in_flight_.emplace_back(version, id);
}

Result<> Pending::propagate(const Tree& tree) {
  // Each directory tells its own change to all above it; what they are told they do not tell on.
  for (size_t i = 0; i < untold_.size(); ++i) {
    NodeId id = untold_[i];
    DirectoryState* from = at_hand(id);
    if (from == nullptr || !from->untold || from->gone) continue;
    int64_t files = from->files;
    int64_t directories = from->directories;
    int64_t bytes = from->bytes;
    uint64_t newest = from->record.totals.newest;
    NodeId below = id;
    codec::Totals below_totals = from->record.totals;
    from->files = from->directories = from->bytes = 0;
    from->untold = from->waiting = false;
    NodeId up = from->record.parent;
    for (size_t depth = 0; up && depth <= codec::kDepthMax; ++depth) {
      NOKV_ASSIGN(DirectoryState * above, directory(tree, up));
      if (above == nullptr) break;  // it was detached since
      codec::Totals& totals = above->record.totals;
      totals.files += static_cast<uint64_t>(files);
      totals.directories += static_cast<uint64_t>(directories);
      totals.bytes += static_cast<uint64_t>(bytes);
      totals.newest = std::max(totals.newest, newest);
      raise_hops(up, totals, below, &below_totals);
      touch(up, *above);
      below = std::exchange(up, above->record.parent);
      below_totals = totals;
    }
  }
  untold_.clear();
  return {};
}

Result<bool> Pending::find_quotas(const Tree& tree) {
  if (has_quotas_ || root_seen_) return has_quotas_;
  NOKV_ASSIGN(NodeId root, tree.root());
  NOKV_TRY(directory(tree, root));
  root_seen_ = true;
  return has_quotas_;
}

std::vector<Pending::Grown> Pending::grown() const {
  std::vector<Grown> out;
  for (const UndoDirectory& each : undo_directories_) {
    auto found = directories_.find(each.id);
    if (found == directories_.end() || found->second.gone) continue;
    const codec::Directory& now = found->second.record;
    const codec::Totals& before = each.before;
    if (!now.quota || (now.totals.bytes <= before.bytes && now.totals.files <= before.files &&
                       now.totals.directories <= before.directories)) {
      continue;
    }
    out.push_back({each.id, now.quota, before, now.totals});
  }
  return out;
}

codec::Totals Pending::before(const NodeId& id) const {
  auto saved = std::ranges::find(undo_directories_, id, &UndoDirectory::id);
  if (saved != undo_directories_.end()) return saved->before;
  auto found = directories_.find(id);
  return found == directories_.end() ? codec::Totals() : found->second.record.totals;
}

void Pending::rebase(const NodeId& id) {
  auto saved = std::ranges::find(undo_directories_, id, &UndoDirectory::id);
  auto found = directories_.find(id);
  check(saved != undo_directories_.end() && found != directories_.end(), "it is at hand");
  saved->before = found->second.record.totals;
}

Result<std::vector<codec::Change>> Pending::close_group(const Tree& tree, uint64_t last) {
  begin();
  NOKV_TRY(propagate(tree));
  std::vector<codec::Change> out;
  for (const NodeId& id : touched_) {
    auto found = directories_.find(id);
    if (found == directories_.end()) continue;
    DirectoryState& state = found->second;
    state.listed = false;
    if (!state.dirty || state.gone) continue;
    codec::NodeRecord record;
    record.directory = state.record;
    codec::Change change{codec::node_key(id), codec::encoded(record), state.own_birth};
    auto parent = directories_.find(state.record.parent);
    change.noted = parent != directories_.end() && parent->second.record.changes_since != 0;
    change.quota = static_cast<bool>(state.record.quota);
    put(change.key, change.value, last);
    if (state.own_birth == 0) NOKV_TRY(own_dentry(tree, id, state, last, out));
    state.own_birth = last;
    state.dirty = false;
    in_flight_.emplace_back(last, id);
    state.written = last;
    out.push_back(std::move(change));
  }
  touched_.clear();
  group_first_ = last + 1;
  // Unordered containers have no order to rely on; the log must be the same for the same input.
  std::ranges::sort(out, {}, &codec::Change::key);
  keep();
  return out;
}

// A directory of a clone that gets a record of its own gets a dentry of its own in its directory:
// so whatever is changed below a directory is found by the directory's own dentries.
Result<> Pending::own_dentry(const Tree& tree, const NodeId& id, const DirectoryState& state,
                             uint64_t version, std::vector<codec::Change>& out) {
  if (id.hops.empty() || !state.record.parent) return {};
  std::string key = codec::dentry_key(state.record.parent, state.record.name);
  NOKV_ASSIGN(auto own, tree.view().get(key, kNow));
  if (own) return {};
  codec::Dentry dentry{id, codec::Kind::directory, {}};
  codec::Change change{std::move(key), codec::encoded(dentry)};
  change.new_clone = clone_held(state.record.parent, dentry);
  put(change.key, change.value, version);
  out.push_back(std::move(change));
  return {};
}

void Pending::applied(uint64_t version) {
  while (!order_.empty() && order_.front().first <= version) {
    auto found = entries_.find(order_.front().second);
    if (found != entries_.end()) {
      Decided& decided = found->second;
      std::erase_if(decided.before, [&](const Entry& entry) { return entry.birth <= version; });
      if (decided.last.birth <= version) {
        if (is_link(found->first)) links_.erase(found->first);
        entries_.erase(found);
      }
    }
    order_.pop_front();
  }
  while (!in_flight_.empty() && in_flight_.front().first <= version) {
    auto found = directories_.find(in_flight_.front().second);
    if (found != directories_.end()) {
      DirectoryState& state = found->second;
      if (state.written <= version) state.written = 0;
      if (state.gone) directories_.erase(found);
    }
    in_flight_.pop_front();
  }
  evict();
}

void Pending::clear() {
  keep();
  entries_.clear();
  links_.clear();
  order_.clear();
  order_before_ = 0;
  directories_.clear();
  touched_.clear();
  untold_.clear();
  has_quotas_ = root_seen_ = false;
  in_flight_.clear();
}

// Bounds the directories kept at hand; those with pending changes stay.
void Pending::evict() {
  if (directories_.size() <= evict_at_) return;
  std::erase_if(directories_, [](const auto& row) {
    const DirectoryState& state = row.second;
    return !state.dirty && !state.untold && !state.gone && state.written == 0;
  });
  evict_at_ = std::max(directories_max_, directories_.size() * 2);
}

}  // namespace nokv::meta
