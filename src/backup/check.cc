#include "backup/check.h"

#include <map>
#include <utility>

namespace nokv::backup {

Result<CheckReport> check(Repository& repository, const std::function<void(uint64_t bytes)>& read) {
  CheckReport out;
  NOKV_ASSIGN(out.backups, repository.ids());
  std::map<PartName, std::vector<std::string>> needed;  // by which backups
  auto need = [&](PartKind kind, const codec::BackupPart& part, const std::string& id) {
    auto& ids = needed[{kind, part}];
    if (ids.empty() || ids.back() != id) ids.push_back(id);
  };
  for (const std::string& id : out.backups) {
    auto manifest = repository.manifest(id);
    if (!manifest && manifest.error().code() == Code::data_loss) {
      out.damages.push_back({manifest.error().message(), {id}});
      continue;
    }
    if (!manifest) return std::unexpected(std::move(manifest).error());
    for (const auto& file : manifest->files) {
      for (const auto& part : file.parts) need(PartKind::file, part, id);
    }
    for (const auto& log : manifest->log) need(PartKind::log, log.object, id);
  }
  std::vector<PartName> names;
  for (const auto& [name, ids] : needed) names.push_back(name);
  PartReader parts = repository.read(std::move(names));
  for (auto& [name, ids] : needed) {
    auto bytes = parts.next();
    ++out.parts;
    if (bytes) {
      out.bytes += bytes->size();
      read(bytes->size());
    } else if (bytes.error().code() == Code::data_loss) {
      out.damages.push_back({bytes.error().message(), std::move(ids)});
    } else {
      return std::unexpected(std::move(bytes).error());
    }
  }
  return out;
}

}  // namespace nokv::backup
