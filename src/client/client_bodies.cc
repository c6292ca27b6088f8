// The calls of a client that move bytes of files.
#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "client/body_reader.h"
#include "client/body_writer.h"
#include "client/client.h"
#include "client/core.h"

namespace nokv {

using client::BodyReader;
using client::BodyWriter;
using client::Committed;
using client::WriteItem;
using client::WriteOptions;
using codec::Method;

namespace {

// Files opened at once by read_many().
constexpr size_t kOpensMax = 256;

struct BodySlot {
  codec::NewBody* body = nullptr;
  const codec::Target* target = nullptr;
  bool is_append = false;
};

Result<BodySlot> slot_of(codec::Operation& op) {
  if (auto* publish = std::get_if<codec::Publish>(&op)) {
    return BodySlot{&publish->body, &publish->target};
  }
  if (auto* append = std::get_if<codec::Append>(&op)) {
    return BodySlot{&append->body, &append->target, true};
  }
  return fail(Code::invalid_argument, "only a publish or an append has a body");
}

uint64_t blobs_of(const WriteItem& item) {
  if (!item.source || !item.body.size || *item.body.size <= codec::kInlineMax) return 0;
  return codec::blob_count(*item.body.size);
}

Result<> fill_body(BodyWriter& writer, WriteItem& item, uint64_t blobs_to_come) {
  NOKV_ASSIGN(BodySlot slot, slot_of(item.op));
  NOKV_ASSIGN(auto source, std::exchange(item.source, nullptr)());
  NOKV_ASSIGN(*slot.body,
              writer.write(slot.target->path, *source, item.body, !slot.is_append, blobs_to_come));
  return {};
}

// A Source that somebody else owns.
class Borrowed final : public client::Source {
 public:
  explicit Borrowed(client::Source& source) : source_(source) {}
  Result<size_t> read(std::span<char> buffer) override { return source_.read(buffer); }

 private:
  client::Source& source_;
};

// Reads the source to its end: what a dry run would have sent.
Result<uint64_t> count_body(WriteItem& item) {
  NOKV_ASSIGN(auto source, std::exchange(item.source, nullptr)());
  std::string buffer(64 << 10, '\0');
  uint64_t total = 0;
  while (true) {
    NOKV_ASSIGN(size_t got, source->read(buffer));
    if (got == 0) return total;
    total += got;
  }
}

WriteItem item_of(codec::Operation op, client::Source& source, const client::BodyOptions& body) {
  WriteItem item{.op = std::move(op), .body = body};
  item.source = [&source]() -> Result<std::unique_ptr<client::Source>> {
    return std::make_unique<Borrowed>(source);
  };
  return item;
}

codec::OpenRequest request_of(const client::OpenOptions& options, const client::Core& core) {
  return {.target = options.target,
          .at = core.seen(options.at),
          .generation = options.generation,
          .offset = options.offset,
          .length = options.length};
}

}  // namespace

// ---- writing

Result<codec::CommitReply> Client::write(std::vector<WriteItem> items,
                                         const WriteOptions& options) {
  if (items.size() > codec::kOperationsMax) {
    return fail(Code::invalid_argument, items.size(), " operations; one transaction has at most ",
                codec::kOperationsMax);
  }
  BodyWriter writer(*core_, options.call);
  uint64_t blobs_to_come = 0;
  for (const WriteItem& item : items) blobs_to_come += blobs_of(item);
  std::vector<uint64_t> would_write(options.dry_run ? items.size() : 0);
  for (size_t i = 0; i < would_write.size(); ++i) {
    if (!items[i].source) continue;
    NOKV_ASSIGN(would_write[i], count_body(items[i]));
  }
  for (WriteItem& item : items) {
    if (!item.source) continue;
    blobs_to_come -= blobs_of(item);
    NOKV_TRY(fill_body(writer, item, blobs_to_come));
  }
  NOKV_TRY(writer.finish());

  std::vector<codec::OperationBox> boxes;
  boxes.reserve(items.size() + 1);
  for (WriteItem& item : items) boxes.push_back({std::move(item.op)});
  std::vector<uint64_t> uploads = writer.uploads();
  bool fits = boxes.size() + uploads.size() <= codec::kOperationsMax;
  for (uint64_t upload : uploads) {
    if (fits) boxes.push_back({codec::CloseUpload{upload}});
  }
  // A body whose blobs were not durable early would be a name without bytes: they are by now.
  NOKV_ASSIGN(codec::CommitReply reply, core_->commit(std::move(boxes), options));
  if (fits) writer.committed();
  if (reply.results.size() > items.size()) reply.results.resize(items.size());
  for (size_t i = 0; i < would_write.size(); ++i) reply.results[i].size += would_write[i];
  return reply;
}

Result<Committed> Client::put(codec::Publish publish, client::Source& source,
                              const client::BodyOptions& body, const WriteOptions& options) {
  std::vector<WriteItem> items;
  items.push_back(item_of(std::move(publish), source, body));
  NOKV_ASSIGN(codec::CommitReply reply, write(std::move(items), options));
  return client::only_result(std::move(reply));
}

Result<Committed> Client::append(codec::Append append, client::Source& source,
                                 const client::BodyOptions& body, const WriteOptions& options) {
  std::vector<WriteItem> items;
  items.push_back(item_of(std::move(append), source, body));
  NOKV_ASSIGN(codec::CommitReply reply, write(std::move(items), options));
  return client::only_result(std::move(reply));
}

// ---- reading

Result<std::unique_ptr<client::Reader>> Client::open_read(client::OpenOptions options) {
  NOKV_ASSIGN(auto reply, core_->ask<codec::OpenReply>(Method::open, request_of(options, *core_),
                                                       options.call));
  NOKV_ASSIGN(auto reader, BodyReader::make(*core_, std::move(options), std::move(reply)));
  return reader;
}

Result<std::string> Client::read(client::OpenOptions options, uint64_t limit) {
  NOKV_ASSIGN(auto reader, open_read(std::move(options)));
  if (reader->size() > limit) {
    return fail(Code::resource_exhausted, "read ", reader->entry().path, ": ", reader->size(),
                " bytes; the limit is ", limit);
  }
  client::StringSink sink;
  NOKV_TRY(reader->copy_to(sink));
  return sink.take();
}

std::vector<Result<std::string>> Client::read_many(std::vector<client::RangeRequest> requests) {
  // Requests of one file share one opening.
  struct Opening {
    size_t request = 0;  // the first one
    client::Wait<codec::OpenReply> reply;
    Result<std::unique_ptr<BodyReader>> reader{};
  };
  using Key = std::tuple<std::string, codec::NodeId, std::string, uint64_t, uint64_t>;
  std::map<Key, size_t> by_key;
  std::deque<Opening> files;
  std::vector<size_t> file_of(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    const client::OpenOptions& open = requests[i].open;
    Key key{open.target.path, open.target.id, open.at.at, open.at.view, open.generation};
    auto [found, first] = by_key.try_emplace(std::move(key), files.size());
    if (first) files.push_back({.request = i});
    file_of[i] = found->second;
  }
  size_t asked = 0;
  for (size_t at = 0; at < files.size(); ++at) {
    for (; asked < files.size() && asked < at + kOpensMax; ++asked) {
      const client::RangeRequest& request = requests[files[asked].request];
      codec::OpenRequest open = request_of(request.open, *core_);
      open.offset = request.offset;
      open.length = request.length;
      core_->caller.ask<codec::OpenReply>(Method::open, open, core_->deadline(request.open.call),
                                          files[asked].reply.done());
    }
    client::OpenOptions options = requests[files[at].request].open;
    options.offset = requests[files[at].request].offset;
    auto reply = files[at].reply.wait(options.call.stop);
    if (reply) {
      files[at].reader = BodyReader::make(*core_, std::move(options), std::move(*reply));
    } else {
      files[at].reader = std::unexpected(std::move(reply).error());
    }
  }

  std::vector<Result<std::string>> out(requests.size());
  std::vector<client::ReadJob> jobs;
  std::vector<size_t> job_of;
  for (size_t i = 0; i < requests.size(); ++i) {
    auto& reader = files[file_of[i]].reader;
    if (!reader) {
      out[i] = std::unexpected(reader.error());
      continue;
    }
    uint64_t offset = std::min(requests[i].offset, (*reader)->size());
    uint64_t length = std::min(requests[i].length, (*reader)->size() - offset);
    out[i]->reserve(length);
    jobs.push_back({reader->get(), offset, length, [&text = *out[i]](std::string_view bytes) {
                      text += bytes;
                      return Result<>();
                    }});
    job_of.push_back(i);
  }
  auto results = run_reads(*core_, jobs);
  for (size_t j = 0; j < jobs.size(); ++j) {
    if (!results[j]) out[job_of[j]] = std::unexpected(std::move(results[j]).error());
  }
  return out;
}

}  // namespace nokv
