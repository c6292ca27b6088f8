#include "base/env/files.h"

namespace nokv {

Result<> Files::rename_new(const std::string&, const std::string& to) {
  return fail(Code::unimplemented, "rename to ", to, " only if it is new: not on this disk");
}

Result<FileInfo> Files::stat(const std::string& path) {
  return fail(Code::unimplemented, "stat ", path, ": not on this disk");
}

Result<std::string> read_file(Files& files, const std::string& path, uint64_t limit) {
  NOKV_ASSIGN(auto file, files.open(path, OpenMode::read));
  NOKV_ASSIGN(uint64_t size, file->size());
  if (size > limit) {
    return fail(Code::resource_exhausted, path, ": ", size, " bytes are more than the limit of ",
                limit);
  }
  return file->read_at(0, size);
}

namespace {

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<> write_file_atomic(Files& files, const std::string& path, std::string_view bytes) {
  std::string temporary = path + ".tmp";
  {
    NOKV_ASSIGN(auto file, files.open(temporary, OpenMode::create));
    NOKV_TRY(file->truncate(0));
    NOKV_TRY(file->write_at(0, bytes));
    NOKV_TRY(file->sync());
  }
  NOKV_TRY(files.rename(temporary, path));
  return files.sync_dir(parent_of(path));
}

Result<> make_durable_dirs(Files& files, const std::string& dir) {
  std::string parent = parent_of(dir);
  NOKV_ASSIGN(bool parent_there, files.exists(parent));
  if (!parent_there) NOKV_TRY(make_durable_dirs(files, parent));
  NOKV_TRY(files.make_dirs(dir));
  return files.sync_dir(parent);
}

Result<> remove_tree(Files& files, const std::string& path) {
  NOKV_ASSIGN(bool there, files.exists(path));
  if (!there) return {};
  if (files.remove(path)) return {};  // a file, or an empty directory
  NOKV_ASSIGN(auto names, files.list(path));
  for (const std::string& name : names) NOKV_TRY(remove_tree(files, path + "/" + name));
  return files.remove(path);
}

}  // namespace nokv
