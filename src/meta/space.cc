#include "meta/space.h"

#include <algorithm>
#include <utility>

#include "codec/key.h"
#include "meta/tree.h"

namespace nokv::meta {

using codec::PinKind;
using codec::Table;

namespace {

std::unique_ptr<engine::Iterator> rows_of(const View& view, Table table) {
  auto rows =
      view.snapshot().iterate(codec::table_key(table), codec::prefix_end(codec::table_key(table)));
  rows->seek(codec::table_key(table));
  return rows;
}

void add(SpaceSum& sum, uint64_t bytes, bool begins) {
  sum.bytes += bytes;
  sum.files += begins ? 1 : 0;
}

}  // namespace

uint64_t SpaceFigures::bytes() const {
  uint64_t sum = live.bytes + shared.bytes + shared_clones.bytes + kept_bytes() + dead.bytes;
  for (const auto& [pin, clone] : clones) sum += clone.bytes;
  for (const auto& [pin, snapshot] : snapshots) sum += snapshot.bytes;
  return sum;
}

SpaceScan::SpaceScan(std::shared_ptr<const State> state, size_t window_max)
    : state_(std::move(state)),
      view_(state_->snapshot, state_->record.version, nullptr),
      retention_(*state_->pins),
      window_max_(window_max) {
  figures_.version = state_->record.version;
  figures_.time_ns = state_->record.time_ns;
  for (const auto& [id, pin] : state_->pins->all()) {
    if (pin->kind == PinKind::snapshot && !pin->going) figures_.snapshots[id];
  }
}

Result<bool> SpaceScan::step(size_t records) {
  if (blobs_ == nullptr) {
    blobs_ = rows_of(view_, Table::blob);
    inline_ = rows_of(view_, Table::inline_blob);
  }
  if (scan_ == nullptr) {
    NOKV_ASSIGN(bool more, load(records));
    if (!more) scan_ = std::make_unique<fsck::MentionScan>(view_, false);
    return true;
  }
  NOKV_ASSIGN(bool more, count(records));
  if (more) return true;
  sum_up();
  scan_.reset();
  window_.clear();
  from_ = last_ + 1;
  return !last_window_;
}

// Fills the window with the next blobs of both tables, in the order of their ids.
Result<bool> SpaceScan::load(size_t records) {
  while (records-- > 0 && window_.size() < window_max_) {
    NOKV_TRY(blobs_->status());
    NOKV_TRY(inline_->status());
    if (!blobs_->valid() && !inline_->valid()) {
      last_window_ = true;
      last_ = UINT64_MAX;
      return false;
    }
    bool small = !blobs_->valid() ||
                 (inline_->valid() && inline_->key().substr(1) < blobs_->key().substr(1));
    auto& rows = small ? inline_ : blobs_;
    Row row{.is_inline = small};
    codec::BlobRecord blob;
    codec::InlineRecord inline_blob;
    if (!codec::split_number_key(rows->key(), row.blob) ||
        (small ? !codec::decode(rows->value(), inline_blob)
               : !codec::decode(rows->value(), blob))) {
      return damaged(rows->key());
    }
    row.bytes = small ? inline_blob.bytes.size() : blob.bytes;
    row.dead = !small && blob.state == codec::BlobState::dead;
    row.external = !small && blob.external;
    last_ = row.blob;
    window_.push_back(row);
    rows->next();
  }
  return window_.size() < window_max_;
}

Result<bool> SpaceScan::count(size_t records) {
  while (records-- > 0) {
    NOKV_ASSIGN(bool more, scan_->next());
    if (!more) return false;
    NOKV_TRY(mentioned());
  }
  return true;
}

Result<> SpaceScan::mentioned() {
  Holder holder;
  for (const auto& mention : scan_->mentions()) {
    if (mention.blob < from_ || mention.blob > last_) continue;
    auto order = [](const Row& row) { return std::pair(row.blob, row.is_inline); };
    auto row =
        std::ranges::lower_bound(window_, std::pair(mention.blob, mention.is_inline), {}, order);
    if (row == window_.end() || row->blob != mention.blob) continue;
    row->begins = row->begins || (mention.whole && &mention == &scan_->mentions().front());
    if (row->reason == Reason::live) continue;
    if (holder.reason == Reason::none) {  // the same for all that this record mentions
      holder.reason = Reason::live;
      if (scan_->death() != 0) {
        NOKV_ASSIGN(holder, holder_of_past());
      }
      if (holder.reason == Reason::none) return {};
    }
    hold(*row, holder);
  }
  return {};
}

uint64_t SpaceScan::version_of(uint64_t pin) const {
  const codec::PinRecord* record = state_->pins->find(pin);
  return record == nullptr ? 0 : record->version;
}

void SpaceScan::hold(Row& row, const Holder& holder) const {
  if (holder.reason < row.reason) return;
  bool same = holder.reason == row.reason;
  if (same && holder.reason == Reason::kept && version_of(holder.pin) <= version_of(row.pin)) {
    return;
  }
  bool several = same && holder.pin != row.pin && holder.reason != Reason::kept;
  row.reason = holder.reason;
  row.pin = several ? 0 : holder.pin;
}

// Who keeps the past record at hand: snapshots first, then clones, then the pin it is filed under.
Result<SpaceScan::Holder> SpaceScan::holder_of_past() {
  Raw old{scan_->birth(), std::string(scan_->record())};
  for (auto [kind, reason] :
       {std::pair(PinKind::snapshot, Reason::snapshot), std::pair(PinKind::clone, Reason::clone)}) {
    NOKV_ASSIGN(auto pins,
                retention_.needing(view_, scan_->record_key(), old, scan_->death(), kind, 2));
    if (!pins.empty()) return Holder{reason, pins.size() == 1 ? pins.front() : 0};
  }
  NOKV_ASSIGN(auto pins,
              state_->pins->filed_under(view_, scan_->key(), old.birth, scan_->death(), 1));
  return pins.empty() ? Holder{} : Holder{Reason::kept, pins.front()};
}

void SpaceScan::sum_up() {
  for (const Row& row : window_) {
    if (row.external) {
      if (!row.dead && row.reason != Reason::none) {
        add(figures_.imported, row.bytes, row.begins);
      }
      continue;
    }
    if (row.dead) {
      add(figures_.dead, row.bytes, true);
      continue;
    }
    switch (row.reason) {
      case Reason::live:
        add(figures_.live, row.bytes, row.begins);
        break;
      case Reason::snapshot:
        add(row.pin == 0 ? figures_.shared : figures_.snapshots[row.pin], row.bytes, row.begins);
        break;
      case Reason::clone:
        add(row.pin == 0 ? figures_.shared_clones : figures_.clones[row.pin], row.bytes,
            row.begins);
        break;
      case Reason::kept: {
        add(figures_.kept[row.pin], row.bytes, row.begins);
        bool undo = state_->pins->find(row.pin)->kind == PinKind::undo;
        add(undo ? figures_.undo : figures_.moments, row.bytes, row.begins);
        break;
      }
      case Reason::none:  // fsck tells
        break;
    }
  }
}

std::vector<uint64_t> pins_over_budget(const PinTable& pins, const SpaceFigures& figures,
                                       uint64_t budget) {
  std::vector<uint64_t> out;
  uint64_t kept = figures.kept_bytes();
  for (const PinTable::Live& row : pins.live()) {
    if (kept <= budget) break;
    PinKind kind = pins.find(row.id)->kind;
    if (kind != PinKind::moment && kind != PinKind::undo) continue;
    out.push_back(row.id);
    auto sum = figures.kept.find(row.id);
    if (sum != figures.kept.end()) kept -= std::min(kept, sum->second.bytes);
  }
  return out;
}

}  // namespace nokv::meta
