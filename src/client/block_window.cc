// Fetching many blocks at once, and handing them on in order.
#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <utility>

#include "client/body_reader.h"

namespace nokv::client {

namespace {

constexpr std::array<char, 64 << 10> kZeros{};

class BlockWindow {
 public:
  BlockWindow(Core& core, std::span<const ReadJob> jobs)
      : core_(core), jobs_(jobs), results_(jobs.size()) {}

  std::vector<Result<>> run() {
    while (fill() || !window_.empty()) {
      if (!window_.empty()) drain_one();
    }
    return std::move(results_);
  }

 private:
  // A piece that is here or on its way.
  struct Slot {
    size_t job = 0;
    BodyReader::Located at;
    BlockBytes block;  // when it was in the cache
    std::optional<Wait<BlockBytes>> fetch;
    MemoryBudget::Share share;
  };

  // Starts what may be started; false when there is nothing left to start.
  bool fill() {
    auto most = static_cast<size_t>(core_.options.parallel_requests);
    while (window_.size() < most && job_ < jobs_.size()) {
      if (!results_[job_] || done_ == jobs_[job_].length) {
        ++job_;
        done_ = 0;
      } else if (!start_piece()) {
        break;
      }
    }
    return job_ < jobs_.size();
  }

  // False when there is no memory for it now.
  bool start_piece() {
    const ReadJob& job = jobs_[job_];
    if (job.reader->call().stop.stop_requested()) {
      results_[job_] = fail(Code::cancelled, "the caller gave up");
      return true;
    }
    auto at = job.reader->locate(job.offset + done_, job.offset + job.length);
    if (!at) {
      results_[job_] = std::unexpected(std::move(at).error());
      return true;
    }
    Slot slot{.job = job_, .at = std::move(*at)};
    const Piece& piece = slot.at.piece;
    if (piece.kind == Piece::Kind::block) {
      slot.block = core_.cache.find(piece.blob, piece.block);
      if (!slot.block && !fetch(slot)) return false;
    }
    done_ += piece.length;
    window_.push_back(std::move(slot));
    return true;
  }

  // Waits for memory only when this window holds none, so that others can go on.
  bool fetch(Slot& slot) {
    BlockPlace place = slot.at.plan->place(slot.at.piece);
    if (auto share = core_.memory->try_take(place.bytes)) {
      slot.share = std::move(*share);
    } else if (!window_.empty()) {
      return false;
    } else {
      auto waited = core_.memory->take(place.bytes, jobs_[slot.job].reader->call().stop);
      if (!waited) {
        results_[slot.job] = std::unexpected(std::move(waited).error());
        return true;
      }
      slot.share = std::move(*waited);
    }
    core_.blocks.prepare(slot.at.plan->access());
    slot.fetch.emplace();
    core_.cache.fetch(place, core_.time_max(jobs_[slot.job].reader->call()), slot.fetch->done());
    return true;
  }

  void drain_one() {
    Slot slot = std::move(window_.front());
    window_.pop_front();
    const ReadJob& job = jobs_[slot.job];
    Result<>& result = results_[slot.job];
    if (!result) return;
    const Piece& piece = slot.at.piece;
    if (slot.fetch) {
      auto block = slot.fetch->wait(job.reader->call().stop);
      if (!block) block = fetch_again(job, piece, std::move(block).error());
      if (!block) {
        result = std::unexpected(std::move(block).error());
        return;
      }
      slot.block = std::move(*block);
    }
    if (piece.kind == Piece::Kind::zeros) {
      result = give_zeros(job, piece.length);
    } else if (piece.kind == Piece::Kind::bytes) {
      result = job.consume(piece.bytes);
    } else {
      result = job.consume(std::string_view(*slot.block).substr(piece.from, piece.length));
    }
  }

  // The plan may be out of date: once more, by a new one.
  Result<BlockBytes> fetch_again(const ReadJob& job, const Piece& piece, Error error) {
    bool may_help = error.code() == Code::not_found || error.code() == Code::permission_denied ||
                    error.code() == Code::data_loss || error.code() == Code::failed_precondition;
    if (!may_help) return std::unexpected(job.reader->explained(std::move(error)));
    auto at = job.reader->locate(piece.offset, piece.offset + piece.length, true);
    if (!at) return std::unexpected(std::move(at).error());
    if (at->piece.kind != Piece::Kind::block || at->piece.blob != piece.blob ||
        at->piece.block != piece.block) {
      return std::unexpected(job.reader->explained(std::move(error)));
    }
    core_.blocks.prepare(at->plan->access());
    Wait<BlockBytes> again;
    core_.cache.fetch(at->plan->place(at->piece), core_.time_max(job.reader->call()), again.done());
    auto block = again.wait(job.reader->call().stop);
    if (!block) return std::unexpected(job.reader->explained(std::move(block).error()));
    return block;
  }

  static Result<> give_zeros(const ReadJob& job, uint64_t length) {
    while (length > 0) {
      size_t count = std::min<uint64_t>(length, kZeros.size());
      NOKV_TRY(job.consume({kZeros.data(), count}));
      length -= count;
    }
    return {};
  }

  Core& core_;
  const std::span<const ReadJob> jobs_;
  std::vector<Result<>> results_;
  size_t job_ = 0;     // the next piece to start is of this one
  uint64_t done_ = 0;  // so far into it
  std::deque<Slot> window_;
};

}  // namespace

std::vector<Result<>> run_reads(Core& core, std::span<const ReadJob> jobs) {
  return BlockWindow(core, jobs).run();
}

}  // namespace nokv::client
