#include "meta/flatten.h"

#include <algorithm>

#include "codec/key.h"

namespace nokv::meta {

using codec::CloneRecord;
using codec::Dentry;
using codec::Kind;
using codec::Table;

namespace {

constexpr size_t kLooksMax = 1024;  // records in one step

// The name that follows `last` in a directory: names hold no NUL.
std::string after(std::string_view prefix, std::string_view last) {
  return last.empty() ? std::string(prefix) : str(prefix, last, std::string_view("\1", 1));
}

}  // namespace

Result<std::optional<CloneRecord>> clone_record(const View& view, uint64_t clone) {
  std::string key = codec::clone_key(clone);
  NOKV_ASSIGN(auto record, view.record<CloneRecord>(key, kNow));
  if (record) return record;
  NOKV_ASSIGN(auto life,
              view.present<codec::CloneLife>(codec::number_key(Table::clone_life, clone)));
  if (!life || life->ended == 0) return std::nullopt;
  return view.record<CloneRecord>(key, life->ended - 1);
}

Result<size_t> chain_length(const View& view, CloneRecord record, size_t enough) {
  for (size_t length = 1;; ++length) {
    if (record.parent == 0 || length >= enough) return length;
    if (view.flat(record.parent) != nullptr) return length + 1;
    NOKV_ASSIGN(auto parent,
                view.record<CloneRecord>(codec::clone_key(record.parent), record.version));
    if (!parent) return length;
    record = *std::move(parent);
  }
}

Result<> Flattener::begin(const View& view) {
  begun_ = true;
  NOKV_ASSIGN(auto record, clone_record(view, clone_));
  while (record) {
    flat_.line.push_back({record->parent, record->version});
    if (record->parent == 0 || flat_.line.size() == kLineMax) return {};
    tops_.push_back(record->source);
    if (const codec::FlatClone* below = view.flat(record->parent)) {
      below_ = record->parent;
      size_t rest = std::min(below->line.size(), kLineMax - flat_.line.size());
      flat_.line.insert(flat_.line.end(), below->line.begin(),
                        below->line.begin() + static_cast<ptrdiff_t>(rest));
      return {};
    }
    NOKV_ASSIGN(record,
                view.record<CloneRecord>(codec::clone_key(record->parent), record->version));
  }
  // What the last one was cloned from is where the line ends.
  if (!tops_.empty()) tops_.pop_back();
  return {};
}

Result<bool> Flattener::step(const View& view, size_t max, Rows& out) {
  if (!begun_) NOKV_TRY(begin(view));
  Budget budget{max, kLooksMax, out};
  while (budget.left()) {
    if (at_ == tops_.size()) return copy_rows(view, budget);
    if (!entered_) {
      NOKV_TRY(enter_generation(view, budget));
    } else if (!frames_.empty()) {
      NOKV_TRY(walk(view, budget));
    } else {
      ++at_;
      entered_ = false;
      grave_.clear();
    }
  }
  return true;
}

// Removed nodes, which hang on no entry; then the top.
Result<> Flattener::enter_generation(const View& view, Budget& budget) {
  std::string prefix = codec::number_key(Table::grave, flat_.line[at_].parent);
  auto graves = view.snapshot().iterate(prefix, codec::prefix_end(prefix));
  graves->seek(grave_.empty() ? prefix : grave_ + '\0');
  for (; graves->valid() && budget.left(); graves->next(), --budget.looks) {
    grave_ = graves->key();
    uint64_t of = 0;
    NodeId id;
    if (!codec::split_grave_key(grave_, of, id)) return damaged(grave_);
    std::string key = codec::node_key(id);
    NOKV_ASSIGN(auto then, view.record<codec::NodeRecord>(key, flat_.line[at_].version));
    if (then && then->is_whiteout()) NOKV_TRY(add_own(view, key, budget));
  }
  NOKV_TRY(graves->status());
  if (graves->valid()) return {};
  entered_ = true;
  frames_.push_back({tops_[at_], {}});
  return add_own(view, codec::node_key(tops_[at_]), budget);
}

// Goes on in the directory at hand, until one below it is to be entered. Own entries lead to every
// own record (docs/adr/0013).
Result<> Flattener::walk(const View& view, Budget& budget) {
  size_t depth = frames_.size();
  std::string prefix = codec::dentry_key(frames_.back().directory, {});
  auto rows = view.scan(prefix, after(prefix, frames_.back().last), flat_.line[at_].version);
  for (; frames_.size() == depth && budget.left(); --budget.looks) {
    NOKV_ASSIGN(bool more, rows.next());
    if (!more) {
      frames_.pop_back();
      return {};
    }
    std::string key(rows.key());
    Dentry dentry;
    if (!codec::decode(rows.raw().value, dentry)) return damaged(key);
    frames_.back().last = key.substr(prefix.size());
    NOKV_TRY(see(view, key, dentry, budget));
  }
  return {};
}

// One own entry.
Result<> Flattener::see(const View& view, const std::string& key, const Dentry& dentry,
                        Budget& budget) {
  NOKV_TRY(add_own(view, key, budget));
  if (dentry.kind == Kind::none) return {};
  if (dentry.kind != Kind::directory) return see_file(view, dentry, budget);
  // Without a record of its own nothing changed below.
  std::string node = codec::node_key(dentry.child);
  NOKV_ASSIGN(auto own, view.get(node, flat_.line[at_].version));
  if (!own) return {};
  frames_.push_back({dentry.child, {}});
  return add_own(view, node, budget);
}

Result<> Flattener::see_file(const View& view, const Dentry& dentry, Budget& budget) {
  uint64_t version = flat_.line[at_].version;
  if (last_clone(dentry.child) != flat_.line[at_].parent) return {};
  std::optional<codec::Inode> inode = dentry.inode;
  if (!inode) {
    std::string key = codec::node_key(dentry.child);
    NOKV_ASSIGN(auto node, view.record<codec::NodeRecord>(key, version));
    if (!node) return {};
    NOKV_TRY(add_own(view, key, budget));
    inode = std::move(node->inode);
  }
  if (!inode || inode->body.body_number == 0) return {};
  auto chunks = view.scan(codec::node_table_key(Table::chunk, dentry.child), {}, version);
  for (;;) {
    NOKV_ASSIGN(bool more, chunks.next());
    if (!more) return {};
    NOKV_TRY(add_own(view, chunks.key(), budget));
  }
}

// What the flattened clone at the end of the walk knows of those below it.
Result<bool> Flattener::copy_rows(const View& view, Budget& budget) {
  if (below_ == 0) return false;
  if (view.flat(below_) == nullptr) {
    return fail(Code::unavailable, "clone ", below_, " is not flattened any more");
  }
  auto generations = static_cast<uint32_t>(tops_.size());
  std::string prefix = codec::shortcut_key(below_, {});
  auto rows = view.snapshot().iterate(prefix, codec::prefix_end(prefix));
  rows->seek((copied_.empty() ? prefix : copied_) + '\0');
  for (; rows->valid(); rows->next(), --budget.looks) {
    if (!budget.left()) return true;
    copied_ = rows->key();
    codec::Shortcut shortcut;
    uint64_t of = 0;
    std::string_view key;
    if (!codec::split_shortcut_key(copied_, of, key) || !codec::decode(rows->value(), shortcut)) {
      return damaged(copied_);
    }
    // Where the line ends it is asked for anyway.
    if (shortcut.steps >= flat_.line.size() - generations) continue;
    NOKV_TRY(add(view, key, below_, generations, shortcut.steps + generations, budget));
  }
  NOKV_TRY(rows->status());
  return false;
}

// Of the generation at hand.
Result<> Flattener::add_own(const View& view, std::string_view key, Budget& budget) const {
  auto steps = static_cast<uint32_t>(at_ + 1);
  return add(view, key, flat_.line[at_].parent, steps, steps, budget);
}

// Of the record under `key` as it reads in clone `region`, so many generations back, unless a
// nearer one has a row or it is a record of another region.
Result<> Flattener::add(const View& view, std::string_view key, uint64_t region,
                        uint32_t generations, uint32_t steps, Budget& budget) const {
  NodeId id;
  std::string_view rest;
  if (!codec::split_first_node(key, id, rest)) return damaged(key);
  if (last_clone(id) != region) return {};
  id.hops.back() = {clone_, id.hops.back().generation + generations};
  std::string seen(1, key[0]);
  id.put_key(seen);
  seen += rest;
  std::string row = codec::shortcut_key(clone_, seen);
  if (budget.out.contains(row)) return {};
  std::optional<std::string> there;
  if (!all_) {
    NOKV_ASSIGN(there, view.get_present(row));
  }
  if (!there) budget.out.emplace(std::move(row), steps);
  return {};
}

void plan_flatten(Transaction& txn, uint64_t clone, const codec::FlatClone& flat,
                  const Flattener::Rows& rows, bool last) {
  for (const auto& [key, steps] : rows) txn.set(key, codec::encoded(codec::Shortcut{steps}));
  if (!flat.line.empty()) txn.set(codec::shortcut_key(clone, {}), codec::encoded(flat));
  // Said again each time: the clone may go between two steps, and its shortcuts with it.
  txn.set(codec::number_key(Table::flattening, clone),
          last ? std::nullopt : std::optional<std::string>(""));
}

void plan_drop_shortcuts(Transaction& txn, uint64_t clone, const std::vector<std::string>& keys,
                         bool done) {
  for (const std::string& key : keys) txn.set(key, std::nullopt);
  if (done) txn.set(codec::number_key(Table::flattening, clone), std::nullopt);
}

}  // namespace nokv::meta
