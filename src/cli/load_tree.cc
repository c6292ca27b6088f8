#include "cli/load_tree.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "cli/dump_lines.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/write_rules.h"
#include "codec/crc32c.h"
#include "codec/digester.h"

namespace nokv::cli {
namespace {

constexpr size_t kBatchNames = 2000;
constexpr uint64_t kBatchBytes = 4 << 20;
constexpr uint64_t kStreamedBytes = 1 << 20;  // bodies above it go from the input to the store

using Input = std::function<Result<size_t>(std::span<char>)>;

// Lines of the dump, one at a time.
class DumpReader {
 public:
  explicit DumpReader(const Input& in) : in_(in), buffer_(kDumpLineMax, '\0') {}

  // Null at the end of the input; else it lasts until the next call.
  Result<DumpLine*> next() {
    NOKV_ASSIGN(bool any, find_line());
    if (!any) return nullptr;
    ++number_;
    auto parsed = parse_dump_line(text_);
    if (!parsed) return wrong(parsed.error().message());
    line_ = *std::move(parsed);
    return &line_;
  }

  std::unexpected<Error> wrong(std::string_view what) const {
    return fail(Code::invalid_argument, "line ", number_, " of the dump: ", what);
  }

 private:
  Result<bool> find_line() {
    size_t searched = at_;
    for (;;) {
      std::string_view have(buffer_.data(), end_);
      size_t line_end = have.find('\n', searched);
      if (line_end != std::string_view::npos) {
        text_ = have.substr(at_, line_end - at_);
        at_ = line_end + 1;
        return true;
      }
      if (at_ != 0) {
        buffer_.erase(0, at_);
        end_ -= std::exchange(at_, 0);
        buffer_.resize(kDumpLineMax, '\0');
      }
      searched = end_;
      if (end_ == buffer_.size()) {
        ++number_;
        return wrong("is longer than any line of a dump");
      }
      NOKV_ASSIGN(size_t got, in_(std::span(buffer_).subspan(end_)));
      end_ += got;
      if (got > 0) continue;
      if (end_ == 0) return false;
      ++number_;
      return wrong("is cut off");
    }
  }

  const Input& in_;
  std::string buffer_;
  size_t at_ = 0;
  size_t end_ = 0;
  std::string_view text_;  // of the line
  uint64_t number_ = 0;
  DumpLine line_;
};

// The body that follows a file's line.
class BodyLines final : public client::Source {
 public:
  BodyLines(DumpReader& lines, uint64_t size, Progress& progress)
      : lines_(lines), left_(size), progress_(progress) {}

  Result<size_t> read(std::span<char> buffer) override {
    if (at_ == data_.size()) {
      if (left_ == 0) return 0;
      NOKV_ASSIGN(DumpLine * line, lines_.next());
      if (line == nullptr) {
        return fail(Code::invalid_argument, "the dump is cut off in a body");
      }
      auto* data = std::get_if<DumpData>(line);
      if (data == nullptr || data->bytes.empty() || data->bytes.size() > left_) {
        return lines_.wrong("a body has another length than its file");
      }
      data_ = std::move(data->bytes);
      at_ = 0;
      left_ -= data_.size();
      progress_.add(data_.size());
    }
    size_t count = data_.copy(buffer.data(), buffer.size(), at_);
    at_ += count;
    return count;
  }

 private:
  DumpReader& lines_;
  uint64_t left_;
  Progress& progress_;
  std::string data_;
  size_t at_ = 0;
};

client::DigestChoice choice_of(codec::DigestKind kind) {
  switch (kind) {
    case codec::DigestKind::sha256:
      return client::DigestChoice::sha256;
    case codec::DigestKind::xxh3_128:
      return client::DigestChoice::xxh3_128;
    case codec::DigestKind::none:
      break;
  }
  return client::DigestChoice::none;
}

// What an operation makes, to recognise it when it is there already.
struct Made {
  std::string path;
  codec::Kind kind = codec::Kind::none;
  uint64_t size = 0;
  codec::Digest digest;
  std::string target;
  std::string link;
};

struct Batch {
  std::vector<client::WriteItem> items;
  // With `resume`, one for each item; none: it is done in any case.
  std::vector<std::optional<Made>> made;
  uint64_t bytes = 0;
};

class Loader {
 public:
  Loader(Context& context, Client& client, const Input& in, const LoadTree& what,
         Progress& progress, bool& some)
      : context_(context),
        client_(client),
        lines_(in),
        what_(what),
        progress_(progress),
        some_(some),
        sender_(context.doors.env.executors.serial("nokv-load")) {}
  ~Loader() {
    if (sent_) (void)sent_->wait();
  }

  Result<LoadedTree> run() {
    NOKV_TRY(begin());
    for (;;) {
      NOKV_ASSIGN(DumpLine * line, lines_.next());
      if (line == nullptr)
        return fail(Code::invalid_argument, "the dump is cut off after ", done_.nodes, " nodes");
      if (std::holds_alternative<DumpSnapshot>(*line)) continue;
      if (auto* node = std::get_if<DumpNode>(line)) {
        ++done_.nodes;
        progress_.add_file();
        NOKV_TRY(add_node(std::move(*node)));
        continue;
      }
      auto* end = std::get_if<DumpEnd>(line);
      if (end == nullptr) return lines_.wrong("does not belong here");
      if (end->nodes != done_.nodes) {
        return lines_.wrong(str("tells ", end->nodes, " nodes; ", done_.nodes, " came"));
      }
      break;
    }
    while (!open_.empty()) leave();
    NOKV_TRY(send());
    NOKV_TRY(settle());
    if (!context_.dry_run()) NOKV_TRY(client_.sync(context_.call()));
    return done_;
  }

 private:
  // A directory whose entries are being read.
  struct Open {
    std::string path;  // in the dump; "" for the first one
    codec::Attributes attributes;
    codec::Quota quota;
    bool changed = false;  // something was made in it
  };

  Result<> begin() {
    NOKV_ASSIGN(DumpLine * first, lines_.next());
    auto* header = first != nullptr ? std::get_if<DumpHeader>(first) : nullptr;
    if (header == nullptr) return fail(Code::invalid_argument, "the input is no dump");
    header_ = std::move(*header);
    done_.from = header_.path;
    done_.to = what_.to.empty() ? header_.path : what_.to;
    if (!header_.bodies) {
      NOKV_ASSIGN(auto status, client_.status(context_.call()));
      same_namespace_ = status.namespace_id == header_.namespace_id;
    }
    auto there = client_.stat({.path = done_.to}, {.call = context_.call()});
    if (!there && there.error().code() != Code::not_found) {
      return std::unexpected(std::move(there).error());
    }
    if (!there) return {};
    if (there->entry.kind != codec::Kind::directory) {
      return fail(Code::not_directory, done_.to, ": not a directory");
    }
    there_ = true;
    if (there->entry.entries == 0 || what_.resume) return {};
    return std::unexpected(Error(Code::already_exists, str(done_.to, ": is not empty"))
                               .with_hint("load it elsewhere; --resume goes on with a load that "
                                          "was interrupted"));
  }

  std::string path_of(const std::string& below) const {
    if (below.empty() || below == "/") return done_.to;
    return done_.to == "/" ? below : done_.to + below;
  }

  Result<> add_node(DumpNode node) {
    bool first = open_.empty();
    if (first != (node.path == "/")) return lines_.wrong("a node comes before its directory");
    if (first) return add_first(node);
    std::string_view parent = std::string_view(node.path).substr(0, node.path.rfind('/'));
    while (!open_.empty() && open_.back().path != parent) leave();
    if (open_.empty()) return lines_.wrong("a node comes before its directory");
    open_.back().changed = true;
    if (!node.link.empty()) return add_link(node);
    if (node.entry.kind == codec::Kind::directory) {
      open_.push_back({node.path, node.entry.attributes, node.entry.quota, what_.resume});
    }
    return add_new(node);
  }

  Result<> add_first(DumpNode& node) {
    if (node.entry.kind != codec::Kind::directory) return lines_.wrong("needs to be a directory");
    open_.push_back({"", node.entry.attributes, node.entry.quota, true});
    if (!there_) return add_new(node);
    for (auto& xattr : node.entry.xattrs) {
      NOKV_TRY(add(codec::SetXattr{.target = {.path = done_.to},
                                   .name = std::move(xattr.name),
                                   .value = std::move(xattr.value)}));
    }
    return {};
  }

  // What was made in a directory changed its times. It may be more than its quota, which therefore
  // comes after it.
  void leave() {
    Open directory = std::move(open_.back());
    open_.pop_back();
    const codec::Quota& quota = directory.quota;
    if (quota) {
      codec::SetQuota op{{path_of(directory.path)}, quota.max_bytes, quota.max_entries};
      (void)add(std::move(op), {}, 0, /*may_send=*/false);
    }
    if (!directory.changed && !quota) return;
    (void)add(restored(path_of(directory.path), directory.attributes), {}, 0, /*may_send=*/false);
  }

  static codec::SetAttributes restored(std::string path, const codec::Attributes& it) {
    return {.target = {.path = std::move(path)},
            .mode = it.mode,
            .uid = it.uid,
            .gid = it.gid,
            .mtime_ns = it.mtime_ns,
            .ctime_ns = it.ctime_ns,
            .btime_ns = it.btime_ns};
  }

  Result<> add_link(const DumpNode& node) {
    Made made{.path = path_of(node.path), .link = path_of(node.link)};
    codec::Link op{.from = {.path = made.link}, .to = {.path = made.path}};
    codec::SetAttributes ctime{.target = op.to, .ctime_ns = node.entry.attributes.ctime_ns};
    NOKV_TRY(add(std::move(op), std::move(made), 0, /*may_send=*/false));
    return add(std::move(ctime));
  }

  Result<> add_new(DumpNode& node) {
    codec::Entry& it = node.entry;
    const codec::Attributes& attributes = it.attributes;
    for (const auto& xattr : it.xattrs) batch_.bytes += xattr.name.size() + xattr.value.size();
    Made made{.path = path_of(node.path),
              .kind = it.kind,
              .size = it.body.size,
              .digest = it.body.digest,
              .target = it.target};
    switch (it.kind) {
      case codec::Kind::directory: {
        codec::Mkdir op{.target = {.path = made.path},
                        .mode = attributes.mode,
                        .uid = attributes.uid,
                        .gid = attributes.gid,
                        .parents = node.path == "/",
                        .mtime_ns = attributes.mtime_ns,
                        .ctime_ns = attributes.ctime_ns,
                        .btime_ns = attributes.btime_ns,
                        .xattrs = std::move(it.xattrs)};
        return add(std::move(op), std::move(made));
      }
      case codec::Kind::file:
        return add_file(it, std::move(made), node.path);
      default: {
        codec::MakeNode op{.target = {.path = made.path},
                           .kind = it.kind,
                           .link_target = std::move(it.target),
                           .rdev = attributes.rdev,
                           .mode = attributes.mode,
                           .uid = attributes.uid,
                           .gid = attributes.gid,
                           .mtime_ns = attributes.mtime_ns,
                           .ctime_ns = attributes.ctime_ns,
                           .btime_ns = attributes.btime_ns,
                           .xattrs = std::move(it.xattrs)};
        return add(std::move(op), std::move(made));
      }
    }
  }

  Result<> add_file(codec::Entry& it, Made made, const std::string& below) {
    done_.bytes += it.body.size;
    if (!header_.bodies && it.body.size > 0) return add_shared(it, std::move(made), below);
    const codec::Attributes& attributes = it.attributes;
    codec::Publish op{.target = {.path = made.path},
                      .exists = codec::Exists::create,
                      .mode = attributes.mode,
                      .uid = attributes.uid,
                      .gid = attributes.gid,
                      .mtime_ns = attributes.mtime_ns,
                      .xattrs = std::move(it.xattrs),
                      .ctime_ns = attributes.ctime_ns,
                      .btime_ns = attributes.btime_ns};
    uint64_t size = it.body.size;
    client::BodyOptions options{.size = size,
                                .content_type = it.body.content_type,
                                .guess_content_type = false,
                                .producer = it.body.producer,
                                .digest = choice_of(it.body.digest.kind)};
    BodyLines body(lines_, size, progress_);
    if (size > kStreamedBytes) return add_streamed(std::move(op), body, options, made);
    std::string bytes(size, '\0');
    for (size_t at = 0; at < size;) {
      NOKV_ASSIGN(size_t got, body.read(std::span(bytes).subspan(at)));
      at += got;
    }
    codec::Digester digester(it.body.digest.kind);
    digester.add(bytes);
    if (digester.finish() != it.body.digest) return wrong_digest(made.path);
    if (size > codec::kInlineMax) {
      client::WriteItem item{.op = std::move(op), .body = options};
      item.source = [bytes =
                         std::move(bytes)]() mutable -> Result<std::unique_ptr<client::Source>> {
        return std::make_unique<client::StringSource>(std::move(bytes));
      };
      return add_item(std::move(item), std::move(made), size, true);
    }
    op.body.size = size;
    if (size > 0) op.body.block_crcs.push_back(crc32c(bytes));
    op.body.bytes = std::move(bytes);
    op.body.digest = it.body.digest;
    op.body.content_type = it.body.content_type;
    op.body.producer = it.body.producer;
    return add(std::move(op), std::move(made), size);
  }

  // The bytes are there: the file shares those of the one that was dumped.
  Result<> add_shared(const codec::Entry& it, Made made, const std::string& below) {
    if (!same_namespace_) {
      return std::unexpected(Error(Code::failed_precondition,
                                   str("the dump has no bodies, and is of another namespace (",
                                       printable(header_.namespace_id), ")"))
                                 .with_hint("make it with: nokv dump --bodies"));
    }
    std::string path = made.path;
    std::string from = header_.path == "/" ? below : header_.path + below;
    NOKV_TRY(add(codec::Copy{.from = {.path = std::move(from)},
                             .from_at = str("v", header_.version),
                             .to = {.path = path},
                             .exists = codec::Exists::create},
                 std::move(made), 0, /*may_send=*/false));
    return add(restored(std::move(path), it.attributes));
  }

  Result<> add_streamed(codec::Publish op, BodyLines& body, const client::BodyOptions& options,
                        const Made& made) {
    NOKV_TRY(send());
    NOKV_TRY(settle());
    bool there = false;
    if (what_.resume) {
      NOKV_ASSIGN(auto stat, client_.stat_many({{.path = made.path}}, {.call = context_.call()}));
      NOKV_ASSIGN(there, is_there(stat.results.front(), nullptr, made));
    }
    if (there || context_.dry_run()) {
      std::string buffer(kDumpDataBytes, '\0');
      for (size_t got = 1; got > 0;) {
        NOKV_ASSIGN(got, body.read(buffer));
      }
      if (there) ++done_.passed_over;
      return {};
    }
    NOKV_ASSIGN(auto put, client_.put(std::move(op), body, options, early()));
    some_ = true;
    done_.version = put.version;
    return put.result.digest == made.digest ? Result<>() : wrong_digest(made.path);
  }

  std::unexpected<Error> wrong_digest(const std::string& path) {
    return fail(Code::data_loss, name_shown(path), ": the bytes in the dump have another digest");
  }

  Result<> add(codec::Operation op, std::optional<Made> made = {}, uint64_t bytes = 0,
               bool may_send = true) {
    return add_item({.op = std::move(op)}, std::move(made), bytes, may_send);
  }

  Result<> add_item(client::WriteItem item, std::optional<Made> made, uint64_t bytes,
                    bool may_send) {
    // Roughly what an operation takes.
    batch_.bytes += bytes + 256 + (made ? made->path.size() + made->target.size() : 0);
    batch_.items.push_back(std::move(item));
    if (what_.resume) batch_.made.push_back(std::move(made));
    bool full = batch_.items.size() >= kBatchNames || batch_.bytes >= kBatchBytes;
    return full && may_send ? send() : Result<>();
  }

  // ---- sending

  // The next batch is decided while this one becomes durable; run() ends when all are.
  client::WriteOptions early() const {
    client::WriteOptions options = context_.write_options();
    options.durability = codec::Durability::early;
    return options;
  }

  // Waits for the batch that is on its way.
  Result<> settle() {
    if (!sent_) return {};
    auto version = sent_->wait();
    sent_.reset();
    if (!version) return explained(std::move(version).error());
    if (*version == 0) return {};
    done_.version = *version;
    some_ = true;
    return {};
  }

  Result<> explained(Error error) const {
    if (header_.bodies || error.code() != Code::not_found) return std::unexpected(std::move(error));
    return std::unexpected(
        std::move(error)
            .within(str("the bodies of version ", header_.version))
            .with_hint("a dump without bodies needs what it was made of: dump a snapshot with "
                       "--at, and keep it, or use --bodies"));
  }

  Result<> send() {
    NOKV_TRY(settle());
    Batch batch = std::exchange(batch_, {});
    batch_.items.reserve(batch.items.size());
    if (batch.items.empty() || context_.dry_run()) return {};
    if (what_.resume) NOKV_TRY(pass_over(batch));
    if (batch.items.empty()) return {};
    sent_.emplace();
    sender_->post([this, batch = std::move(batch), done = sent_->done()]() mutable {
      auto reply = client_.write(std::move(batch.items), early());
      done(reply ? Result<uint64_t>(reply->version) : std::unexpected(std::move(reply).error()));
    });
    return {};
  }

  // Drops from the batch what is there already.
  Result<> pass_over(Batch& batch) {
    std::vector<codec::Target> targets;
    for (const auto& made : batch.made) {
      if (!made) continue;
      targets.push_back({.path = made->path});
      if (!made->link.empty()) targets.push_back({.path = made->link});
    }
    if (targets.empty()) return {};
    NOKV_ASSIGN(auto stat, client_.stat_many(std::move(targets), {.call = context_.call()}));
    auto result = stat.results.begin();
    size_t kept = 0;
    for (size_t i = 0; i < batch.items.size(); ++i) {
      if (const auto& made = batch.made[i]) {
        const codec::StatResult& own = *result++;
        const codec::StatResult* linked = made->link.empty() ? nullptr : &*result++;
        NOKV_ASSIGN(bool there, is_there(own, linked, *made));
        done_.passed_over += there ? 1 : 0;
        if (there) continue;
      }
      if (kept != i) batch.items[kept] = std::move(batch.items[i]);
      ++kept;
    }
    batch.items.resize(kept);
    return {};
  }

  // Errors: already_exists when something else is there.
  static Result<bool> is_there(const codec::StatResult& own, const codec::StatResult* linked,
                               const Made& made) {
    if (own.failure.code == Code::not_found) return false;
    if (own.failure.code != Code::ok) {
      return std::unexpected(Error(own.failure.code, own.failure.message));
    }
    const codec::Entry& it = own.entry;
    bool same = linked != nullptr ? it.id == linked->entry.id
                                  : it.kind == made.kind && it.target == made.target &&
                                        it.body.size == made.size && it.body.digest == made.digest;
    if (same) return true;
    return fail(Code::already_exists, name_shown(made.path), ": is there, and differs");
  }

  Context& context_;
  Client& client_;
  DumpReader lines_;
  const LoadTree& what_;
  Progress& progress_;
  bool& some_;
  DumpHeader header_;
  bool same_namespace_ = false;
  bool there_ = false;  // the target is a directory already
  std::vector<Open> open_;
  Batch batch_;
  LoadedTree done_;
  std::optional<client::Wait<uint64_t>> sent_;  // its version
  std::unique_ptr<Executor> sender_;            // last: its task uses the rest
};

}  // namespace

Result<LoadedTree> load_tree(Context& context, Client& client, const Input& in,
                             const LoadTree& what, Progress& progress, bool& some) {
  some = false;
  return Loader(context, client, in, what, progress, some).run();
}

}  // namespace nokv::cli
