#include "log/local_log.h"

#include <algorithm>
#include <source_location>

#include "base/check.h"
#include "log/segment.h"

namespace nokv::log {
namespace {

constexpr std::string_view kIdentity = "IDENTITY";
constexpr std::string_view kLock = "LOCK";
constexpr uint64_t kIdentityBytesMax = 64 << 10;
constexpr uint64_t kSegmentBytesMin = 1 << 10;

Result<> check_options(const LocalLogOptions& options) {
  if (options.segment_bytes >= kSegmentBytesMin && options.segment_bytes <= UINT32_MAX &&
      options.segment_bytes % kFrameAlignment == 0) {
    return {};
  }
  return fail(Code::invalid_argument, "log segments of ", options.segment_bytes,
              " bytes: not a multiple of ", kFrameAlignment, " from ", kSegmentBytesMin, " to ",
              UINT32_MAX);
}

}  // namespace

// Walks from one segment to the next. Home: one thread.
class LocalLog::LocalReader final : public Reader {
 public:
  // Begins at the first group of `segment` and gives those that end at or after `from`.
  LocalReader(LocalLog& log, Version from, uint64_t segment)
      : log_(log), from_(from), segment_(segment) {}
  // Begins at the tail as it is now.
  LocalReader(LocalLog& log, Version from, const State& at)
      : log_(log),
        from_(from),
        segment_(at.tail_segment),
        offset_(at.tail_offset),
        position_(at.tail) {}

  Result<std::optional<Entry>> next() override {
    while (true) {
      // Bytes up to here are complete and will not change while the segment is kept.
      View now = view();
      if (segment_ == now.segment && offset_ >= now.offset) return std::nullopt;
      auto stepped = step(now);
      if (!stepped) return std::unexpected(trimmed().value_or(std::move(stepped).error()));
      std::optional<Entry> entry = *std::move(stepped);
      if (entry && entry->group.last >= from_) return entry;
    }
  }

 private:
  struct View {
    uint64_t segment;
    uint64_t offset;
  };

  View view() const {
    return log_.state_.with([](State& s) { return View{s.tail_segment, s.tail_offset}; });
  }

  // When the segment was reused meanwhile, that is the reason for whatever went wrong.
  std::optional<Error> trimmed() const {
    Version oldest = log_.oldest();
    uint64_t lowest = log_.state_.with(
        [](State& s) { return s.segments.empty() ? s.tail_segment : s.segments.begin()->first; });
    bool passed = position_ && position_->version.value() + 1 < oldest.value();
    if (!passed && segment_ >= lowest) return std::nullopt;
    return Error(Code::not_found, str("log ", log_.dir_, ": trimmed up to version ",
                                      oldest.value() - 1, " while it was read"));
  }

  // The next group, or nothing after moving to the next segment.
  Result<std::optional<Entry>> step(const View& now) {
    if (!reader_) NOKV_TRY(open_segment());
    uint64_t limit = segment_ == now.segment ? now.offset : log_.segment_bytes_;
    NOKV_ASSIGN(auto frame, reader_->frame_at(offset_, limit));
    if (!frame && segment_ < now.segment && offset_ > 0) {
      ended_at_ = offset_;
      ++segment_;
      offset_ = 0;
      reader_.reset();
      return std::nullopt;
    }
    if (!frame) return damaged(segment_, offset_, "the frame is damaged");
    return take(*frame);
  }

  Result<> open_segment() {
    NOKV_ASSIGN(std::shared_ptr<File> file, log_.store_.open_for_reading(segment_));
    reader_ =
        std::make_unique<SegmentReader>(std::move(file), log_.log_, segment_, log_.segment_bytes_);
    return {};
  }

  Result<std::optional<Entry>> take(const SegmentReader::Frame& frame) {
    const FrameHeader& header = frame.header;
    Position before{Version{header.first.value() - 1}, header.before};
    Entry entry{{header.first, header.last, std::string(frame.payload)},
                {header.last, header.after}};
    if (position_ && *position_ != before) {
      // Good frames, but not one after the other: what is missing lay at the end of the segment
      // before, or here.
      if (offset_ == 0) return damaged(segment_ - 1, ended_at_, "the frame is damaged");
      return damaged(segment_, offset_, "the frame does not follow the one before");
    }
    if (chain(header.before, entry.group) != header.after) {
      return damaged(segment_, offset_, "the chain digest is wrong");
    }
    position_ = entry.after;
    offset_ = frame.end;
    return entry;
  }

  std::unexpected<Error> damaged(uint64_t segment, uint64_t offset, std::string_view what) const {
    return fail(Code::data_loss, log_.dir_, "/", segment_name(segment), ": offset ", offset, ": ",
                what);
  }

  LocalLog& log_;
  Version from_;
  uint64_t segment_;
  uint64_t offset_ = 0;
  uint64_t ended_at_ = 0;             // of the segment before
  std::optional<Position> position_;  // none before the first group
  std::unique_ptr<SegmentReader> reader_;
};

LocalLog::LocalLog(const Env& env, std::string dir, const LocalLogOptions& options,
                   std::unique_ptr<FileLock> lock, const Identity& identity)
    : files_(env.files),
      dir_(std::move(dir)),
      lock_(std::move(lock)),
      store_(env.files, dir_, identity.segment_bytes, options.spares_max),
      identity_(identity),
      log_(identity.log),
      segment_bytes_(identity.segment_bytes),
      sync_failed_(options.sync_failed),
      background_(env.executors.serial("log-prepare")) {}

LocalLog::~LocalLog() { background_.reset(); }

Result<std::unique_ptr<LocalLog>> LocalLog::open(const Env& env, const std::string& dir,
                                                 const LocalLogOptions& options) {
  NOKV_TRY(check_options(options));
  std::string identity_path = str(dir, "/", kIdentity);
  if (!options.create) {
    NOKV_ASSIGN(bool there, env.files.exists(dir));
    if (!there) return fail(Code::not_found, "log ", dir, ": no such directory");
  }
  NOKV_TRY(make_durable_dirs(env.files, dir));
  NOKV_ASSIGN(auto lock, env.files.lock(str(dir, "/", kLock)));
  NOKV_ASSIGN(bool there, env.files.exists(identity_path));
  if (!there) NOKV_TRY(create(env, dir, options));
  NOKV_ASSIGN(std::string bytes, read_file(env.files, identity_path, kIdentityBytesMax));
  auto identity = decode_identity(bytes);
  if (!identity) return std::unexpected(std::move(identity).error().within(identity_path));
  NOKV_ASSIGN(Recovered found, recover(env.files, dir, identity->log, identity->segment_bytes));
  if (found.segments.empty()) found.tail = options.begin;
  if (found.last_segment == 0) {
    return fail(Code::data_loss, dir, ": no segment file is left beside ", kIdentity);
  }
  std::unique_ptr<LocalLog> log(
      new LocalLog(env, dir, options, std::move(lock), *std::move(identity)));
  NOKV_TRY(log->start(found));
  return log;
}

// The first segment before the identity: a log that has one has a segment.
Result<Identity> LocalLog::create(const Env& env, const std::string& dir,
                                  const LocalLogOptions& options) {
  if (!options.create) return fail(Code::not_found, "log ", dir, ": no ", kIdentity, " there");
  NOKV_ASSIGN(auto names, env.files.list(dir));
  for (const std::string& name : names) {
    if (!segment_number(name)) continue;
    std::string path = str(dir, "/", name);
    NOKV_ASSIGN(auto file, env.files.open(path, OpenMode::read));
    NOKV_ASSIGN(std::string head, file->read_at(0, kFrameAlignment));
    if (find_frame_magic(head, 0) == 0) {
      return fail(Code::data_loss, dir, "/", kIdentity, ": the file is missing beside ", name);
    }
    NOKV_TRY(env.files.remove(path));  // of a creation that a crash ended
  }
  SegmentStore store(env.files, dir, options.segment_bytes, 0);
  NOKV_TRY(store.open(0));
  NOKV_TRY(store.prepare(1));
  Identity identity{.log = {env.random.next(), env.random.next()},
                    .segment_bytes = options.segment_bytes};
  NOKV_TRY(write_file_atomic(env.files, str(dir, "/", kIdentity), encode_identity(identity)));
  return identity;
}

LocalLog::State LocalLog::state_of(const Identity& identity, const Recovered& found) {
  State state;
  state.epoch = identity.epoch;
  state.tail = found.tail;
  state.tail_segment = found.tail_segment;
  state.tail_offset = found.tail_offset;
  state.segments = found.segments;
  return state;
}

Result<> LocalLog::start(const Recovered& found) {
  State state = state_of(identity_.with([](Identity& i) { return i; }), found);
  uint64_t lowest = state.segments.empty() ? 1 : state.segments.begin()->first;
  NOKV_TRY(store_.open(found.last_segment - lowest + 1));
  segment_ = state.tail_segment;
  offset_ = state.tail_offset;
  NOKV_ASSIGN(file_, store_.open_for_writing(segment_));
  // The last group was read from memory, maybe; from now on others build on it.
  NOKV_TRY(file_->sync());
  NOKV_TRY(files_.sync_dir(dir_));
  state_.with([&](State& s) { s = std::move(state); });
  prepare_next();
  return {};
}

LocalLog::State LocalLog::state() const {
  return state_.with([](State& s) { return s; });
}

Position LocalLog::tail() const {
  return state_.with([](State& s) { return s.tail; });
}

Result<LogStore::Claim> LocalLog::claim(std::string_view node) {
  if (node.find('\n') != std::string_view::npos) {
    return fail(Code::invalid_argument, "claim log ", dir_, ": a line break in the node's name");
  }
  Identity next = identity_.with([](Identity& i) { return i; });
  next.epoch = Epoch{next.epoch.value() + 1};
  next.node = node;
  NOKV_TRY(write_file_atomic(files_, str(dir_, "/", kIdentity), encode_identity(next)));
  identity_.with([&](Identity& i) { i = next; });
  return state_.with([&](State& s) {
    s.epoch = next.epoch;
    return Claim{next.epoch, s.tail};
  });
}

void LocalLog::append(Epoch epoch, const Position& previous, const Group& group,
                      std::move_only_function<void(Result<Appended>)> done) {
  auto finished = append_now(epoch, previous, group);
  if (!finished) return done(std::unexpected(std::move(finished).error()));
  std::optional<Appended> answer = *finished;
  if (answer) done(*answer);
}

Result<std::optional<Appended>> LocalLog::append_now(Epoch epoch, const Position& previous,
                                                     const Group& group) {
  struct Now {
    Epoch epoch;
    Position tail;
    std::optional<Error> broken;
  };
  Now now = state_.with([](State& s) { return Now{s.epoch, s.tail, s.broken}; });
  if (epoch != now.epoch) return Appended::fenced;
  if (now.broken) return std::unexpected(*now.broken);
  check(group.first.value() == previous.version.value() + 1 && group.last >= group.first,
        "a group begins after its previous version and is not empty");
  Position after{group.last, chain(previous.digest, group)};
  if (after == now.tail) return Appended::appended;
  if (previous != now.tail) {
    return fail(Code::failed_precondition, "append to log ", dir_, " after version ",
                previous.version.value(), ": its tail is version ", now.tail.version.value());
  }
  NOKV_TRY(make_room(frame_bytes(group.bytes.size())));
  encode_frame(frame_, {log_, segment_, offset_}, group, previous.digest, after.digest);
  if (Result<> written = file_->write_at(offset_, frame_); !written) {
    return break_off(std::move(written).error());
  }
  if (Result<> synced = file_->sync(); !synced) return die(synced.error());
  bool new_segment = offset_ == 0;
  offset_ += frame_.size();
  state_.with([&](State& s) {
    s.tail = after;
    s.tail_segment = segment_;
    s.tail_offset = offset_;
    if (new_segment) s.segments[segment_] = group.first;
  });
  if (new_segment) prepare_next();
  return Appended::appended;
}

std::unexpected<Error> LocalLog::break_off(Error error) {
  error = std::move(error).within(str("append to log ", dir_)).maybe_done();
  state_.with([&](State& s) { s.broken = error; });
  return std::unexpected(std::move(error));
}

// Of what was written since the last success nothing is known any more, and trying again would
// prove nothing: the next start reads what the device has.
std::optional<Appended> LocalLog::die(const Error& error) {
  if (!sync_failed_) {
    check_failed(str("the log is synced: ", error.message()), std::source_location::current());
  }
  (void)break_off(error);
  sync_failed_(error);
  return std::nullopt;
}

// Moves on to the next segment when `size` does not fit into this one.
Result<> LocalLog::make_room(uint64_t size) {
  if (size > segment_bytes_) {
    return fail(Code::invalid_argument, "append to log ", dir_, ": a frame of ", size,
                " bytes is more than a segment of ", segment_bytes_);
  }
  if (offset_ + size <= segment_bytes_) return {};
  auto next = store_.open_for_writing(segment_ + 1);
  if (!next) return std::unexpected(std::move(next).error().within("append to log"));
  file_ = *std::move(next);
  ++segment_;
  offset_ = 0;
  return {};
}

// An error here comes again, and is told, when the segment is needed.
void LocalLog::prepare_next() {
  background_->post([this, number = segment_ + 1] { (void)store_.prepare(number); });
}

Result<std::unique_ptr<Reader>> LocalLog::read(Version from) {
  State now = state();
  Version first = oldest();
  if (from < first) {
    return fail(Code::not_found, "log ", dir_, ": version ", from.value(),
                " is gone, the oldest is ", first.value());
  }
  if (from > now.tail.version) return std::make_unique<LocalReader>(*this, from, now);
  auto above = std::ranges::find_if(now.segments,
                                    [&](const auto& segment) { return segment.second > from; });
  return std::make_unique<LocalReader>(*this, from, std::prev(above)->first);
}

Version LocalLog::oldest() const {
  return state_.with([](State& s) {
    if (s.segments.empty()) return Version{s.tail.version.value() + 1};
    return s.segments.begin()->second;
  });
}

std::vector<LogStore::Part> LocalLog::parts() const {
  return state_.with([this](State& s) {
    std::vector<Part> out;
    out.reserve(s.segments.size());
    for (const auto& [number, first] : s.segments) out.push_back({first, segment_bytes_});
    return out;
  });
}

Result<> LocalLog::trim(Version upto) {
  std::lock_guard lock(trim_mutex_);
  while (true) {
    // A segment goes when the next one begins at or below the first version that is needed.
    auto taken = state_.with([&](State& s) -> std::optional<std::pair<uint64_t, Version>> {
      if (s.segments.size() < 2) return std::nullopt;
      auto lowest = s.segments.begin();
      if (std::next(lowest)->second.value() > upto.value() + 1) return std::nullopt;
      std::pair<uint64_t, Version> segment = *lowest;
      s.segments.erase(lowest);  // before the file changes, so that readers know
      return segment;
    });
    if (!taken) return {};
    if (Result<> retired = store_.retire(taken->first); !retired) {
      state_.with([&](State& s) { s.segments.insert(*taken); });
      return retired;
    }
  }
}

}  // namespace nokv::log
