#include "meta/check/pass.h"

namespace nokv::meta::fsck {

TablePass::TablePass(std::string_view name, const Subject& subject, Report& report,
                     std::string prefix)
    : subject_(subject),
      view_(subject.view),
      report_(report),
      name_(name),
      prefix_(std::move(prefix)) {}

Result<bool> TablePass::step(size_t records) {
  if (rows_ == nullptr) {
    rows_ = view_.snapshot().iterate(prefix_, codec::prefix_end(prefix_));
    rows_->seek(prefix_);
  }
  for (; records > 0 && rows_->valid(); --records, rows_->next()) {
    report_.looked_at();
    NOKV_TRY(row(rows_->key(), rows_->value()));
  }
  NOKV_TRY(rows_->status());
  if (rows_->valid()) return true;
  NOKV_TRY(end());
  return false;
}

Result<> TablePass::undecodable(std::string_view key) {
  report_.add({.code = "undecodable",
               .id = hex(key),
               .detail = "the record with this key cannot be decoded"});
  return {};
}

std::string path_of(const View& view, const NodeId& directory) {
  auto path = Tree(view, kNow).path_of(directory);
  return path && *path ? **path : std::string();
}

std::string path_of(const View& view, const NodeId& directory, std::string_view name) {
  std::string path = path_of(view, directory);
  return path.empty() ? path : join_path(path, name);
}

}  // namespace nokv::meta::fsck
