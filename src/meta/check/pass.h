// One way through the records, in steps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "codec/key.h"
#include "meta/check/report.h"
#include "meta/pins.h"
#include "meta/state.h"
#include "meta/tree.h"

namespace nokv::meta::fsck {

// What all passes read. Immutable; outlives them.
struct Subject {
  std::shared_ptr<const State> state;
  View view;
  uint64_t version() const { return state->record.version; }
  uint64_t next_id() const { return state->record.next_id; }
};

// Home: one thread at a time. A pass holds a few iterators and what its header says, never a map
// of the namespace.
class Pass {
 public:
  virtual ~Pass() = default;

  virtual std::string_view name() const = 0;

  // Looks at about `records` more of them; false when there are no more. Blocks on the engine's
  // files. Errors: data_loss (a file of the engine is damaged), unavailable: the pass ends.
  virtual Result<bool> step(size_t records) = 0;
};

// A pass over the rows of one range of keys, in order.
class TablePass : public Pass {
 public:
  // `prefix` is a table, or a part of it.
  TablePass(std::string_view name, const Subject& subject, Report& report, std::string prefix);

  std::string_view name() const final { return name_; }
  Result<bool> step(size_t records) override;

 protected:
  // Looks at one row. Errors end the pass.
  virtual Result<> row(std::string_view key, std::string_view value) = 0;
  // After the last row.
  virtual Result<> end() { return {}; }

  // A row that cannot be decoded.
  Result<> undecodable(std::string_view key);

  // The birth and the record of a value of a versioned table; false when it is damaged, which was
  // reported then.
  template <class T>
  bool read(std::string_view key, std::string_view value, T& record, uint64_t* birth = nullptr) {
    uint64_t born = 0;
    if (!codec::take_birth(value, born) || !codec::decode(value, record)) {
      (void)undecodable(key);
      return false;
    }
    if (birth != nullptr) *birth = born;
    return true;
  }

  const Subject& subject_;
  const View& view_;
  Report& report_;

 private:
  std::string_view name_;
  std::string prefix_;
  std::unique_ptr<engine::Iterator> rows_;
};

// Where a directory lies, as text: its path, or nothing when it is not below the root.
std::string path_of(const View& view, const NodeId& directory);
std::string path_of(const View& view, const NodeId& directory, std::string_view name);

}  // namespace nokv::meta::fsck
