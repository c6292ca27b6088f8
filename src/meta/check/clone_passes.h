// Clones: their records, what holds them, and the whiteouts of their nodes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meta/check/pass.h"

namespace nokv::meta::fsck {

// Counts what holds each clone, and compares its record, its life and its pin.
//
// Memory: a window of `window_max` clones (120 bytes each) in the order of their ids. All dentries,
// live and past, are scanned once for each window; not at all when there are no clones.
class ClonePass final : public Pass {
 public:
  ClonePass(const Subject& subject, Report& report, size_t window_max)
      : subject_(subject), report_(report), window_max_(window_max) {}
  std::string_view name() const override { return "clones"; }
  Result<bool> step(size_t records) override;

 private:
  struct Row {
    uint64_t clone = 0;
    std::optional<codec::CloneLife> life;
    bool live = false;   // its record is
    uint64_t death = 0;  // of its past record; 0: there is none
    uint64_t version = 0;
    uint64_t pin = 0;
    NodeId source;
    uint64_t held_live = 0;
    uint64_t held_past = 0;
  };
  enum class Stage : uint8_t {
    load,
    live,
    past,
    pins
  };

  Result<> open();
  Result<bool> load(size_t records);
  bool read_record(Row& row, std::string_view value);
  Result<bool> count(size_t records);
  void hold(uint64_t clone, bool past);
  Result<> count_others();
  Result<> compare(const Row& row);
  void compare_pin(const Row& row);
  void name_pin(uint64_t pin);
  Result<> end_window();
  void stray_pins();
  void undecodable(std::string_view key);
  std::unique_ptr<engine::Iterator> rows_of(uint8_t table) const;

  const Subject& subject_;
  Report& report_;
  size_t window_max_;
  Stage stage_ = Stage::load;
  // Of the clone, past clone and clone_life tables, merged by id.
  std::unique_ptr<engine::Iterator> records_;
  std::unique_ptr<engine::Iterator> past_;
  std::unique_ptr<engine::Iterator> lives_;
  std::unique_ptr<engine::Iterator> dentries_;
  std::vector<Row> window_;
  bool last_window_ = false;
  std::vector<std::pair<uint64_t, bool>> pins_;  // of clones; whether one of them names it
};

// Each row that lists a whiteout has one, and each clone that is listed to be ended may end.
class GravePass final : public TablePass {
 public:
  GravePass(const Subject& subject, Report& report)
      : TablePass("whiteouts", subject, report, codec::table_key(codec::Table::grave)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
  Result<> end() override;
};

}  // namespace nokv::meta::fsck
