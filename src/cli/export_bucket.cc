// The bucket's side of cli/export_target.h.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <deque>
#include <utility>
#include <vector>

#include "cli/export_target.h"
#include "cli/render.h"
#include "codec/crc32c.h"
#include "object/key.h"
#include "object/waiter.h"
#include "shard/store_claim.h"

namespace nokv::cli {
namespace {

using object::Metadata;
using object::ObjectInfo;
using object::PutOptions;
using object::Waiter;

constexpr Duration kTime = std::chrono::minutes(10);  // of one request, its repetitions included
constexpr uint64_t kPartBytes = 8 << 20;
constexpr size_t kPartsOnTheirWay = 2;  // of one object

// Names of an object's metadata. `mtime` is what other programs write as well.
constexpr const char* kBody = "nokv-body";
constexpr const char* kMtime = "mtime";

// Seconds since 1970.
std::string seconds_text(int64_t ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t whole = ns / kSecond - (ns % kSecond < 0 ? 1 : 0);
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(whole),
                static_cast<long long>(ns - whole * kSecond));
  return text;
}

bool is_header_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// The bytes of one large object, put part by part. Abandoned unless finish() succeeds.
class PartSink final : public client::Sink {
 public:
  static Result<std::unique_ptr<PartSink>> begin(const Clock& clock, object::PartedPuts& store,
                                                 std::string key, const PutOptions& options,
                                                 uint64_t size) {
    Waiter<std::string> begun;
    store.begin(key, options, clock.now() + kTime, begun.done());
    NOKV_ASSIGN(std::string upload, begun.wait());
    uint64_t part = std::max<uint64_t>(kPartBytes, size / object::PartedPuts::kPartsMax + 1);
    return std::unique_ptr<PartSink>(
        new PartSink(clock, store, std::move(key), std::move(upload), part));
  }
  ~PartSink() override {
    if (finished_) return;
    for (auto& part : on_their_way_) (void)part.wait();
    Waiter<> abandoned;
    store_.abandon(key_, upload_, clock_.now() + kTime, abandoned.done());
    (void)abandoned.wait();
  }

  Result<> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      size_t count = std::min<uint64_t>(bytes.size(), part_bytes_ - part_.size());
      part_ += bytes.substr(0, count);
      bytes.remove_prefix(count);
      if (part_.size() == part_bytes_) NOKV_TRY(send());
    }
    return {};
  }

  Result<> finish() {
    if (!part_.empty()) NOKV_TRY(send());
    while (!on_their_way_.empty()) NOKV_TRY(settle());
    Waiter<> done;
    store_.finish(key_, upload_, tags_, clock_.now() + kTime, done.done());
    NOKV_TRY(done.wait());
    finished_ = true;
    return {};
  }

 private:
  PartSink(const Clock& clock, object::PartedPuts& store, std::string key, std::string upload,
           uint64_t part_bytes)
      : clock_(clock),
        store_(store),
        key_(std::move(key)),
        upload_(std::move(upload)),
        part_bytes_(part_bytes) {}

  Result<> send() {
    if (on_their_way_.size() == kPartsOnTheirWay) NOKV_TRY(settle());
    auto part = std::make_shared<const std::string>(std::exchange(part_, {}));
    store_.put_part(key_, upload_, ++sent_, std::move(part), clock_.now() + kTime,
                    on_their_way_.emplace_back().done());
    return {};
  }

  Result<> settle() {
    Waiter<std::string> first = std::move(on_their_way_.front());
    on_their_way_.pop_front();
    NOKV_ASSIGN(std::string tag, first.wait());
    tags_.push_back(std::move(tag));
    return {};
  }

  const Clock& clock_;
  object::PartedPuts& store_;
  const std::string key_;
  const std::string upload_;
  const uint64_t part_bytes_;
  std::string part_;
  uint32_t sent_ = 0;
  std::deque<Waiter<std::string>> on_their_way_;
  std::vector<std::string> tags_;
  bool finished_ = false;
};

class BucketTarget final : public ExportTarget {
 public:
  BucketTarget(Context& context, std::unique_ptr<Objects> objects, std::string url,
               std::string namespace_id)
      : clock_(context.doors.env.clock),
        objects_(std::move(objects)),
        url_(std::move(url)),
        namespace_id_(std::move(namespace_id)) {
    while (url_.ends_with('/')) url_.pop_back();
  }

  std::string name_of(const std::string& path) const override { return str(url_, "/", path); }

  Result<> begin(bool /*dry_run*/) override {
    NOKV_ASSIGN(auto mark, head(std::string(shard::kStoreMark)));
    if (mark) {
      return std::unexpected(
          Error(Code::failed_precondition, str(url_, " holds the bodies of a namespace"))
              .with_hint("export below a prefix of its own"));
    }
    Waiter<object::ListPage> listed;
    store().list("", "", 1, clock_.now() + kTime, listed.done());
    NOKV_ASSIGN(auto page, listed.wait());
    empty_ = page.objects.empty();
    return {};
  }

  Result<> directory(const Exported& /*what*/) override { return {}; }
  Result<std::optional<bool>> link(const Exported& /*what*/, bool /*dry_run*/) override {
    return std::nullopt;
  }

  Result<bool> has(const Exported& what) override {
    NOKV_TRY(object::check_key(what.path));
    if (empty_) return false;
    NOKV_ASSIGN(auto there, head(what.path));
    if (!there || there->size != what.entry.body.size) return false;
    auto noted = there->metadata.find(kBody);
    return noted != there->metadata.end() && noted->second == body_of(what.entry);
  }

  Result<> file(const Exported& what, client::Reader& reader,
                const std::function<void(uint64_t)>& on_write) override {
    const codec::Entry& entry = reader.entry();
    PutOptions options;
    options.metadata = {{kBody, body_of(entry)}, {kMtime, seconds_text(entry.attributes.mtime_ns)}};
    if (is_header_text(entry.body.content_type)) options.content_type = entry.body.content_type;
    object::PartedPuts* parted = store().parted_puts();
    if (entry.body.size > kPartBytes && parted != nullptr) {
      return in_parts(what, reader, *parted, options, on_write);
    }
    client::StringSink sink;
    NOKV_TRY(reader.copy_to(sink));
    auto body = std::make_shared<const std::string>(sink.take());
    uint64_t size = body->size();
    options.crc32c = crc32c(*body);
    Waiter<> put;
    store().put(what.path, std::move(body), options, clock_.now() + kTime, put.done());
    NOKV_TRY(put.wait());
    on_write(size);
    return {};
  }

 private:
  // Tells its bytes to somebody else too.
  class Counted final : public client::Sink {
   public:
    Counted(client::Sink& sink, const std::function<void(uint64_t)>& on_write)
        : sink_(sink), on_write_(on_write) {}
    Result<> write(std::string_view bytes) override {
      on_write_(bytes.size());
      return sink_.write(bytes);
    }

   private:
    client::Sink& sink_;
    const std::function<void(uint64_t)>& on_write_;
  };

  Result<> in_parts(const Exported& what, client::Reader& reader, object::PartedPuts& parted,
                    const PutOptions& options, const std::function<void(uint64_t)>& on_write) {
    NOKV_ASSIGN(auto sink,
                PartSink::begin(clock_, parted, what.path, options, reader.entry().body.size));
    Counted counted(*sink, on_write);
    NOKV_TRY(reader.copy_to(counted));
    auto finished = sink->finish();
    if (finished || finished.error().outcome() == Outcome::not_done) return finished;
    // The answer was lost; the object says what became of it.
    empty_ = false;
    NOKV_ASSIGN(bool there, has(what));
    return there ? Result<>() : finished;
  }

  // What tells its body from another one.
  std::string body_of(const codec::Entry& entry) const {
    std::string digest = digest_text(entry.body.digest);
    return digest.empty() ? str(namespace_id_, ":", entry.id.text(), "@", entry.body.generation)
                          : digest;
  }

  Result<std::optional<ObjectInfo>> head(std::string key) {
    Waiter<ObjectInfo> waiter;
    store().head(std::move(key), clock_.now() + kTime, waiter.done());
    auto info = waiter.wait();
    if (info) return *std::move(info);
    // Without a body the answer does not say whether it is the bucket that is missing: putting
    // does.
    if (info.error().code() == Code::not_found) return std::nullopt;
    return std::unexpected(std::move(info).error());
  }

  object::ObjectStore& store() { return objects_->store(); }

  const Clock& clock_;
  std::unique_ptr<Objects> objects_;
  std::string url_;
  const std::string namespace_id_;
  std::atomic<bool> empty_ = false;  // there was nothing when it began
};

}  // namespace

Result<std::unique_ptr<ExportTarget>> bucket_target(Context& context, const ObjectPlace& place,
                                                    std::string namespace_id) {
  NOKV_ASSIGN(auto objects, context.doors.open_place(place, context.settings));
  return std::make_unique<BucketTarget>(context, std::move(objects), place.url,
                                        std::move(namespace_id));
}

}  // namespace nokv::cli
