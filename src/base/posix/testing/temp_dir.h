// A directory of a test's own.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace nokv {

// Made empty, and removed with what is in it.
class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "nokv-XXXXXX").string()) {
    check(::mkdtemp(path_.data()) != nullptr, "a temporary directory can be made");
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // A path below it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace nokv
