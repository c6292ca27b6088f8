// Past records, the pins that keep them, and the rows that say which.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "meta/check/pass.h"

namespace nokv::meta::fsck {

// The rule that is held up: each past record is filed under exactly one pin, which needs it; a pin
// that is going keeps its rows until they are handed on.

// Each filed row has its pin and its past record, which was valid at the pin's version.
class FiledPass final : public TablePass {
 public:
  FiledPass(const Subject& subject, Report& report)
      : TablePass("filed", subject, report, codec::table_key(codec::Table::filed)) {}
  uint64_t good() const { return good_; }

 private:
  Result<> row(std::string_view key, std::string_view value) override;
  uint64_t good_ = 0;
};

// Each past record has its filed row. Looks for it from the newest pin that could need it on, so
// one look is enough for nearly all of them; when there are more rows than records, all pins of
// the record's time are asked, in `all` mode, to name those that are filed twice.
class PastPass final : public Pass {
 public:
  PastPass(const Subject& subject, Report& report, const FiledPass& filed);
  std::string_view name() const override { return "past"; }
  Result<bool> step(size_t records) override;

 private:
  Result<> see(std::string_view past);
  Result<> see_all(std::string_view past, const std::string& key, uint64_t birth, uint64_t death);
  Result<> filed_elsewhere(std::string_view past, uint64_t pin,
                           const std::optional<uint64_t>& keeper);
  std::string named(uint64_t pin) const;
  bool open_table();

  const Subject& subject_;
  Report& report_;
  const FiledPass& filed_;
  Retention retention_;
  uint64_t good_ = 0;
  uint8_t table_ = 0;  // the next one
  bool all_ = false;
  std::unique_ptr<engine::Iterator> rows_;
};

// Pins: the versions are there, what they keep can be read, and snapshots have names.
class PinPass final : public TablePass {
 public:
  PinPass(const Subject& subject, Report& report)
      : TablePass("pins", subject, report, codec::table_key(codec::Table::pin)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
  Result<> end() override;
  Result<bool> readable(const codec::PinRecord& pin);
  // Of the pins that snapshots name: as many entries as there are snapshots.
  Result<> load_names();
  std::map<uint64_t, std::string> names_;
  bool loaded_ = false;
  uint64_t pins_ = 0;
};

}  // namespace nokv::meta::fsck
