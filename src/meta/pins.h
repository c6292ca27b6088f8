// Which versions stay readable, and for which trees.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/record.h"
#include "codec/redo.h"
#include "meta/pin_table.h"
#include "meta/tree.h"

namespace nokv::meta {

// Decides where an overwritten record goes: the one rule of retention.
//
// A record of directory d, valid for versions [birth, death), is needed by the pin (p, scope) if
// birth <= p < death and the chain of parents of d, read at p and through hops, reaches scope. The
// present is never looked at, so answers for (pin, directory) are cached; and they are the same for
// all versions back to the last move on the chain, so pins are not asked singly. `view` must hold
// the state before the record is overwritten. One thread.
class Retention {
 public:
  explicit Retention(const PinTable& pins, size_t cache_max = 1 << 16)
      : pins_(pins), cache_max_(cache_max) {}

  // The newest pin that needs the record `old` of `key`; nullopt when none does. `skip` is a pin
  // that is being given up.
  Result<std::optional<uint64_t>> keeper(const View& view, std::string_view key, const Raw& old,
                                         uint64_t death, uint64_t skip = 0);

  // Whether the pin needs the record, which was valid at its version.
  Result<bool> needs(const View& view, uint64_t id, const codec::PinRecord& pin,
                     std::string_view key, const Raw& old);

  // Up to `max` of the pins of this kind that need the record, none when none does.
  Result<std::vector<uint64_t>> needing(const View& view, std::string_view key, const Raw& old,
                                        uint64_t death, codec::PinKind kind, size_t max);

  // Drops the cached answers. For a directory that was never below a pin's scope a walk may meet
  // records that are freed later, and end otherwise then: who must decide the same again from the
  // same state, as replay does, keeps no answers from an earlier one.
  void forget();

 private:
  // The parents of a directory, as they were at all versions of [from, upto].
  struct Chain {
    uint64_t from = 0;
    uint64_t upto = 0;
    struct Step {
      NodeId directory;
      uint64_t since = 0;  // the directory the chain is of lies below it since then, at least
    };
    std::vector<Step> steps;  // the directory itself first
  };
  // Directories that a record belongs to, and nodes whose pins need it wherever it was.
  struct Owners {
    NodeId directory;
    NodeId scope;
    bool told = false;  // false: where it belonged depends on the version
  };

  Result<bool> below(const View& view, uint64_t id, const codec::PinRecord& pin,
                     const NodeId& directory);
  Result<const Chain*> chain(const View& view, const NodeId& directory, uint64_t version);
  static Result<Owners> owners(std::string_view key, const Raw& old);
  Result<std::optional<uint64_t>> keeper_singly(const View& view, std::string_view key,
                                                const Raw& old, uint64_t death, uint64_t skip);

  const PinTable& pins_;
  size_t cache_max_;
  std::unordered_map<uint64_t, std::unordered_map<NodeId, bool>> answers_;  // by pin
  size_t answered_ = 0;
  std::unordered_map<NodeId, std::vector<Chain>> chains_;
};

// The blobs that a record mentions, each once for each mention. `inline_` says which table.
struct BlobMention {
  uint64_t blob = 0;
  bool is_inline = false;
};
Result<std::vector<BlobMention>> blobs_of(std::string_view key, std::string_view value);
void append_blobs(const codec::Body& body, std::vector<BlobMention>& out);

}  // namespace nokv::meta
