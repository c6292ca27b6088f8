// Reads a body from where its plan says it lies, checking every block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "client/core.h"
#include "client/read_plan.h"
#include "codec/digester.h"

namespace nokv::client {

class BodyReader final : public Reader {
 public:
  // The node was opened as `reply` says. `core` outlives the reader. Errors: is_directory,
  // invalid_argument (not a file), data_loss (no sensible plan).
  static Result<std::unique_ptr<BodyReader>> make(Core& core, OpenOptions options,
                                                  codec::OpenReply reply);

  const codec::Entry& entry() const override { return reply_.entry; }
  uint64_t version() const override { return reply_.version; }
  int64_t time_ns() const override { return reply_.time_ns; }

  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override;
  std::vector<Result<std::string>> read_many(std::span<const Range> ranges) override;
  Result<uint64_t> copy_to(Sink& sink, uint64_t offset, uint64_t length) override;

  // ---- for BlockWindow

  using PlanPtr = std::shared_ptr<const ReadPlan>;
  struct Located {
    PlanPtr plan;
    Piece piece;
  };
  // Where the byte at `offset` lies and up to where, `end` at the latest. Blocks when the plan does
  // not reach there, or is old: the file is opened again by its id and generation. `fresh` opens
  // again in any case.
  Result<Located> locate(uint64_t offset, uint64_t end, bool fresh = false);
  // Makes of a block's error one that says whose it is.
  Error explained(Error error) const;
  const CallOptions& call() const { return options_.call; }

 private:
  BodyReader(Core& core, OpenOptions options, codec::OpenReply reply);
  PlanPtr known_plan(uint64_t offset);
  void remember(PlanPtr plan);
  Result<PlanPtr> open_again(uint64_t offset);
  Result<codec::OpenReply> ask_open(codec::Target target, codec::ReadAt at, uint64_t offset);
  Result<> verify(codec::Digester& digester) const;
  Result<> streamed(uint64_t offset, std::string_view bytes);
  size_t read_cached(uint64_t offset, std::span<char> buffer);
  void read_ahead(uint64_t end);

  Core& core_;
  const OpenOptions options_;
  codec::OpenReply reply_;  // without the plan
  std::mutex mutex_;
  std::vector<PlanPtr> plans_;   // used last in front
  uint64_t sequential_end_ = 0;  // of the last read_at()
  uint64_t read_ahead_to_ = 0;
  std::mutex stream_mutex_;
  std::optional<codec::Digester> stream_;  // of what read_at() gave from the beginning on
  uint64_t streamed_to_ = 0;
};

// One stretch of one file, given piece by piece, in order.
struct ReadJob {
  BodyReader* reader = nullptr;
  uint64_t offset = 0;
  uint64_t length = 0;  // within the file
  std::function<Result<>(std::string_view)> consume;
};

// Does the jobs in order, fetching blocks of several pieces and jobs at once under the memory
// bound. Blocks. One result for each job; one that fails does not keep back the others.
std::vector<Result<>> run_reads(Core& core, std::span<const ReadJob> jobs);

}  // namespace nokv::client
