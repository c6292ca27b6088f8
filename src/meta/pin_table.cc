#include "meta/pin_table.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "codec/key.h"

namespace nokv::meta {

using codec::PinKind;
using codec::PinRecord;
using codec::Table;

Result<> PinTable::load(const View& view) {
  *this = PinTable();
  auto rows = view.snapshot().iterate(codec::table_key(Table::pin),
                                      codec::prefix_end(codec::table_key(Table::pin)));
  for (rows->seek(codec::table_key(Table::pin)); rows->valid(); rows->next()) {
    uint64_t id = 0;
    PinRecord pin;
    if (!codec::split_number_key(rows->key(), id) || !codec::decode(rows->value(), pin) ||
        static_cast<size_t>(pin.kind) >= kKinds) {
      return damaged(rows->key());
    }
    add(id, std::move(pin));
  }
  return rows->status();
}

void PinTable::add(uint64_t id, PinRecord record) {
  Pin pin{id, std::make_shared<const PinRecord>(std::move(record))};
  pins_.insert(pin);
  list(pin);
}

void PinTable::list(const Pin& pin) {
  const PinRecord& record = *pin.record;
  if (record.going) {
    going_.insert({record.version, pin.id});
    return;
  }
  ++counts_[static_cast<size_t>(record.kind)];
  live_.insert({record.version, pin.id});
  if (record.kind == PinKind::moment) moments_.insert({record.version, pin.id});
  by_scope_.insert({std::hash<NodeId>()(record.scope), record.version, pin.id});
  if (record.kind != PinKind::clone) by_path_.insert(pin);
  if (record.expires_ns != 0) expiring_.insert({record.expires_ns, pin.id});
}

void PinTable::unlist(const Pin& pin) {
  const PinRecord& record = *pin.record;
  if (record.going) {
    going_.erase(Live{record.version, pin.id});
    return;
  }
  --counts_[static_cast<size_t>(record.kind)];
  live_.erase(Live{record.version, pin.id});
  moments_.erase(Live{record.version, pin.id});
  by_scope_.erase(Scoped{std::hash<NodeId>()(record.scope), record.version, pin.id});
  by_path_.erase(pin);
  expiring_.erase(Expiry{record.expires_ns, pin.id});
}

void PinTable::remove(uint64_t id) {
  const Pin* found = pins_.find(id);
  if (found == nullptr) return;
  unlist(*found);
  pins_.erase(id);
}

void PinTable::mark_going(uint64_t id) {
  const PinRecord* found = find(id);
  if (found == nullptr) return;
  PinRecord record = *found;
  record.going = true;
  remove(id);
  add(id, std::move(record));
}

void PinTable::renew(uint64_t id, int64_t expires_ns) {
  const PinRecord* found = find(id);
  if (found == nullptr) return;
  PinRecord record = *found;
  record.expires_ns = expires_ns;
  remove(id);
  add(id, std::move(record));
}

const PinRecord* PinTable::find(uint64_t id) const {
  const Pin* found = pins_.find(id);
  return found == nullptr ? nullptr : found->record.get();
}

uint64_t PinTable::oldest_version() const {
  const Live* first = live_.first();
  return first == nullptr ? 0 : first->version;
}

uint64_t PinTable::newest_version() const {
  const Live* last = live_.last();
  return last == nullptr ? 0 : last->version;
}

namespace {

PinTable::Live newest_of(const SharedSet<PinTable::Live>& rows, uint64_t low, uint64_t high,
                         uint64_t skip) {
  using Live = PinTable::Live;
  const Live* last = rows.before(Live{high + 1, 0});
  if (last != nullptr && last->id == skip) last = rows.before(*last);
  if (last == nullptr || last->version < low) return {};
  const Live* first = rows.at_or_after(Live{last->version, 0});
  return first->id == skip ? *rows.at_or_after(Live{first->version, skip + 1}) : *first;
}

// Whether the pin of `path`, or of what is above it, shows it: that of a file only the file.
bool covers(const PinRecord& pin, std::string_view path) { return !pin.parent || pin.path == path; }

// `path` and all above it: "/a/b", "/a", "/".
std::vector<std::string_view> upward(std::string_view path) {
  std::vector<std::string_view> out;
  for (size_t end = path.size(); end > 1; end = path.rfind('/', end - 1)) {
    if (end == std::string_view::npos) break;
    out.push_back(path.substr(0, end));
  }
  out.push_back("/");
  return out;
}

}  // namespace

PinTable::Live PinTable::newest(uint64_t low, uint64_t high, const NodeId* scope,
                                uint64_t skip) const {
  if (scope == nullptr) return newest_of(live_, low, high, skip);
  size_t hash = std::hash<NodeId>()(*scope);
  auto fits = [&](const Scoped& row) { return row.id != skip && find(row.id)->scope == *scope; };
  const Scoped* row = by_scope_.before(Scoped{hash, high + 1, 0});
  while (row != nullptr && row->hash == hash && row->version >= low && !fits(*row)) {
    row = by_scope_.before(*row);
  }
  if (row == nullptr || row->hash != hash || row->version < low) return {};
  row = by_scope_.at_or_after(Scoped{hash, row->version, 0});
  while (!fits(*row)) row = by_scope_.at_or_after(Scoped{hash, row->version, row->id + 1});
  return {row->version, row->id};
}

PinTable::Live PinTable::newest_moment(uint64_t low, uint64_t high, uint64_t skip) const {
  return newest_of(moments_, low, high, skip);
}

void PinTable::gather(uint64_t low, uint64_t high, const NodeId& scope, PinKind kind, size_t max,
                      std::vector<uint64_t>& out) const {
  size_t hash = std::hash<NodeId>()(scope);
  const Scoped* row = by_scope_.before(Scoped{hash, high + 1, 0});
  for (; row != nullptr && row->hash == hash && row->version >= low && out.size() < max;
       row = by_scope_.before(*row)) {
    const PinRecord& pin = *find(row->id);
    if (pin.kind == kind && pin.scope == scope) out.push_back(row->id);
  }
}

std::vector<const PinRecord*> PinTable::showing(std::string_view path) const {
  std::vector<const Pin*> found;
  for (std::string_view scope : upward(path)) {
    const Pin* pin = by_path_.at_or_after(PathKey{scope});
    for (; pin != nullptr && pin->record->path == scope;
         pin = by_path_.at_or_after(PathKey{scope, pin->record->version, pin->id + 1})) {
      if (covers(*pin->record, path)) found.push_back(pin);
    }
  }
  std::ranges::sort(found, {}, [](const Pin* pin) { return Live{pin->record->version, pin->id}; });
  std::vector<const PinRecord*> out;
  for (const Pin* pin : found) out.push_back(pin->record.get());
  return out;
}

const PinRecord* PinTable::showing_at(std::string_view path, uint64_t version) const {
  const PinRecord* widest = nullptr;
  for (std::string_view scope : upward(path)) {
    const Pin* pin = by_path_.at_or_after(PathKey{scope, version});
    while (pin != nullptr && pin->record->path == scope && pin->record->version == version) {
      if (covers(*pin->record, path)) {
        widest = pin->record.get();
        break;
      }
      pin = by_path_.at_or_after(PathKey{scope, version, pin->id + 1});
    }
  }
  return widest;
}

Result<std::vector<uint64_t>> PinTable::filed_under(const View& view, std::string_view past,
                                                    uint64_t birth, uint64_t death,
                                                    size_t max) const {
  std::vector<uint64_t> out;
  for (const auto* pins : {&live_, &going_}) {
    const Live* row = pins->before(Live{death, 0});
    for (; row != nullptr && row->version >= birth && out.size() < max; row = pins->before(*row)) {
      NOKV_ASSIGN(auto filed, view.get_present(codec::filed_key(row->id, past)));
      if (filed) out.push_back(row->id);
    }
  }
  return out;
}

std::vector<uint64_t> PinTable::expired(int64_t now_ns) const {
  std::vector<uint64_t> out;
  for (const Expiry* row = expiring_.first(); row != nullptr && row->ns <= now_ns;
       row = expiring_.at_or_after(Expiry{row->ns, row->id + 1})) {
    out.push_back(row->id);
  }
  return out;
}

}  // namespace nokv::meta
