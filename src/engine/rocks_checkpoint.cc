#include "engine/rocks_checkpoint.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/metadata.h>

#include "engine/rocks_status.h"

namespace nokv::engine {
namespace {

constexpr std::string_view kManifest = "CHECKPOINT";
constexpr std::string_view kFirstLine = "nokv-checkpoint 1\n";
constexpr uint64_t kManifestBytesMax = 64 << 20;
constexpr size_t kChunkBytes = 1 << 20;

rocksdb::Env& env() { return *rocksdb::Env::Default(); }

// CRC-32C of what was added.
class Crc {
 public:
  Crc() : generator_(factory()->CreateFileChecksumGenerator({})) {}
  void add(std::string_view bytes) { generator_->Update(bytes.data(), bytes.size()); }
  std::string hex() {
    generator_->Finalize();
    return to_hex(generator_->GetChecksum());
  }

  static std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (char c : bytes) {
      out += digits[static_cast<uint8_t>(c) >> 4];
      out += digits[static_cast<uint8_t>(c) & 15];
    }
    return out;
  }

 private:
  static std::shared_ptr<rocksdb::FileChecksumGenFactory> factory() {
    return rocksdb::GetFileChecksumGenCrc32cFactory();
  }
  std::unique_ptr<rocksdb::FileChecksumGenerator> generator_;
};

std::string crc_of(std::string_view bytes) {
  Crc crc;
  crc.add(bytes);
  return crc.hex();
}

// Gives `take` up to `limit` bytes of the file, chunk by chunk. Errors: data_loss when the file is
// missing, for a file that should be there is asked for.
Result<> read_chunks(const std::string& path, uint64_t limit, auto&& take) {
  std::unique_ptr<rocksdb::SequentialFile> file;
  rocksdb::Status status = env().NewSequentialFile(path, &file, rocksdb::EnvOptions());
  if (status.IsNotFound() || status.IsPathNotFound()) {
    return fail(Code::data_loss, path, ": the file is missing");
  }
  NOKV_TRY(rocks_result(status, str("read ", path)));
  std::string buffer(kChunkBytes, '\0');
  while (limit > 0) {
    rocksdb::Slice got;
    NOKV_TRY(rocks_result(file->Read(std::min<uint64_t>(limit, kChunkBytes), &got, buffer.data()),
                          str("read ", path)));
    if (got.empty()) break;
    NOKV_TRY(take(std::string_view(got.data(), got.size())));
    limit -= got.size();
  }
  return {};
}

// Size and checksum of what is at `path` now.
Result<CheckpointFile> measure(const std::string& dir, const std::string& name) {
  CheckpointFile file{.name = name};
  Crc crc;
  NOKV_TRY(read_chunks(str(dir, "/", name), UINT64_MAX, [&](std::string_view chunk) -> Result<> {
    crc.add(chunk);
    file.size += chunk.size();
    return {};
  }));
  file.crc32c = crc.hex();
  return file;
}

Result<> compare(const std::string& dir, const CheckpointFile& wanted) {
  NOKV_ASSIGN(CheckpointFile found, measure(dir, wanted.name));
  if (found.size == wanted.size && found.crc32c == wanted.crc32c) return {};
  return fail(Code::data_loss, dir, "/", wanted.name, ": ", found.size, " bytes with crc32c ",
              found.crc32c, " instead of ", wanted.size, " with ", wanted.crc32c);
}

// A new file, synced when close() returned.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}

  Result<> open() {
    return rocks_result(env().NewWritableFile(path_, &file_, rocksdb::EnvOptions()), doing());
  }
  Result<> append(std::string_view bytes) {
    crc_.add(bytes);
    size_ += bytes.size();
    return rocks_result(file_->Append({bytes.data(), bytes.size()}), doing());
  }
  Result<CheckpointFile> close(std::string name) {
    NOKV_TRY(rocks_result(file_->Sync(), doing()));
    NOKV_TRY(rocks_result(file_->Close(), doing()));
    return CheckpointFile{.name = std::move(name), .size = size_, .crc32c = crc_.hex()};
  }

 private:
  std::string doing() const { return str("write ", path_); }

  std::string path_;
  std::unique_ptr<rocksdb::WritableFile> file_;
  uint64_t size_ = 0;
  Crc crc_;
};

Result<CheckpointFile> write_file(const std::string& dir, std::string_view name,
                                  std::string_view bytes) {
  NewFile out(str(dir, "/", name));
  NOKV_TRY(out.open());
  NOKV_TRY(out.append(bytes));
  return out.close(std::string(name));
}

// Copies the first `size` bytes, and reads the copy back.
Result<CheckpointFile> copy_file(const std::string& from_dir, const std::string& to_dir,
                                 const std::string& name, uint64_t size) {
  NewFile out(str(to_dir, "/", name));
  NOKV_TRY(out.open());
  NOKV_TRY(read_chunks(str(from_dir, "/", name), size,
                       [&](std::string_view chunk) { return out.append(chunk); }));
  NOKV_ASSIGN(CheckpointFile copied, out.close(name));
  NOKV_TRY(compare(to_dir, copied));
  return copied;
}

Result<> sync_dir(const std::string& path) {
  std::unique_ptr<rocksdb::Directory> dir;
  NOKV_TRY(rocks_result(env().NewDirectory(path, &dir), str("open ", path)));
  return rocks_result(dir->Fsync(), str("sync ", path));
}

Result<std::vector<std::string>> children(const std::string& dir) {
  std::vector<std::string> names;
  rocksdb::Status status = env().GetChildren(dir, &names);
  if (status.IsNotFound() || status.IsPathNotFound()) return names;
  NOKV_TRY(rocks_result(status, str("list ", dir)));
  std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
  std::ranges::sort(names);
  return names;
}

Result<> remove_dir(const std::string& dir) {
  NOKV_ASSIGN(auto names, children(dir));
  for (const std::string& name : names) {
    NOKV_TRY(rocks_result(env().DeleteFile(str(dir, "/", name)), str("remove ", dir, "/", name)));
  }
  if (env().FileExists(dir).ok()) {
    NOKV_TRY(rocks_result(env().DeleteDir(dir), str("remove ", dir)));
  }
  return {};
}

std::string parent_of(const std::string& dir) {
  size_t slash = dir.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : dir.substr(0, slash);
}

// Fills `dir` under another name first, so that it is there as a whole or not at all.
Result<> make_whole(const std::string& dir, auto&& fill) {
  NOKV_ASSIGN(auto there, children(dir));
  if (!there.empty()) return fail(Code::already_exists, dir, ": the directory is not empty");
  std::string temporary = dir + ".tmp";
  NOKV_TRY(remove_dir(temporary));
  for (const std::string& made : {parent_of(dir), temporary}) {
    NOKV_TRY(rocks_result(env().CreateDirIfMissing(made), str("make ", made)));
    NOKV_TRY(sync_parent(made));
  }
  Result<> filled = fill(temporary);
  if (filled) filled = sync_dir(temporary);
  if (filled) filled = rocks_result(env().RenameFile(temporary, dir), str("rename ", temporary));
  if (!filled) {
    (void)remove_dir(temporary);  // the first error is the one to tell
    return filled;
  }
  return sync_parent(dir);
}

Result<std::vector<CheckpointFile>> read_manifest(const std::string& dir) {
  std::string path = str(dir, "/", kManifest);
  if (!env().FileExists(path).ok()) return fail(Code::not_found, dir, ": no checkpoint there");
  std::string bytes;
  NOKV_TRY(read_chunks(path, kManifestBytesMax, [&](std::string_view chunk) -> Result<> {
    bytes += chunk;
    return {};
  }));
  auto files = decode_checkpoint_manifest(bytes);
  if (!files) return std::unexpected(std::move(files).error().within(path));
  return files;
}

// Where the checkpoints beside `dir` hold which file; the last name wins.
std::map<std::string, std::pair<std::string, CheckpointFile>> sibling_files(
    const std::string& dir) {
  std::map<std::string, std::pair<std::string, CheckpointFile>> out;
  std::string parent = parent_of(dir);
  auto names = children(parent);
  if (!names) return out;  // nothing to share: copy
  for (const std::string& name : *names) {
    std::string sibling = str(parent, "/", name);
    if (name.ends_with(".tmp")) continue;
    auto files = read_manifest(sibling);
    if (!files) continue;  // no checkpoint, or a damaged one: nothing to take from it
    for (CheckpointFile& file : *files) {
      std::string key = file.name;
      out[key] = {sibling, std::move(file)};
    }
  }
  return out;
}

class Writer {
 public:
  Writer(const std::string& dir, std::string temporary)
      : shared_(sibling_files(dir)), dir_(std::move(temporary)) {}

  Result<CheckpointFile> add(const rocksdb::LiveFileStorageInfo& live) {
    if (!live.replacement_contents.empty()) {
      return write_file(dir_, live.relative_filename, live.replacement_contents);
    }
    std::string wanted = Crc::to_hex(live.file_checksum);
    if (live.file_type != rocksdb::kTableFile) wanted.clear();
    if (!wanted.empty()) {
      CheckpointFile file{.name = live.relative_filename, .size = live.size, .crc32c = wanted};
      if (share(file)) return file;
    }
    NOKV_ASSIGN(CheckpointFile copied,
                copy_file(live.directory, dir_, live.relative_filename, live.size));
    if (copied.size != live.size || (!wanted.empty() && copied.crc32c != wanted)) {
      return fail(Code::data_loss, live.directory, "/", live.relative_filename, ": ", copied.size,
                  " bytes with crc32c ", copied.crc32c, " instead of ", live.size, " with ",
                  wanted);
    }
    return copied;
  }

 private:
  // A sibling's copy, if there is a good one. A damaged one is left to it: this checkpoint gets a
  // fresh copy.
  bool share(const CheckpointFile& file) {
    auto found = shared_.find(file.name);
    if (found == shared_.end()) return false;
    const auto& [sibling, theirs] = found->second;
    if (theirs.size != file.size || theirs.crc32c != file.crc32c) return false;
    if (!compare(sibling, file)) return false;
    return env().LinkFile(str(sibling, "/", file.name), str(dir_, "/", file.name)).ok();
  }

  std::map<std::string, std::pair<std::string, CheckpointFile>> shared_;
  std::string dir_;
};

Result<> fill_checkpoint(rocksdb::DB& db, const std::string& dir, const std::string& temporary) {
  rocksdb::LiveFilesStorageInfoOptions options;
  options.include_checksum_info = true;
  std::vector<rocksdb::LiveFileStorageInfo> live;
  NOKV_TRY(rocks_result(db.GetLiveFilesStorageInfo(options, &live), "flush for a checkpoint"));
  Writer writer(dir, temporary);
  std::vector<CheckpointFile> files;
  for (const auto& info : live) {
    if (info.file_type == rocksdb::kWalFile) continue;  // always empty: the engine writes none
    NOKV_ASSIGN(CheckpointFile file, writer.add(info));
    files.push_back(std::move(file));
  }
  std::ranges::sort(files, {}, &CheckpointFile::name);
  NOKV_TRY(write_file(temporary, kManifest, encode_checkpoint_manifest(files)));
  return {};
}

Result<uint64_t> parse_u64(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Code::data_loss, "no number: ", text);
  }
  return number;
}

}  // namespace

std::string encode_checkpoint_manifest(const std::vector<CheckpointFile>& files) {
  std::string out(kFirstLine);
  for (const CheckpointFile& file : files) {
    out += str(file.crc32c, " ", file.size, " ", file.name, "\n");
  }
  return str(out, "end ", crc_of(out), "\n");
}

Result<std::vector<CheckpointFile>> decode_checkpoint_manifest(std::string_view bytes) {
  constexpr size_t last_line_size = sizeof("end 00000000\n") - 1;
  if (bytes.size() < kFirstLine.size() + last_line_size || !bytes.starts_with(kFirstLine)) {
    return fail(Code::data_loss, "no checkpoint manifest of version 1");
  }
  std::string_view body = bytes.substr(0, bytes.size() - last_line_size);
  if (bytes.substr(body.size()) != str("end ", crc_of(body), "\n")) {
    return fail(Code::data_loss, "wrong checksum in the last line");
  }
  std::vector<CheckpointFile> files;
  body.remove_prefix(kFirstLine.size());
  while (!body.empty()) {
    std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    size_t first = line.find(' ');
    size_t second = line.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) {
      return fail(Code::data_loss, "bad line: ", line);
    }
    NOKV_ASSIGN(uint64_t size, parse_u64(line.substr(first + 1, second - first - 1)));
    std::string_view name = line.substr(second + 1);
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos) {
      return fail(Code::data_loss, "bad name: ", line);
    }
    files.push_back(
        {.name = std::string(name), .size = size, .crc32c = std::string(line.substr(0, first))});
  }
  if (encode_checkpoint_manifest(files) != bytes) {
    return fail(Code::data_loss, "the manifest has another form than it is written in");
  }
  return files;
}

Result<> write_checkpoint(rocksdb::DB& db, const std::string& dir) {
  return make_whole(dir, [&](const std::string& temporary) -> Result<> {
    NOKV_TRY(rocks_result(db.DisableFileDeletions(), "keep the engine's files"));
    Result<> filled = fill_checkpoint(db, dir, temporary);
    Result<> freed = rocks_result(db.EnableFileDeletions(false), "release the engine's files");
    if (!filled) return filled;
    return freed;
  });
}

Result<> verify_checkpoint(const std::string& dir) {
  NOKV_ASSIGN(auto files, read_manifest(dir));
  for (const CheckpointFile& file : files) NOKV_TRY(compare(dir, file));
  return {};
}

Result<> restore_checkpoint(const std::string& dir, const std::string& into) {
  NOKV_ASSIGN(auto files, read_manifest(dir));
  return make_whole(into, [&](const std::string& temporary) -> Result<> {
    for (const CheckpointFile& file : files) {
      NOKV_ASSIGN(CheckpointFile copied, copy_file(dir, temporary, file.name, UINT64_MAX));
      if (copied.size == file.size && copied.crc32c == file.crc32c) continue;
      return fail(Code::data_loss, dir, "/", file.name, ": ", copied.size, " bytes with crc32c ",
                  copied.crc32c, " instead of ", file.size, " with ", file.crc32c);
    }
    return {};
  });
}

Result<> sync_parent(const std::string& dir) { return sync_dir(parent_of(dir)); }

Result<bool> engine_files_complete(const std::string& dir) {
  NOKV_ASSIGN(auto names, children(dir));
  bool current = std::ranges::find(names, "CURRENT") != names.end();
  bool tables =
      std::ranges::any_of(names, [](const std::string& name) { return name.ends_with(".sst"); });
  if (tables && !current) {
    return fail(Code::data_loss, dir, "/CURRENT: the file is missing beside ", names.size(),
                " others of an engine");
  }
  return current;
}

}  // namespace nokv::engine
