#include "meta/view.h"

#include <algorithm>
#include <iterator>

#include "base/known_bad.h"
#include "codec/key.h"

namespace nokv::meta {

namespace {

// Takes the birth off `value`.
Result<Raw> parse(std::string_view key, std::string_view value) {
  Raw raw;
  if (!codec::take_birth(value, raw.birth)) return damaged(key);
  raw.value = value;
  return raw;
}

bool is_cached(std::string_view key) {
  auto table = static_cast<codec::Table>(key[0]);
  return table == codec::Table::dentry || table == codec::Table::node ||
         table == codec::Table::clone;
}

}  // namespace

std::unexpected<Error> damaged(std::string_view key) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (char c : key.substr(0, 64)) {
    hex += kHex[static_cast<uint8_t>(c) >> 4];
    hex += kHex[static_cast<uint8_t>(c) & 15];
  }
  return fail(Code::data_loss, "the metadata record with key ", hex, " cannot be decoded");
}

Result<std::optional<Raw>> View::get_live(std::string_view key, uint64_t at) const {
  if (overlay_ != nullptr) {
    if (const Overlay::Entry* pending = overlay_->find(key, at)) {
      if (!pending->value) return std::nullopt;
      return Raw{pending->birth, *pending->value};
    }
  }
  return get_stored(key);
}

// As it is in the snapshot.
Result<std::optional<Raw>> View::get_stored(std::string_view key) const {
  bool cached = cache_ != nullptr && is_cached(key);
  if (cached) {
    if (auto value = cache_->find(key, version_)) return parse(key, *value);
  }
  std::string value;
  NOKV_ASSIGN(bool found, snapshot_->get(key, value));
  if (!found) return std::nullopt;
  if (cached) cache_->offer(key, value, version_);
  return parse(key, value);
}

Result<std::optional<Raw>> View::get(std::string_view key, uint64_t at) const {
  if (at >= version_) return get_live(key, at);
  NOKV_ASSIGN(auto live, get_stored(key));
  if (live && live->birth <= at) return live;  // every past record died at or before its birth
  std::string from = codec::past_key(key, at + 1);
  std::string end = codec::past_key(key, UINT64_MAX);
  auto past = snapshot_->iterate(from, end);
  past->seek(from);
  if (!past->valid()) {
    NOKV_TRY(past->status());
    return std::nullopt;
  }
  NOKV_ASSIGN(Raw old, parse(key, past->value()));
  if (old.birth > at) return std::nullopt;
  return old;
}

Result<std::optional<std::string>> View::get_present(std::string_view key) const {
  if (overlay_ != nullptr) {
    if (const Overlay::Entry* pending = overlay_->find(key, kNow)) return pending->value;
  }
  std::string value;
  NOKV_ASSIGN(bool found, snapshot_->get(key, value));
  if (!found) return std::nullopt;
  return value;
}

View::Scan View::scan(std::string_view prefix, std::string_view from, uint64_t at) const {
  Scan scan;
  std::string end = codec::prefix_end(std::string(prefix));
  std::string start(from.empty() ? prefix : from);
  scan.live_ = snapshot_->iterate(start, end);
  scan.live_->seek(start);
  if (at < version_ && !known_bad(KnownBad::scan_live_only)) {
    scan.at_ = at;
    auto to_past = [](std::string key) {
      key[0] = static_cast<char>(static_cast<uint8_t>(key[0]) | codec::kPast);
      return key;
    };
    scan.past_ = snapshot_->iterate(to_past(start), to_past(end));
    scan.past_->seek(to_past(start));
  }
  return scan;
}

Result<std::vector<std::string>> View::links(std::string_view prefix, uint64_t at) const {
  std::vector<std::string> keys;
  auto rows = scan(prefix, {}, at);
  for (;;) {
    NOKV_ASSIGN(bool more, rows.next());
    if (!more) break;
    keys.emplace_back(rows.key());
  }
  if (overlay_ == nullptr || at < version_) return keys;
  std::ranges::move(overlay_->pending_links(prefix), std::back_inserter(keys));
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  std::vector<std::string> there;
  for (std::string& key : keys) {
    NOKV_ASSIGN(auto row, get(key, at));
    if (row) there.push_back(std::move(key));
  }
  return there;
}

Result<bool> View::Scan::take_live() {
  key_.assign(live_->key());
  NOKV_ASSIGN(raw_, parse(key_, live_->value()));
  live_->next();
  return true;
}

// Takes all past records of the first key in the past range. `answered`: raw_ is what the key was.
Result<bool> View::Scan::take_past(std::string& key, bool& answered) {
  uint64_t death = 0;
  if (!codec::split_past_key(past_->key(), key, death)) return damaged(past_->key());
  answered = false;
  bool decided = false;
  std::string other;
  while (past_->valid()) {
    if (!codec::split_past_key(past_->key(), other, death)) return damaged(past_->key());
    if (other != key) break;
    if (!decided && death > at_) {
      decided = true;
      NOKV_ASSIGN(Raw old, parse(key, past_->value()));
      if (old.birth <= at_) {
        raw_ = std::move(old);
        answered = true;
      }
    }
    past_->next();
  }
  return decided;
}

Result<bool> View::Scan::next() {
  if (past_ == nullptr) {
    if (live_->valid()) return take_live();
    NOKV_TRY(live_->status());
    return false;
  }
  while (live_->valid() || past_->valid()) {
    bool has_past = false;
    std::string past_key;
    if (past_->valid()) {
      uint64_t death = 0;
      if (!codec::split_past_key(past_->key(), past_key, death)) return damaged(past_->key());
      has_past = !live_->valid() || past_key <= live_->key();
    }
    if (!has_past) {
      NOKV_TRY(take_live());
      if (raw_.birth <= at_) return true;
      continue;
    }
    bool has_live = live_->valid() && live_->key() == past_key;
    bool answered = false;
    NOKV_ASSIGN(bool decided, take_past(past_key, answered));
    if (has_live && decided) live_->next();
    if (answered) {
      key_ = past_key;
      return true;
    }
    if (has_live && !decided) {
      NOKV_TRY(take_live());
      if (raw_.birth <= at_) return true;
    }
  }
  NOKV_TRY(live_->status());
  NOKV_TRY(past_->status());
  return false;
}

}  // namespace nokv::meta
