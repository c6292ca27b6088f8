// The local side of cli/export_target.h.
#include <optional>
#include <utility>

#include "cli/export_target.h"
#include "cli/local_tree.h"
#include "cli/save_body.h"

namespace nokv::cli {
namespace {

class LocalTarget final : public ExportTarget {
 public:
  LocalTarget(Context& context, std::string directory)
      : context_(context), directory_(std::move(directory)) {}

  std::string name_of(const std::string& path) const override {
    return directory_.ends_with('/') ? directory_ + path : str(directory_, "/", path);
  }

  Result<> begin(bool dry_run) override {
    Files& files = context_.doors.env.files;
    NOKV_ASSIGN(bool there, files.exists(directory_));
    if (!there && dry_run) return {};
    if (!there) NOKV_TRY(files.make_dirs(directory_));
    NOKV_ASSIGN(top_, LocalDirectory::open(directory_));
    return {};
  }

  Result<> directory(const Exported& what) override {
    NOKV_ASSIGN(auto place, place_of(what.path));
    NOKV_TRY(place.directory.make_directory(place.name, what.entry.attributes.mode));
    return {};
  }

  Result<std::optional<bool>> link(const Exported& what, bool dry_run) override {
    if (auto place = place_of(what.path); place) {
      auto there = place->directory.link(place->name);
      if (there && *there == what.entry.target) return false;
      if (!dry_run) NOKV_TRY(place->directory.make_link(place->name, what.entry.target));
    } else if (!dry_run) {
      return std::unexpected(std::move(place).error());
    }
    return true;
  }

  Result<bool> has(const Exported& what) override {
    auto place = place_of(what.path);
    // A directory that a dry run did not make.
    if (!place && place.error().code() == Code::not_found) return false;
    if (!place) return std::unexpected(std::move(place).error());
    auto there = place->directory.info(place->name);
    if (!there && there.error().code() == Code::not_found) return false;
    if (!there) return std::unexpected(std::move(there).error());
    return there->kind == LocalKind::file && there->size == what.entry.body.size &&
           there->mtime_ns == what.entry.attributes.mtime_ns;
  }

  Result<> file(const Exported& what, client::Reader& reader,
                const std::function<void(uint64_t)>& on_write) override {
    NOKV_ASSIGN(auto place, place_of(what.path));
    return save_body(reader, place.directory, place.name, on_write);
  }

 private:
  struct Place {
    LocalDirectory directory;
    std::string name;
  };

  // Goes down from the top, through no link.
  Result<Place> place_of(const std::string& path) const {
    if (!top_) return fail(Code::not_found, directory_, " is not there");
    Place place{*top_, path};
    for (size_t slash = 0; (slash = place.name.find('/')) != std::string::npos;) {
      NOKV_ASSIGN(place.directory, place.directory.directory(place.name.substr(0, slash)));
      place.name.erase(0, slash + 1);
    }
    return place;
  }

  Context& context_;
  const std::string directory_;
  std::optional<LocalDirectory> top_;
};

}  // namespace

std::unique_ptr<ExportTarget> local_target(Context& context, std::string directory) {
  return std::make_unique<LocalTarget>(context, std::move(directory));
}

}  // namespace nokv::cli
