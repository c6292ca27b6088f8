// A LogStore in segment files of one directory: docs/formats/log.md.
//
// Appending writes one frame into a file whose bytes are all allocated, and syncs it. The next
// segment is made ready in the background, from an old one when there is one, else of zeros.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/env/env.h"
#include "base/guarded.h"
#include "log/identity.h"
#include "log/log_store.h"
#include "log/recovery.h"
#include "log/segment_store.h"

namespace nokv::log {

struct LocalLogOptions {
  // Of a log that is made now; one that is there keeps its own. A multiple of 8. The largest group
  // is 96 bytes less.
  uint64_t segment_bytes = uint64_t{64} << 20;
  // Old segment files kept for reuse.
  size_t spares_max = 2;
  // Called when a sync fails, instead of aborting the process. When it returns, the append is not
  // answered and no other one works. For the simulator, where one process stands for several.
  std::function<void(const Error&)> sync_failed = {};
  // Where a log without any group begins: that of a namespace which was restored.
  Position begin = {};
  // False: a directory without a log is not_found. True: one is made there.
  bool create = true;
};

// append() is called by one thread at a time; everything else by any thread. Holds the lock of the
// directory while it lives. Readers must not outlive it.
class LocalLog final : public LogStore {
 public:
  // Opens the log in `dir` and finds its tail: what a crash left of a group that was never
  // acknowledged is cut. What `env` names outlives the log. Blocks.
  // Errors: failed_precondition when another process or object has it open; data_loss names the
  // file and offset; not_found; invalid_argument for options; those of Files.
  static Result<std::unique_ptr<LocalLog>> open(const Env& env, const std::string& dir,
                                                const LocalLogOptions& options);
  ~LocalLog() override;

  // `node` has no line break (else invalid_argument). Ends earlier claims of this object; another
  // object cannot have one, since open() took the lock.
  Result<Claim> claim(std::string_view node) override;

  // Never `unknown`. The group that was appended last may be appended again, with no effect. An
  // error of writing is `maybe_done`, and no append works after it until the log is opened again:
  // it may find the group, or not. Errors: fenced is no error; failed_precondition when `previous`
  // is not the tail; invalid_argument when the group does not fit into a segment;
  // resource_exhausted with nothing written when no next segment can be made: try again later.
  void append(Epoch epoch, const Position& previous, const Group& group,
              std::move_only_function<void(Result<Appended>)> done) override;
  bool blocking() const override { return true; }

  Result<std::unique_ptr<Reader>> read(Version from) override;
  Version oldest() const override;

  // Whole segments below, never the one that is written to. Blocks.
  Result<> trim(Version upto) override;
  std::vector<Part> parts() const override;
  uint64_t id() const override { return log_.high ^ log_.low; }
  uint64_t size_bytes() const override { return store_.size_bytes(); }

  // The end of the log. Right after open(): what a claim would give.
  Position tail() const;

 private:
  class LocalReader;

  // What threads share.
  struct State {
    Epoch epoch;
    Position tail;
    uint64_t tail_segment = 1;
    uint64_t tail_offset = 0;              // where the next frame goes
    std::map<uint64_t, Version> segments;  // as in Recovered
    std::optional<Error> broken;           // after a failed write
  };

  LocalLog(const Env& env, std::string dir, const LocalLogOptions& options,
           std::unique_ptr<FileLock> lock, const Identity& identity);

  static Result<Identity> create(const Env& env, const std::string& dir,
                                 const LocalLogOptions& options);
  static State state_of(const Identity& identity, const Recovered& found);
  Result<> start(const Recovered& found);
  Result<std::optional<Appended>> append_now(Epoch epoch, const Position& previous,
                                             const Group& group);
  std::unexpected<Error> break_off(Error error);
  std::optional<Appended> die(const Error& error);
  Result<> make_room(uint64_t size);
  void prepare_next();
  State state() const;

  Files& files_;
  const std::string dir_;
  const std::unique_ptr<FileLock> lock_;
  SegmentStore store_;
  std::mutex trim_mutex_;  // one trim at a time, so that files go in order
  mutable Guarded<State> state_;
  Guarded<Identity> identity_;
  const LogId log_;
  const uint64_t segment_bytes_;
  const std::function<void(const Error&)> sync_failed_;

  // Of the appending thread: where it writes, and its buffer.
  std::shared_ptr<File> file_;
  uint64_t segment_ = 1;
  uint64_t offset_ = 0;
  std::string frame_;

  std::unique_ptr<Executor> background_;  // last: its tasks use the rest
};

}  // namespace nokv::log
