#include "meta/check/shortcut_pass.h"

#include <algorithm>

namespace nokv::meta::fsck {

using codec::Table;

void ShortcutPass::problem(uint64_t clone, const std::string& detail, Repair repair) {
  report_.add({.code = "shortcut",
               .id = std::to_string(clone),
               .detail = str("clone ", clone, ": ", detail),
               .repair = std::move(repair)});
}

Result<bool> ShortcutPass::step(size_t records) {
  if (!flattener_) return next_clone();
  Flattener::Rows rows;
  NOKV_ASSIGN(bool more, flattener_->step(subject_.view, records, rows));
  report_.looked_at(rows.size());
  for (const auto& [key, steps] : rows) NOKV_TRY(compare(key, steps));
  if (more) return true;
  codec::FlatClone flat;
  std::string key = codec::shortcut_key(flattener_->clone(), {});
  NOKV_ASSIGN(auto stored, subject_.view.present<codec::FlatClone>(key));
  auto same = [](const codec::FlatStep& a, const codec::FlatStep& b) {
    return a.parent == b.parent && a.version == b.version;
  };
  if (stored && !std::ranges::equal(stored->line, flattener_->flat().line, same)) {
    flat = flattener_->flat();
    flat.whole = stored->whole;
    problem(flattener_->clone(), "it is said to come from others than it does",
            PutRow{key, codec::encoded(flat)});
  }
  flattener_.reset();
  return true;
}

// False: that was the last.
Result<bool> ShortcutPass::next_clone() {
  std::string table = codec::table_key(Table::shortcut);
  auto rows = subject_.view.snapshot().iterate(table, codec::prefix_end(table));
  rows->seek(at_.empty() ? table : codec::prefix_end(at_));
  if (!rows->valid()) {
    NOKV_TRY(rows->status());
    return false;
  }
  uint64_t clone = 0;
  std::string_view of;
  codec::FlatClone flat;
  if (!codec::split_shortcut_key(rows->key(), clone, of)) return damaged(rows->key());
  at_ = codec::shortcut_key(clone, {});
  report_.looked_at();
  std::string queued = codec::number_key(Table::flattening, clone);
  NOKV_ASSIGN(auto queue, subject_.view.get_present(queued));
  NOKV_ASSIGN(auto record, clone_record(subject_.view, clone));
  if (!record) {
    if (!queue) problem(clone, "it is gone, and nothing would sweep its rows", PutRow{queued, ""});
  } else if (!of.empty() || !codec::decode(rows->value(), flat)) {
    problem(clone, "what it is read through to is not told", DropRow{at_});
  } else if (flat.whole) {
    flattener_.emplace(clone, true);
  } else if (!queue) {
    problem(clone, "its rows are not whole, and nothing would go on", PutRow{queued, ""});
  }
  return true;
}

Result<> ShortcutPass::compare(const std::string& key, uint32_t steps) {
  NOKV_ASSIGN(auto stored, subject_.view.present<codec::Shortcut>(key));
  if (stored && stored->steps != 0 && stored->steps <= steps) return {};
  uint64_t clone = flattener_->clone();
  std::string of = hex(std::string_view(key).substr(codec::shortcut_key(clone, {}).size()));
  problem(clone,
          str("a record with key ", of, " changed ", steps, " generations ago, and ",
              stored ? str("is asked for ", stored->steps, " ago") : "is not asked for there"),
          PutRow{key, codec::encoded(codec::Shortcut{steps})});
  return {};
}

}  // namespace nokv::meta::fsck
