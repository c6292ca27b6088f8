// A disk in memory that loses power, fills up and breaks when it is told to.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/env/files.h"
#include "base/env/random.h"

namespace nokv {

// The calls at which a disk can be told to fail.
enum class DiskCall : uint8_t {
  read,   // read_at
  write,  // write_at, truncate
  sync,   // sync, sync_dir
  name,   // what makes, moves or removes a name
};

// Relative paths are below "/", which is there and durable; ".." is refused.
// Home: the simulation's thread. Files and locks may outlive it; they fail then.
class SimFiles final : public Files {
 public:
  SimFiles();
  ~SimFiles() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_new(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  // The disk has no clock: every time is 0.
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& dir) override;
  Result<> make_dirs(const std::string& dir) override;
  Result<> sync_dir(const std::string& dir) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& dir) override;

  // The power goes and comes back. What was synced is there. Each write, truncate and name that
  // was not is kept or dropped, by a draw of its own (a rename as one); with `tear`, a write may
  // also be kept in some of its 4 KiB sectors only. Files open until now fail every call, locks are
  // free, and faults and halts that were set are gone.
  void power_cut(Random& random, bool tear = true);

  // The process that uses the disk dies; the system does not. As power_cut(), with nothing lost.
  void process_dies();

  // Everything written until now is durable: for what a test takes as given.
  void sync_all();

  // The `nth` call of that kind from now (1 is the next) fails once with `code`:
  // resource_exhausted (ENOSPC) or data_loss (EIO). A failed write leaves its first half; a failed
  // sync of a file drops what it should have brought to the device, as Linux does: reads see it
  // until the power is cut, and no later sync brings it there.
  void fail_nth(DiskCall call, uint64_t nth, Code code);

  // After `changes` more calls that change the disk (write, sync, name), every call fails until
  // power_cut() or process_dies(): the place to cut the power at each step in turn.
  void halt_after(uint64_t changes);
  bool halted() const;

  // Calls so far that changed the disk.
  uint64_t changes() const;

  // Writes beyond it are refused; 4 GiB unless told.
  void set_capacity(uint64_t bytes);
  uint64_t bytes_used() const;

  // A byte rots on the device: it becomes its exclusive or with `mask`. The file must have it.
  void flip_byte(const std::string& path, uint64_t offset, uint8_t mask = 0xff);

 private:
  struct State;
  class OpenFile;
  class HeldLock;

  std::shared_ptr<State> state_;
};

}  // namespace nokv
