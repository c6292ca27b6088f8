// One fsck on its way.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "codec/digester.h"
#include "codec/key.h"
#include "meta/check/check.h"
#include "meta/check/mentions.h"
#include "meta/check/repair.h"
#include "shard/checker.h"

namespace nokv::shard {

// Home: the checker's executor. Each phase is a few tasks after another; next() is the only way
// on.
class Checker::Run : public std::enable_shared_from_this<Checker::Run> {
 public:
  Run(Checker& checker, codec::FsckRequest request, Clock::Instant deadline);

  void begin();
  // Lets go of the engine: answers of the store may still hold the run for a while. Only when the
  // executor is gone.
  void abandon();
  // Somebody with this deadline waits too. Home: the executor.
  void extend(Clock::Instant deadline) { deadline_ = std::max(deadline_, deadline); }

 private:
  enum class Phase : uint8_t {
    records,
    bodies,
    blobs,
    orphans,
    naming,
    repairs,
    end
  };

  void next();
  void work();
  void records();
  void bodies();
  void blobs();
  void orphans();
  void naming();
  void repairs();
  void finish(Result<codec::FsckReply> reply);
  codec::FsckReply reply();

  // The store.
  void look(std::vector<Look> looks);
  void seen(const Look& look, const Result<Held>& held);
  bool still_live(uint64_t blob);
  void expand(uint64_t blob, const codec::BlobRecord& record, const std::string& path,
              std::vector<Look>& out);
  void expand_external(uint64_t blob, const codec::BlobRecord& record, const std::string& path,
                       std::vector<Look>& out);
  LookStores stores() { return {checker_.store_, checker_.externals_}; }
  // Bodies as a whole.
  void want(meta::fsck::SeenBody seen);
  void read_bodies();
  void take_blocks(const std::vector<std::string>& blocks, const std::vector<bool>& good);
  void compare(const meta::fsck::SeenBody& seen, const codec::Digest& found);
  void see_page(const object::ListPage& page);
  void see_object(const meta::State& now, const std::string& key);
  void suspect(const Look& look, const Result<Held>& held);

  void mend(meta::fsck::Problem& problem);
  void remove_object(const meta::fsck::RemoveObject& it, meta::fsck::Problem& problem);
  void mended(meta::fsck::Problem& problem, const Result<>& done);
  void note_progress();

  Checker& checker_;
  codec::FsckRequest request_;
  std::string name_;  // the request, encoded
  Clock::Instant deadline_;
  Phase phase_ = Phase::records;
  std::shared_ptr<const meta::State> state_;
  std::unique_ptr<meta::fsck::Check> check_;
  // A body whose blocks are read in order, and how far they were asked for and passed on.
  struct Reading {
    meta::fsck::SeenBody seen;
    codec::Digester digester;
    uint64_t asked = 0;
    uint64_t passed = 0;
    bool whole = true;
  };
  std::unique_ptr<meta::fsck::MentionScan> scan_;
  std::deque<Reading> bodies_;
  std::unordered_set<uint64_t> read_;  // blobs of such bodies, CheckerOptions::blob_window at most
  std::unique_ptr<engine::Iterator> blobs_;
  std::string listed_;                         // the last object
  std::set<std::string, std::less<>> failed_;  // stores that cannot be checked; "": the own one
  std::vector<Look> suspects_;                 // objects that no record seems to know
  std::unordered_set<uint64_t> bad_;           // external blobs, of whose blocks one is enough
  bool naming_begun_ = false;
  size_t repair_ = 0;  // the next problem to mend
  uint64_t repaired_ = 0;
  uint64_t counted_ = 0;  // of what was checked, told to the counters
  Clock::Instant told_{};
};

// Whether an object with this blob's name may still be published by somebody: its upload is there.
Result<bool> in_an_upload(const meta::State& state, uint64_t blob);

// "blobs/<2 hex>/<16 hex>/<decimal>", exactly as codec::blob_object_name writes it.
std::optional<std::pair<uint64_t, uint32_t>> parse_object_name(std::string_view name);

}  // namespace nokv::shard
