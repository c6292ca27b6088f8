#include "client/body_reader.h"

#include <algorithm>
#include <utility>

namespace nokv::client {

namespace {

constexpr size_t kPlansMax = 16;
constexpr uint64_t kReadAheadBlocks = 4;

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace

Result<std::string> Reader::read_at(uint64_t offset, size_t length) {
  uint64_t left = offset < size() ? size() - offset : 0;
  std::string bytes(std::min<uint64_t>(length, left), '\0');
  NOKV_ASSIGN(size_t count, read_at(offset, std::span(bytes)));
  bytes.resize(count);
  return bytes;
}

BodyReader::BodyReader(Core& core, OpenOptions options, codec::OpenReply reply)
    : core_(core), options_(std::move(options)), reply_(std::move(reply)) {}

Result<std::unique_ptr<BodyReader>> BodyReader::make(Core& core, OpenOptions options,
                                                     codec::OpenReply reply) {
  const std::string& path = reply.entry.path;
  if (reply.entry.kind == codec::Kind::directory) {
    return fail(Code::is_directory, path, " is a directory");
  }
  if (reply.entry.kind != codec::Kind::file) {
    return fail(Code::invalid_argument, path, " is not a file");
  }
  codec::BodyPlan plan = std::move(reply.plan);
  reply.plan = {};
  uint64_t offset = std::min(options.offset, reply.entry.body.size);
  std::unique_ptr<BodyReader> reader(new BodyReader(core, std::move(options), std::move(reply)));
  auto made = ReadPlan::make(std::move(plan), offset, reader->size());
  if (!made) return std::unexpected(reader->explained(std::move(made).error()));
  reader->remember(std::move(*made));
  return reader;
}

Error BodyReader::explained(Error error) const {
  const codec::Entry& file = entry();
  std::string name = file.path.empty() ? str("file ", file.id.text()) : file.path;
  std::string where = str("read ", name, " at generation ", file.body.generation);
  if (error.code() == Code::not_found) {
    return Error(Code::data_loss, str(where, ": an object is gone: ", error.message()))
        .with_hint("nokv fsck --read-data finds what else is missing");
  }
  return std::move(error).within(where);
}

// ---- plans

BodyReader::PlanPtr BodyReader::known_plan(uint64_t offset) {
  std::lock_guard lock(mutex_);
  for (size_t at = 0; at < plans_.size(); ++at) {
    if (!plans_[at]->covers(offset)) continue;
    if (at > 0) std::swap(plans_[at], plans_[0]);
    return plans_[0];
  }
  return nullptr;
}

void BodyReader::remember(PlanPtr plan) {
  std::lock_guard lock(mutex_);
  plans_.insert(plans_.begin(), std::move(plan));
  if (plans_.size() > kPlansMax) plans_.pop_back();
}

Result<BodyReader::Located> BodyReader::locate(uint64_t offset, uint64_t end, bool fresh) {
  PlanPtr plan = fresh ? nullptr : known_plan(offset);
  if (plan && plan->expired(to_unix_ns(core_.env.clock.wall()))) plan = nullptr;
  if (!plan) {
    // Plans that are out of date or wrong would be found again.
    {
      std::lock_guard lock(mutex_);
      std::erase_if(plans_, [&](const PlanPtr& known) { return known->covers(offset); });
    }
    NOKV_ASSIGN(plan, open_again(offset));
    remember(plan);
  }
  Piece piece = plan->piece(offset, end);
  return Located{std::move(plan), piece};
}

Result<codec::OpenReply> BodyReader::ask_open(codec::Target target, codec::ReadAt at,
                                              uint64_t offset) {
  codec::OpenRequest request{.target = std::move(target),
                             .at = core_.seen(std::move(at)),
                             .generation = entry().body.generation,
                             .offset = offset};
  NOKV_ASSIGN(codec::OpenReply reply,
              core_.ask<codec::OpenReply>(codec::Method::open, request, options_.call));
  if (reply.entry.id != entry().id || reply.entry.body.generation != request.generation) {
    return fail(Code::aborted, "another file has its name");
  }
  return reply;
}

// The file may have been renamed or replaced: it is looked for where it was, by its id, under the
// name that was asked for, and as of the version that was opened.
Result<BodyReader::PlanPtr> BodyReader::open_again(uint64_t offset) {
  const codec::Entry& file = entry();
  codec::ReadAt at{.at = options_.at.at};
  codec::ReadAt then{.at = str("v", version())};
  codec::Target by_id{.id = file.id};
  codec::Target by_parent = by_id;
  if (file.parent && !file.name.empty()) by_parent = {.path = file.name, .id = file.parent};
  std::pair<codec::Target, codec::ReadAt> tries[] = {
      {by_parent, at}, {by_id, at}, {options_.target, at}, {by_parent, then}};
  for (auto& [target, when] : tries) {
    auto reply = ask_open(std::move(target), std::move(when), offset);
    if (reply) {
      auto plan = ReadPlan::make(std::move(reply->plan), offset, size());
      if (!plan) return std::unexpected(explained(std::move(plan).error()));
      return plan;
    }
    Code code = reply.error().code();
    if (code == Code::unavailable || code == Code::cancelled || code == Code::overloaded) {
      return std::unexpected(explained(std::move(reply).error()));
    }
  }
  return fail(Code::not_found, "read ", file.path, ": generation ", file.body.generation,
              " cannot be opened again: the file was replaced or removed since");
}

// ---- reading

// What the cache has from `offset` on, without waiting for anything.
size_t BodyReader::read_cached(uint64_t offset, std::span<char> buffer) {
  size_t done = 0;
  while (done < buffer.size()) {
    PlanPtr plan = known_plan(offset + done);
    if (!plan) break;
    Piece piece = plan->piece(offset + done, offset + buffer.size());
    if (piece.kind != Piece::Kind::block) break;
    BlockBytes block = core_.cache.find(piece.blob, piece.block);
    if (!block) break;
    block->copy(buffer.data() + done, piece.length, piece.from);
    done += piece.length;
  }
  return done;
}

Result<size_t> BodyReader::read_at(uint64_t offset, std::span<char> buffer) {
  if (offset >= size() || buffer.empty()) return 0;
  buffer = buffer.first(std::min<uint64_t>(buffer.size(), size() - offset));
  size_t done = read_cached(offset, buffer);
  if (done < buffer.size()) {
    ReadJob job{.reader = this, .offset = offset + done, .length = buffer.size() - done};
    job.consume = [&](std::string_view bytes) -> Result<> {
      done += bytes.copy(buffer.data() + done, bytes.size());
      return {};
    };
    NOKV_TRY(run_reads(core_, std::span(&job, 1)).front());
  }
  if (options_.check_digest) NOKV_TRY(streamed(offset, {buffer.data(), done}));
  bool sequential = false;
  {
    std::lock_guard lock(mutex_);
    sequential = sequential_end_ == offset && offset > 0;
    sequential_end_ = offset + done;
  }
  if (sequential) read_ahead(offset + done);
  return done;
}

// `digester` has passed all of the body.
Result<> BodyReader::verify(codec::Digester& digester) const {
  const codec::Digest& told = entry().body.digest;
  codec::Digest found = digester.finish();
  if (found.kind == codec::DigestKind::none || found == told) return {};
  return std::unexpected(explained(Error(
      Code::data_loss, str("the digest is ", hex(found.bytes), " instead of ", hex(told.bytes)))));
}

// Reads elsewhere, in between, do not matter.
Result<> BodyReader::streamed(uint64_t offset, std::string_view bytes) {
  std::lock_guard lock(stream_mutex_);
  if (offset == 0) {
    stream_.emplace(entry().body.digest.kind);
    streamed_to_ = 0;
  }
  if (!stream_ || offset != streamed_to_) return {};
  stream_->add(bytes);
  streamed_to_ += bytes.size();
  if (streamed_to_ < size()) return {};
  auto whole = std::exchange(stream_, std::nullopt);
  return verify(*whole);
}

// The blocks after `end` will be wanted: they are fetched into the cache if there is room.
void BodyReader::read_ahead(uint64_t end) {
  if (core_.options.cache_bytes_max < 4 * kReadAheadBlocks * codec::kBlockBytes) return;
  uint64_t to = std::min(size(), end + kReadAheadBlocks * codec::kBlockBytes);
  uint64_t from = end;
  {
    std::lock_guard lock(mutex_);
    if (read_ahead_to_ >= end && read_ahead_to_ <= to) from = read_ahead_to_;
    if (to < from + codec::kBlockBytes && to < size()) return;
    read_ahead_to_ = to;
  }
  while (from < to) {
    PlanPtr plan = known_plan(from);
    if (!plan || plan->expired(to_unix_ns(core_.env.clock.wall()))) return;
    Piece piece = plan->piece(from, to);
    from += piece.length;
    if (piece.kind != Piece::Kind::block || core_.cache.find(piece.blob, piece.block)) continue;
    BlockPlace place = plan->place(piece);
    auto share = core_.memory->try_take(place.bytes);
    if (!share) return;
    core_.blocks.prepare(plan->access());
    core_.cache.fetch(place, core_.time_max(options_.call),
                      [share = std::move(*share)](const Result<BlockBytes>&) {});
  }
}

std::vector<Result<std::string>> BodyReader::read_many(std::span<const Range> ranges) {
  std::vector<std::string> texts(ranges.size());
  std::vector<ReadJob> jobs;
  for (size_t i = 0; i < ranges.size(); ++i) {
    uint64_t offset = std::min(ranges[i].offset, size());
    uint64_t length = std::min(ranges[i].length, size() - offset);
    texts[i].reserve(length);
    jobs.push_back({this, offset, length, [&text = texts[i]](std::string_view bytes) -> Result<> {
                      text += bytes;
                      return {};
                    }});
  }
  auto results = run_reads(core_, jobs);
  std::vector<Result<std::string>> out;
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (results[i]) {
      out.emplace_back(std::move(texts[i]));
    } else {
      out.emplace_back(std::unexpected(std::move(results[i]).error()));
    }
  }
  return out;
}

Result<uint64_t> BodyReader::copy_to(Sink& sink, uint64_t offset, uint64_t length) {
  offset = std::min(offset, size());
  length = std::min(length, size() - offset);
  bool whole = options_.check_digest && offset == 0 && length == size();
  codec::Digester digester(whole ? entry().body.digest.kind : codec::DigestKind::none);
  ReadJob job{.reader = this, .offset = offset, .length = length};
  job.consume = [&](std::string_view bytes) {
    digester.add(bytes);
    return sink.write(bytes);
  };
  NOKV_TRY(run_reads(core_, std::span(&job, 1)).front());
  if (whole) NOKV_TRY(verify(digester));
  return length;
}

}  // namespace nokv::client
