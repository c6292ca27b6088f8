// Blobs: what their records say, and who mentions them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "meta/check/mentions.h"
#include "meta/check/pass.h"

namespace nokv::meta::fsck {

// Counts the references of all blobs from the records that mention them.
//
// Memory: a window of `window_max` blobs (48 bytes each) in the order of their ids. All records
// are scanned once for each window, so a namespace of a million blobs costs one scan.
class BlobPass final : public Pass {
 public:
  static constexpr size_t kWindow = 1 << 20;
  BlobPass(const Subject& subject, Report& report, size_t window_max = kWindow)
      : subject_(subject), report_(report), window_max_(window_max) {}
  std::string_view name() const override { return "blobs"; }
  Result<bool> step(size_t records) override;

 private:
  struct Row {
    uint64_t blob = 0;
    uint64_t bytes = 0;
    uint64_t says = 0;
    uint64_t counted = 0;
    bool is_inline = false;
    bool dead = false;
    bool wrong_size = false;  // was told
  };

  Result<> open(codec::Table table, std::unique_ptr<engine::Iterator>& rows);
  Result<bool> load(size_t records);
  Result<> load_blob(uint64_t blob);
  Result<> load_inline(uint64_t blob);
  Result<> see_dead(uint64_t blob, const codec::BlobRecord& record);
  Result<bool> count(size_t records);
  void mention(const Mention& mention);
  void compare();
  void undecodable(std::string_view key);

  const Subject& subject_;
  Report& report_;
  size_t window_max_;
  std::unique_ptr<engine::Iterator> blobs_;
  std::unique_ptr<engine::Iterator> inline_;
  std::vector<Row> window_;
  uint64_t from_ = 0;
  uint64_t last_ = 0;  // of the window
  bool first_window_ = true;
  bool last_window_ = false;
  std::unique_ptr<MentionScan> scan_;
};

// Each row of the dead table has a dead blob.
class DeadPass final : public TablePass {
 public:
  DeadPass(const Subject& subject, Report& report)
      : TablePass("dead", subject, report, codec::table_key(codec::Table::dead)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
};

// Uploads have ranges of their own, and count what was published of them.
class UploadPass final : public TablePass {
 public:
  UploadPass(const Subject& subject, Report& report)
      : TablePass("uploads", subject, report, codec::table_key(codec::Table::upload)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
  uint64_t last_end_ = 0;
};

// Finds the paths of the files whose blobs have problems. Runs last, and only when there are some.
class NamingPass final : public Pass {
 public:
  NamingPass(const Subject& subject, Report& report) : subject_(subject), report_(report) {}
  std::string_view name() const override { return "names"; }
  Result<bool> step(size_t records) override;

 private:
  void begin();
  void see_dentry();

  const Subject& subject_;
  Report& report_;
  std::unordered_map<uint64_t, std::vector<size_t>> wanted_;  // blob → problems
  std::unordered_map<NodeId, std::vector<size_t>> files_;     // that mention them elsewhere
  std::unique_ptr<MentionScan> scan_;
};

}  // namespace nokv::meta::fsck
