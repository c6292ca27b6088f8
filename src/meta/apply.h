// From redo record to engine: the one place that changes state.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "codec/redo.h"
#include "engine/engine.h"
#include "meta/cache.h"
#include "meta/pins.h"
#include "meta/state.h"

namespace nokv::meta {

// Applies groups in order, each as one atomic batch that also stores the version and the log's
// digest. A function of the engine's state and the group, so recovery and a standby come to the
// same state; asks no clock. Home: one thread (the shard's sequencer).
class Applier {
 public:
  // Both outlive the applier.
  Applier(engine::Engine& engine, RecordCache& cache)
      : engine_(engine), cache_(cache), retention_(pins_) {}

  // Reads the state the engine holds. Errors: data_loss, unavailable.
  Result<> load();

  // Errors are final: the engine could not take the batch (data_loss, resource_exhausted,
  // unavailable), and the caller has to stop; replay will do it again.
  Result<> apply(const codec::RedoGroup& group, const std::array<uint8_t, 16>& digest);

  // The newest state.
  State state() const;

  uint64_t version() const { return record_.version; }
  const codec::StateRecord& record() const { return record_; }
  const PinTable& pins() const { return pins_; }

 private:
  struct BlobChange {
    int64_t references = 0;
    const codec::NewBlob* added = nullptr;
    bool settle = false;  // even if the count stays: a live blob without mentions dies
  };
  using BlobKey = std::pair<uint64_t, bool>;  // id, inline
  struct LifeChange {
    int64_t live = 0;
    int64_t past = 0;
    uint64_t pin = 0;    // of a clone made here
    uint64_t ended = 0;  // the version that ended it
  };

  Result<> apply_record(const codec::RedoRecord& record, uint64_t version);
  Result<> apply_change(const codec::Change& change, uint64_t version);
  Result<> retire(const codec::Change& change, uint64_t version);
  Result<> apply_upkeep(const codec::Upkeep& upkeep);
  Result<> refile(const codec::Upkeep& upkeep);
  Result<> hand_on(std::string_view past, uint64_t skip_pin);
  Result<> mend_references(const codec::MendedReferences& mended);
  Result<> mend_clone(const codec::MendedClone& mended);
  Result<> mention(std::string_view key, std::string_view value, int64_t sign);
  Result<> write_blobs(int64_t now_ns);
  Result<> write_blob(uint64_t blob, const BlobChange& change, int64_t now_ns);
  Result<> write_inline(uint64_t blob, const BlobChange& change);
  void put_pin(uint64_t id);
  void mark_going(uint64_t pin);
  Result<> note(const codec::Change& change, uint64_t version);
  Result<> change_root(const codec::Set& set);
  Result<> change_flat(std::string_view key, const std::optional<std::string>& value);
  Result<> keep_flattening(const std::string& key);
  Result<> load_flat(const View& view);
  Result<> change_clone(const codec::Change& change, uint64_t version);
  Result<> write_lives();
  Result<> free_clone(uint64_t clone, const codec::CloneLife& life);

  engine::Engine& engine_;
  RecordCache& cache_;
  PinTable pins_;
  Retention retention_;
  codec::StateRecord record_;
  FlatClones flat_;
  std::shared_ptr<const PinTable> published_pins_;
  bool pins_changed_ = true;

  // Of the group being applied.
  std::unique_ptr<engine::Batch> batch_;
  std::unique_ptr<View> before_;
  uint64_t first_ = 0;
  std::unordered_map<std::string_view, const codec::Change*> newest_;  // changes of this group
  std::map<BlobKey, BlobChange> blobs_;
  std::map<uint64_t, LifeChange> lives_;  // of clones
  std::string newest_root_;               // the root record, when this group changed it
};

}  // namespace nokv::meta
