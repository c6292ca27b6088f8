#include "meta/check/past_passes.h"

#include <algorithm>

namespace nokv::meta::fsck {

using codec::PinKind;
using codec::Table;

// ---- rows

Result<> FiledPass::row(std::string_view key, std::string_view /*value*/) {
  std::string_view rest = key.substr(1);
  uint64_t id = 0;
  std::string record_key;
  uint64_t death = 0;
  if (!codec::take_u64(rest, id) || !codec::split_past_key(rest, record_key, death)) {
    return undecodable(key);
  }
  auto stray = [&](std::string detail) {
    report_.add({.code = "filed_stray",
                 .is_error = false,
                 .id = str(id, " ", hex(rest)),
                 .detail = std::move(detail),
                 .repair = DropRow{std::string(key)}});
  };
  const codec::PinRecord* pin = subject_.state->pins->find(id);
  NOKV_ASSIGN(auto value, view_.get_present(rest));
  std::string_view old = value ? std::string_view(*value) : std::string_view();
  uint64_t birth = 0;
  if (pin == nullptr) {
    stray(str("a past record is filed under pin ", id, ", which is not there"));
  } else if (static_cast<Table>(record_key[0]) == Table::clone) {
    stray("the record of a clone is filed, which no pin keeps");
  } else if (!value) {
    stray(str("what is filed under pin ", id, " is not there"));
  } else if (!codec::take_birth(old, birth) || birth > pin->version || pin->version >= death) {
    stray(str("filed under pin ", id, " of version ", pin->version, ", and valid from ", birth,
              " up to ", death));
  } else {
    ++good_;
  }
  return {};
}

// ---- records

PastPass::PastPass(const Subject& subject, Report& report, const FiledPass& filed)
    : subject_(subject), report_(report), filed_(filed), retention_(*subject.state->pins) {}

bool PastPass::open_table() {
  // The past of clones is kept by its own counters.
  while (table_ < codec::kVersionedEnd && (table_ < static_cast<uint8_t>(Table::dentry) ||
                                           table_ == static_cast<uint8_t>(Table::clone))) {
    ++table_;
  }
  if (table_ == codec::kVersionedEnd) return false;
  std::string prefix(1, static_cast<char>(table_ | codec::kPast));
  ++table_;
  rows_ = subject_.view.snapshot().iterate(prefix, codec::prefix_end(prefix));
  rows_->seek(prefix);
  return true;
}

Result<bool> PastPass::step(size_t records) {
  while (records > 0) {
    if (rows_ != nullptr && rows_->valid()) {
      if (!all_) report_.looked_at();
      NOKV_TRY(see(rows_->key()));
      rows_->next();
      --records;
      continue;
    }
    if (rows_ != nullptr) NOKV_TRY(rows_->status());
    if (open_table()) continue;
    if (all_ || good_ >= filed_.good()) return false;
    all_ = true;
    table_ = 0;
    rows_.reset();
  }
  return true;
}

Result<> PastPass::see(std::string_view past) {
  std::string key;
  uint64_t death = 0;
  Raw old;
  std::string_view value = rows_->value();
  if (!codec::split_past_key(past, key, death) || !codec::take_birth(value, old.birth)) {
    if (all_) return {};
    report_.add({.code = "undecodable",
                 .id = hex(past),
                 .detail = "the past record with this key cannot be decoded"});
    return {};
  }
  if (all_) return see_all(past, key, old.birth, death);
  old.value = value;
  auto keeper = retention_.keeper(subject_.view, key, old, death);
  if (!keeper) {
    if (keeper.error().code() != Code::data_loss) return std::unexpected(keeper.error());
    report_.add({.code = "undecodable", .id = hex(past), .detail = keeper.error().message()});
    return {};
  }
  if (*keeper) {
    NOKV_ASSIGN(auto filed, subject_.view.get_present(codec::filed_key(**keeper, past)));
    if (filed) {
      ++good_;
      return {};
    }
  }
  const PinTable& pins = *subject_.state->pins;
  NOKV_ASSIGN(auto filed, pins.filed_under(subject_.view, past, old.birth, death, 1));
  if (!filed.empty()) {
    ++good_;
    // Any pin that needs it will do: when it goes, the record is handed on.
    uint64_t id = filed.front();
    NOKV_ASSIGN(bool needed, retention_.needs(subject_.view, id, *pins.find(id), key, old));
    return needed ? Result<>() : filed_elsewhere(past, id, *keeper);
  }
  report_.add({.code = "past_unfiled",
               .is_error = false,
               .id = hex(past),
               .detail = str("a past record of versions ", old.birth, " to ", death,
                             " is filed under no pin, so it would never be freed"),
               .repair = FilePast{std::string(past)}});
  return {};
}

std::string PastPass::named(uint64_t pin) const {
  const codec::PinRecord& record = *subject_.state->pins->find(pin);
  return str("pin ", pin, " (v", record.version, " of ", record.path, ", ", record.scope.text(),
             ")");
}

// A pin that is going keeps its rows until they are handed on.
Result<> PastPass::filed_elsewhere(std::string_view past, uint64_t pin,
                                   const std::optional<uint64_t>& keeper) {
  if (subject_.state->pins->find(pin)->going) return {};
  report_.add({.code = "filed_elsewhere",
               .is_error = false,
               .id = hex(past),
               .detail = str("filed under ", named(pin), ", and ",
                             keeper ? str("kept by ", named(*keeper)) : "needed by none"),
               .repair = FilePast{std::string(past)}});
  return {};
}

Result<> PastPass::see_all(std::string_view past, const std::string& /*key*/, uint64_t birth,
                           uint64_t death) {
  NOKV_ASSIGN(auto pins,
              subject_.state->pins->filed_under(subject_.view, past, birth, death, SIZE_MAX));
  if (pins.size() < 2) return {};
  report_.add({.code = "filed_twice",
               .id = hex(past),
               .detail = str("a past record is filed under ", pins.size(),
                             " pins: the first that goes could free it for all"),
               .repair = FilePast{std::string(past)}});
  return {};
}

// ---- pins

Result<> PinPass::load_names() {
  loaded_ = true;
  std::string table = codec::table_key(Table::snapshot);
  auto rows = view_.snapshot().iterate(table, codec::prefix_end(table));
  for (rows->seek(table); rows->valid(); rows->next()) {
    report_.looked_at();
    codec::SnapshotRecord record;
    std::string name(rows->key().substr(1));
    if (!codec::decode(rows->value(), record)) {
      NOKV_TRY(undecodable(rows->key()));
      continue;
    }
    auto problem = [&](std::string detail) {
      report_.add(
          {.code = "snapshot", .path = record.path, .id = name, .detail = std::move(detail)});
    };
    const codec::PinRecord* pin = subject_.state->pins->find(record.pin);
    if (pin == nullptr || pin->kind != PinKind::snapshot || pin->going) {
      problem(str("the snapshot's pin ", record.pin, " is not there: what it showed is lost"));
    } else if (pin->version != record.version || pin->scope != record.scope) {
      problem(str("the snapshot is of version ", record.version, ", its pin of ", pin->version));
    } else if (!names_.emplace(record.pin, name).second) {
      problem(str("it shares pin ", record.pin, " with '", names_[record.pin], "'"));
    }
  }
  return rows->status();
}

Result<> PinPass::row(std::string_view key, std::string_view value) {
  if (!loaded_) NOKV_TRY(load_names());
  uint64_t id = 0;
  codec::PinRecord pin;
  if (!codec::split_number_key(key, id) || !codec::decode(value, pin)) return undecodable(key);
  ++pins_;
  auto problem = [&](std::string_view code, std::string detail, Repair repair = {}) {
    report_.add({.code = code,
                 .path = pin.path,
                 .id = std::to_string(id),
                 .detail = std::move(detail),
                 .repair = std::move(repair)});
  };
  if (pin.version == 0 || pin.version > subject_.version()) {
    problem("pin", str("its version ", pin.version, " is none up to ", subject_.version()));
    return {};
  }
  if (id >= subject_.next_id()) {
    problem("bad_id", str("the next id to be given is ", subject_.next_id()), mend_next_id(id));
  }
  if (pin.going) return {};
  if (pin.kind == PinKind::snapshot && !names_.contains(id)) {
    problem("pin_unnamed", str("a snapshot of version ", pin.version, " without a name"),
            NameSnapshot{id});
  }
  NOKV_ASSIGN(bool there, readable(pin));
  if (!there) {
    problem("pin", str("what it keeps of version ", pin.version, " cannot be read"));
  }
  return {};
}

Result<bool> PinPass::readable(const codec::PinRecord& pin) {
  Tree tree(view_, pin.version);
  if (pin.parent) {
    NOKV_ASSIGN(auto entry, tree.dentry(pin.parent, pin.name));
    return entry && entry->child == pin.scope;
  }
  NOKV_ASSIGN(auto node, tree.node(pin.scope));
  return node.has_value();
}

Result<> PinPass::end() {
  if (!loaded_) NOKV_TRY(load_names());
  if (pins_ == subject_.state->pins->size()) return {};
  report_.add({.code = "pin",
               .detail = str("the server goes by ", subject_.state->pins->size(),
                             " pins, stored are ", pins_)});
  return {};
}

}  // namespace nokv::meta::fsck
