// Local files and directories, held at arm's length.
//
// A directory is opened once and everything below it is reached from there, name by name, with
// openat2 beneath it: whoever swaps a directory for a link in the meantime leads nobody out of it.
// Where the system has no openat2, names are opened one at a time without following links, which
// is the same for single names.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/stream.h"

namespace nokv::cli {

enum class LocalKind : uint8_t {
  file,
  directory,
  symlink,
  other,  // devices, sockets, fifos
};

struct LocalInfo {
  LocalKind kind = LocalKind::other;
  uint64_t size = 0;
  uint32_t mode = 0;  // the 9 permission bits
  int64_t mtime_ns = 0;
};

// A descriptor, closed with it.
class LocalHandle {
 public:
  explicit LocalHandle(int fd = -1) : fd_(fd) {}
  LocalHandle(LocalHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LocalHandle& operator=(LocalHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~LocalHandle();

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// Errors of all: those of Files, each naming the path. All block.

// What `path` is; the last link is followed.
Result<LocalInfo> local_info(const std::string& path);

// Reads a file once, from front to back. At its end the file must still be as it was when it was
// opened: failed_precondition when its size or time changed, so that half of one version and half
// of the next are not published as one.
class LocalSource final : public client::Source {
 public:
  static Result<std::unique_ptr<LocalSource>> open(const std::string& path);
  // `handle` is open for reading; `path` is for messages.
  static Result<std::unique_ptr<LocalSource>> take(LocalHandle handle, std::string path);

  const LocalInfo& info() const { return info_; }
  // Called with the bytes of each read: progress.
  std::function<void(uint64_t)> on_read;

  Result<size_t> read(std::span<char> buffer) override;

 private:
  LocalSource(LocalHandle handle, std::string path, LocalInfo info)
      : handle_(std::move(handle)), path_(std::move(path)), info_(info) {}

  LocalHandle handle_;
  std::string path_;
  LocalInfo info_;
  uint64_t read_ = 0;
};

// A directory to read from.
class LocalDirectory {
 public:
  static Result<LocalDirectory> open(const std::string& path);

  // Of all entries, by name; without "." and "..".
  Result<std::vector<std::string>> names() const;
  // Nothing is followed.
  Result<LocalInfo> info(const std::string& name) const;
  Result<LocalDirectory> directory(const std::string& name) const;
  Result<std::unique_ptr<LocalSource>> file(const std::string& name) const;
  Result<std::string> link(const std::string& name) const;

  // ---- to write into

  // Makes it, or opens the one that is there (not through a link).
  Result<LocalDirectory> make_directory(const std::string& name, uint32_t mode) const;
  // A link, in place of a file or link that is there.
  Result<> make_link(const std::string& name, const std::string& target) const;

  const std::string& path() const { return path_; }
  int fd() const { return handle_->fd(); }

 private:
  LocalDirectory(LocalHandle handle, std::string path)
      : handle_(std::make_shared<LocalHandle>(std::move(handle))), path_(std::move(path)) {}

  std::shared_ptr<LocalHandle> handle_;  // shared by sources that are opened later
  std::string path_;                     // for messages
};

// A new local file: written beside its name, given the name when it is whole. Destroyed before
// finish() it leaves nothing.
class LocalSink final : public client::Sink {
 public:
  static Result<std::unique_ptr<LocalSink>> create(const LocalDirectory& directory,
                                                   const std::string& name, uint32_t mode);
  ~LocalSink() override;

  std::function<void(uint64_t)> on_write;

  Result<> write(std::string_view bytes) override;
  // Sets the time and moves it to its name, in place of a file that is there.
  Result<> finish(std::optional<int64_t> mtime_ns);

 private:
  LocalSink(LocalDirectory directory, std::string name, std::string temporary, LocalHandle handle)
      : directory_(std::move(directory)),
        name_(std::move(name)),
        temporary_(std::move(temporary)),
        handle_(std::move(handle)) {}

  LocalDirectory directory_;
  std::string name_;
  std::string temporary_;
  LocalHandle handle_;
};

// Standard input, read once.
class InputSource final : public client::Source {
 public:
  explicit InputSource(std::function<Result<size_t>(std::span<char>)> in) : in_(std::move(in)) {}
  Result<size_t> read(std::span<char> buffer) override { return in_(buffer); }

 private:
  std::function<Result<size_t>(std::span<char>)> in_;
};

}  // namespace nokv::cli
