#include "meta/check/clone_passes.h"

#include <algorithm>

#include "meta/region.h"

namespace nokv::meta::fsck {

using codec::PinKind;
using codec::Table;

namespace {

// The clone of a row of one of the three tables; UINT64_MAX at the end.
uint64_t clone_of(const engine::Iterator& rows, bool& good) {
  uint64_t clone = UINT64_MAX;
  if (!rows.valid()) return clone;
  std::string key(rows.key());
  uint64_t death = 0;
  if ((static_cast<uint8_t>(key[0]) & codec::kPast) != 0) {
    std::string past = key;
    good = codec::split_past_key(past, key, death) && good;
  }
  good = codec::split_number_key(key, clone) && good;
  return clone;
}

}  // namespace

std::unique_ptr<engine::Iterator> ClonePass::rows_of(uint8_t table) const {
  std::string prefix(1, static_cast<char>(table));
  auto rows = subject_.view.snapshot().iterate(prefix, codec::prefix_end(prefix));
  rows->seek(prefix);
  return rows;
}

Result<> ClonePass::open() {
  records_ = rows_of(static_cast<uint8_t>(Table::clone));
  past_ = rows_of(static_cast<uint8_t>(Table::clone) | codec::kPast);
  lives_ = rows_of(static_cast<uint8_t>(Table::clone_life));
  for (const auto& [id, pin] : subject_.state->pins->all()) {
    if (pin->kind == PinKind::clone && !pin->going) pins_.emplace_back(id, false);
  }
  for (auto* rows : {&records_, &past_, &lives_}) NOKV_TRY((*rows)->status());
  return {};
}

Result<bool> ClonePass::step(size_t records) {
  if (records_ == nullptr) NOKV_TRY(open());
  switch (stage_) {
    case Stage::load: {
      NOKV_ASSIGN(bool more, load(records));
      if (more) return true;
      stage_ = window_.empty() ? Stage::pins : Stage::live;
      return true;
    }
    case Stage::live:
    case Stage::past: {
      NOKV_ASSIGN(bool more, count(records));
      if (more) return true;
      dentries_.reset();
      stage_ = stage_ == Stage::live ? Stage::past : Stage::pins;
      return true;
    }
    case Stage::pins:
      break;
  }
  NOKV_TRY(end_window());
  stage_ = Stage::load;
  if (last_window_) stray_pins();
  return !last_window_;
}

void ClonePass::undecodable(std::string_view key) {
  report_.add({.code = "undecodable",
               .id = hex(key),
               .detail = "the record with this key cannot be decoded"});
}

bool ClonePass::read_record(Row& row, std::string_view value) {
  uint64_t birth = 0;
  codec::CloneRecord record;
  if (!codec::take_birth(value, birth) || !codec::decode(value, record)) return false;
  row.version = record.version;
  row.pin = record.pin;
  row.source = std::move(record.source);
  return true;
}

// Fills the window with the next clones that any of the tables knows.
Result<bool> ClonePass::load(size_t records) {
  for (; records > 0 && window_.size() < window_max_; --records) {
    bool good = true;
    uint64_t live = clone_of(*records_, good);
    uint64_t past = clone_of(*past_, good);
    uint64_t life = clone_of(*lives_, good);
    if (!good) return fail(Code::data_loss, "a key of the clone tables cannot be decoded");
    Row row{.clone = std::min({live, past, life})};
    if (row.clone == UINT64_MAX) {
      for (auto* rows : {&records_, &past_, &lives_}) NOKV_TRY((*rows)->status());
      last_window_ = true;
      return false;
    }
    report_.looked_at();
    while (past_->valid() && clone_of(*past_, good) == row.clone) {
      std::string key;
      codec::split_past_key(past_->key(), key, row.death);
      if (!read_record(row, past_->value())) undecodable(past_->key());
      past_->next();
    }
    if (live == row.clone) {
      row.live = true;
      if (!read_record(row, records_->value())) undecodable(records_->key());
      records_->next();
    }
    if (life == row.clone) {
      row.life.emplace();
      if (!codec::decode(lives_->value(), *row.life)) undecodable(lives_->key());
      lives_->next();
    }
    window_.push_back(std::move(row));
  }
  return window_.size() < window_max_;
}

Result<bool> ClonePass::count(size_t records) {
  bool past = stage_ == Stage::past;
  if (dentries_ == nullptr) {
    dentries_ = rows_of(static_cast<uint8_t>(Table::dentry) | (past ? codec::kPast : 0));
  }
  std::string live;
  uint64_t death = 0;
  uint64_t birth = 0;
  for (; records > 0 && dentries_->valid(); --records, dentries_->next()) {
    report_.looked_at();
    std::string_view key = dentries_->key();
    if (past) {
      if (!codec::split_past_key(key, live, death)) continue;
      key = live;
    }
    std::string_view value = dentries_->value();
    if (codec::take_birth(value, birth)) hold(clone_held(key, value), past);
  }
  NOKV_TRY(dentries_->status());
  return dentries_->valid();
}

void ClonePass::hold(uint64_t clone, bool past) {
  if (clone == 0) return;
  auto row = std::ranges::lower_bound(window_, clone, {}, &Row::clone);
  if (row == window_.end() || row->clone != clone) return;  // the walk tells of one without record
  ++(past ? row->held_past : row->held_live);
}

Result<> ClonePass::count_others() {
  auto root = Tree(subject_.view, kNow).root();
  if (root) hold(last_clone(*root), false);
  for (const auto& [id, pin] : subject_.state->pins->all()) hold(last_clone(pin->scope), true);
  return {};
}

Result<> ClonePass::end_window() {
  NOKV_TRY(count_others());
  for (const Row& row : window_) {
    NOKV_TRY(compare(row));
    name_pin(row.pin);
    if (row.life) name_pin(row.life->pin);
  }
  window_.clear();
  return {};
}

void ClonePass::name_pin(uint64_t pin) {
  auto found = std::ranges::lower_bound(pins_, pin, {}, [](const auto& it) { return it.first; });
  if (found != pins_.end() && found->first == pin) found->second = true;
}

Result<> ClonePass::compare(const Row& row) {
  auto problem = [&](std::string_view code, bool is_error, const std::string& detail,
                     Repair repair = {}) {
    const codec::PinRecord* pin = subject_.state->pins->find(row.pin);
    report_.add({.code = code,
                 .is_error = is_error,
                 .id = std::to_string(row.clone),
                 .detail = str("clone", pin == nullptr ? "" : " of " + pin->path, ": ", detail),
                 .repair = std::move(repair)});
  };
  if (!row.live && row.death == 0) {
    problem("clone_missing", row.held_live + row.held_past != 0,
            str("it has no record; ", row.held_live, " live and ", row.held_past,
                " past entries need it"));
    return {};
  }
  if (!row.life) {
    problem("clone_life", true, "it has no count of what holds it");
    return {};
  }
  const codec::CloneLife& life = *row.life;
  if (row.live != (life.ended == 0) || (!row.live && life.ended != row.death)) {
    problem("clone_life", true,
            str("it is said to have ended at ", life.ended, "; its record ",
                row.live ? "is live" : str("ended at ", row.death)));
    return {};
  }
  MendClone mend{row.clone, static_cast<int64_t>(row.held_live - life.live),
                 static_cast<int64_t>(row.held_past - life.past)};
  bool counted_right = mend.live == 0 && mend.past == 0;
  if (!counted_right) {
    // More than there is only keeps it longer.
    problem("clone_held", mend.live > 0 || mend.past > 0,
            str("says that ", life.live, " live and ", life.past, " past entries hold it; ",
                row.held_live, " and ", row.held_past, " do"),
            mend);
  }
  NOKV_ASSIGN(auto ending, subject_.view.get_present(codec::number_key(Table::ending, row.clone)));
  bool frees = row.live ? life.live == 0 && !ending : life.past == 0;
  if (counted_right && frees) {
    problem("clone_unended", false, "nothing holds it, and nothing would end it", mend);
  }
  compare_pin(row);
  return {};
}

void ClonePass::compare_pin(const Row& row) {
  const codec::PinRecord* pin = subject_.state->pins->find(row.pin);
  std::string detail;
  if (pin == nullptr || pin->going) {
    detail = str("its pin ", row.pin, pin == nullptr ? " is not there" : " is going",
                 ": what it shows of version ", row.version, " may be lost");
  } else if (pin->version != row.version || pin->scope != row.source) {
    detail = str("it shows version ", row.version, " of ", row.source.text(), ", its pin keeps ",
                 pin->version, " of ", pin->scope.text());
  } else if (row.life->pin != row.pin) {
    detail = str("its pin is ", row.pin, ", and ", row.life->pin, " would go with it");
  } else {
    return;
  }
  report_.add({.code = "clone_pin",
               .path = pin == nullptr ? std::string() : pin->path,
               .id = std::to_string(row.clone),
               .detail = std::move(detail)});
}

void ClonePass::stray_pins() {
  for (const auto& [id, named] : pins_) {
    if (named) continue;
    report_.add({.code = "pin_unnamed",
                 .is_error = false,
                 .path = subject_.state->pins->find(id)->path,
                 .id = std::to_string(id),
                 .detail = "the pin of a clone, which no clone names, so it would never go",
                 .repair = ReleasePin{id}});
  }
}

// ---- whiteouts

Result<> GravePass::row(std::string_view key, std::string_view /*value*/) {
  uint64_t clone = 0;
  NodeId id;
  if (!codec::split_grave_key(key, clone, id)) return undecodable(key);
  NOKV_ASSIGN(auto node, view_.record<codec::NodeRecord>(codec::node_key(id), kNow));
  if (!node || !node->is_whiteout() || last_clone(id) != clone) {
    report_.add({.code = "whiteout_row",
                 .is_error = false,
                 .id = id.text(),
                 .detail = str("listed as removed in clone ", clone, ", and it is not"),
                 .repair = DropRow{std::string(key)}});
    return {};
  }
  NOKV_ASSIGN(auto live, view_.get_present(codec::clone_key(clone)));
  NOKV_ASSIGN(auto ending, view_.get_present(codec::number_key(Table::ending, clone)));
  if (live || ending) return {};
  report_.add({.code = "whiteout_unlisted",
               .is_error = false,
               .id = id.text(),
               .detail = str("a removed node of clone ", clone,
                             ", which ended, and which is not listed to be swept"),
               .repair = ListWhiteout{id}});
  return {};
}

Result<> GravePass::end() {
  std::string table = codec::table_key(Table::ending);
  auto rows = view_.snapshot().iterate(table, codec::prefix_end(table));
  for (rows->seek(table); rows->valid(); rows->next()) {
    report_.looked_at();
    uint64_t clone = 0;
    if (!codec::split_number_key(rows->key(), clone)) {
      NOKV_TRY(undecodable(rows->key()));
      continue;
    }
    std::string key = codec::number_key(Table::clone_life, clone);
    NOKV_ASSIGN(auto life, view_.present<codec::CloneLife>(key));
    if (!life || life->ended != 0 || life->live == 0) continue;
    report_.add({.code = "ending_row",
                 .is_error = false,
                 .id = std::to_string(clone),
                 .detail = str("the clone is listed to be ended, and ", life->live,
                               " live entries hold it"),
                 .repair = DropRow{std::string(rows->key())}});
  }
  return rows->status();
}

}  // namespace nokv::meta::fsck
