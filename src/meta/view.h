// The one reader: records as they are, or as they were at a version that is still kept.
//
// Rule (docs/formats/keys.md): at version V, a key has the value of its first past record with
// death > V if that was born at or before V; if there is no such past record, its live value if
// that was born at or before V; else it did not exist.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/record.h"
#include "engine/engine.h"
#include "meta/cache.h"
#include "meta/shared_set.h"

namespace nokv::meta {

// "Now" as a version to read at.
constexpr uint64_t kNow = UINT64_MAX;

// A value of a versioned table, without its birth.
struct Raw {
  uint64_t birth = 0;
  std::string value;
};

// Changes that are decided but not applied yet, laid over the engine for the planner.
class Overlay {
 public:
  virtual ~Overlay() = default;
  struct Entry {
    std::optional<std::string> value;  // without birth; absent: removed
    uint64_t birth = 0;                // the version that decided it
  };
  // What was decided last up to version `at`; null: nothing that is pending.
  virtual const Entry* find(std::string_view key, uint64_t at) const = 0;
  // Keys of the link table that are pending, with `prefix`, removed ones included.
  virtual std::vector<std::string> pending_links(std::string_view prefix) const = 0;
};

// A clone whose shortcuts are whole.
struct Flat {
  uint64_t clone = 0;
  std::shared_ptr<const codec::FlatClone> line;
};
struct FlatByClone {
  static uint64_t id(uint64_t clone) { return clone; }
  static uint64_t id(const Flat& flat) { return flat.clone; }
  bool operator()(const auto& a, const auto& b) const { return id(a) < id(b); }
};
using FlatClones = SharedSet<Flat, FlatByClone>;

// Reads one engine snapshot. Immutable, so any thread may use it. Blocks only on the engine's
// files. Errors: data_loss, unavailable.
class View {
 public:
  // `version` is that of the snapshot. `cache` and `overlay` may be null and outlive the view.
  // Without `flat`, chains of clones are read one by one.
  View(std::shared_ptr<const engine::Snapshot> snapshot, uint64_t version, RecordCache* cache,
       const Overlay* overlay = nullptr, FlatClones flat = {})
      : snapshot_(std::move(snapshot)),
        version_(version),
        cache_(cache),
        overlay_(overlay),
        flat_(std::move(flat)) {}

  uint64_t version() const { return version_; }
  const engine::Snapshot& snapshot() const { return *snapshot_; }

  // Null: the clone is not flattened.
  const codec::FlatClone* flat(uint64_t clone) const {
    const Flat* found = flat_.find(clone);
    return found == nullptr ? nullptr : found->line.get();
  }

  // A record of a versioned table at `at`.
  Result<std::optional<Raw>> get(std::string_view key, uint64_t at) const;

  // A value of a table that holds only the present.
  Result<std::optional<std::string>> get_present(std::string_view key) const;

  // get(), decoded.
  template <class T>
  Result<std::optional<T>> record(std::string_view key, uint64_t at,
                                  uint64_t* birth = nullptr) const;
  template <class T>
  Result<std::optional<T>> present(std::string_view key) const;

  // Walks the records with `prefix` at version `at` in key order, from `from` on. With an overlay
  // it sees only what is applied.
  class Scan {
   public:
    // True when there is one; key and raw are set.
    Result<bool> next();
    std::string_view key() const { return key_; }
    const Raw& raw() const { return raw_; }

   private:
    friend class View;
    bool live_first() const;
    Result<bool> take_live();
    Result<bool> take_past(std::string& key, bool& answered);

    std::unique_ptr<engine::Iterator> live_;
    std::unique_ptr<engine::Iterator> past_;  // null when reading now
    uint64_t at_ = kNow;
    std::string key_;
    Raw raw_;
  };
  Scan scan(std::string_view prefix, std::string_view from, uint64_t at) const;

  // The keys of the link table with `prefix` that are there at version `at`, pending ones included.
  Result<std::vector<std::string>> links(std::string_view prefix, uint64_t at) const;

 private:
  Result<std::optional<Raw>> get_live(std::string_view key, uint64_t at) const;
  Result<std::optional<Raw>> get_stored(std::string_view key) const;

  std::shared_ptr<const engine::Snapshot> snapshot_;
  uint64_t version_;
  RecordCache* cache_;
  const Overlay* overlay_;
  FlatClones flat_;
};

// The error for a value that cannot be decoded: the engine's files hold what we did not write.
std::unexpected<Error> damaged(std::string_view key);

}  // namespace nokv::meta

namespace nokv::meta {

template <class T>
Result<std::optional<T>> View::record(std::string_view key, uint64_t at, uint64_t* birth) const {
  NOKV_ASSIGN(auto raw, get(key, at));
  if (birth != nullptr) *birth = raw ? raw->birth : 0;
  if (!raw) return std::nullopt;
  T out;
  if (!codec::decode(raw->value, out)) return damaged(key);
  return out;
}

template <class T>
Result<std::optional<T>> View::present(std::string_view key) const {
  NOKV_ASSIGN(auto value, get_present(key));
  if (!value) return std::nullopt;
  T out;
  if (!codec::decode(*value, out)) return damaged(key);
  return out;
}

}  // namespace nokv::meta
