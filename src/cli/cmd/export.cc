#include <atomic>
#include <deque>
#include <mutex>
#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/export_target.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "cli/write_rules.h"
#include "client/walk.h"
#include "object/waiter.h"

namespace nokv::cli {
namespace {

constexpr int kAtOnce = 8;        // files under way
constexpr size_t kWaiting = 256;  // and such that wait for them
constexpr Duration kKeepEvery = std::chrono::seconds(10);

struct ExportCount : TransferCount {
  uint64_t passed_over = 0;  // what the target cannot have
};

class Exporter {
 public:
  Exporter(Context& context, Client& client, std::string path, ExportTarget& target)
      : context_(context),
        client_(client),
        path_(std::move(path)),
        target_(target),
        progress_(context.out, context.doors.env.clock, "export"),
        walker_(client, {.target = {.path = path_},
                         .at = {.at = context.args.text("at")},
                         .call = context.call()}),
        kept_(context.doors.env.clock.now()),
        pool_(context.doors.env.executors.pool("nokv-export", kAtOnce)) {}
  ~Exporter() { end_ = true; }

  Result<ExportCount> run() {
    NOKV_ASSIGN(auto first, walker_.next());
    count_.version = walker_.version();
    progress_.set_total(first->entry.totals.bytes);
    while (true) {
      if (context_.doors.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
      NOKV_TRY(keep());
      NOKV_ASSIGN(auto next, walker_.next());
      if (!next) break;
      NOKV_TRY(one(std::move(*next)));
    }
    while (!under_way_.empty()) NOKV_TRY(settle());
    return count_;
  }

  const ExportCount& count() const { return count_; }

 private:
  struct Job {
    Exported what;
    object::Waiter<bool> done;  // whether anything was to do
  };

  Result<> one(client::WalkEntry next) {
    Exported what{next.path.substr(1), std::move(next.entry)};
    switch (what.entry.kind) {
      case codec::Kind::directory:
        return context_.dry_run() ? Result<>() : judge(what, directory(what));
      case codec::Kind::file:
        return send(next.directory, std::move(what));
      case codec::Kind::symlink: {
        auto made = target_.link(what, context_.dry_run());
        if (!made) return judge(what, std::unexpected(std::move(made).error()));
        if (*made) return judge(what, **made);
        break;
      }
      default:
        break;
    }
    ++count_.passed_over;
    context_.out.note(
        str("nokv export: ", source_of(what), ": passed over: a ", kind_name(what.entry.kind)));
    return {};
  }

  Result<bool> directory(const Exported& what) {
    NOKV_TRY(target_.directory(what));
    return true;
  }

  Result<> send(const codec::NodeId& directory, Exported what) {
    while (under_way_.size() >= kWaiting) NOKV_TRY(settle());
    Job& job = under_way_.emplace_back(std::move(what), object::Waiter<bool>());
    pool_->post([this, directory, copy = job.what, done = job.done.done()]() mutable {
      done(end_ ? fail(Code::cancelled, "the export ended") : file(directory, copy));
    });
    return {};
  }

  // On a thread of the pool.
  Result<bool> file(const codec::NodeId& directory, const Exported& what) {
    NOKV_ASSIGN(bool there, target_.has(what));
    if (there || context_.dry_run()) return !there;
    client::OpenOptions open{.target = {.path = what.entry.name, .id = directory},
                             .at = walker_.at(),
                             .generation = what.entry.body.generation,
                             .call = context_.call()};
    NOKV_ASSIGN(auto reader, client_.open_read(std::move(open)));
    NOKV_TRY(target_.file(what, *reader, [this](uint64_t bytes) {
      progress_.add(bytes);
      (void)keep();
    }));
    return true;
  }

  Result<> settle() {
    Job job = std::move(under_way_.front());
    under_way_.pop_front();
    return judge(job.what, job.done.wait());
  }

  // Refusals are told and counted; after other errors going on makes no sense.
  Result<> judge(const Exported& what, Result<bool> done) {
    if (!done) {
      if (exit_of(done.error()) != Exit::refused) return std::unexpected(std::move(done).error());
      ++count_.failed;
      context_.report(std::move(done).error(), source_of(what));
      return {};
    }
    if (what.entry.kind == codec::Kind::directory) return {};
    progress_.add_file();
    ++(*done ? count_.files : count_.there);
    if (*done) count_.bytes += what.entry.body.size;
    if (!*done) progress_.add(what.entry.body.size);
    std::string to = target_.name_of(what.path);
    if (context_.out.json()) {
      context_.out.line(exported_json({source_of(what), to, what.entry.body, *done}));
    } else if (context_.dry_run() && *done) {
      context_.out.line(str("would export ", name_shown(source_of(what)), " to ", name_shown(to)));
    }
    return {};
  }

  std::string source_of(const Exported& what) const { return join(path_, what.path); }

  // The server forgets a version that nobody asks of. Any thread.
  Result<> keep() {
    {
      std::lock_guard lock(mutex_);
      auto now = context_.doors.env.clock.now();
      if (now - kept_ < kKeepEvery) return {};
      kept_ = now;
    }
    return walker_.keep();
  }

  Context& context_;
  Client& client_;
  const std::string path_;
  ExportTarget& target_;
  Progress progress_;
  client::Walker walker_;
  std::mutex mutex_;
  Clock::Instant kept_;
  ExportCount count_;
  std::deque<Job> under_way_;
  std::atomic<bool> end_ = false;
  std::unique_ptr<Executor> pool_;  // ends first
};

void tell(Context& context, const std::string& path, const std::string& to,
          const ExportCount& count) {
  Output& out = context.out;
  if (out.json())
    return out.line(transfer_json(path, "to", to, count).add("passed_over", count.passed_over));
  std::string text = str(name_shown(path), context.dry_run() ? ": would export " : ": exported ",
                         count.files, " files, ", out.size(count.bytes), ", to ", name_shown(to));
  if (count.there > 0) text += str("; ", count.there, " were there");
  if (count.passed_over > 0) text += str("; ", count.passed_over, " passed over");
  if (count.failed > 0) text += str("; ", count.failed, " failed");
  out.line(text);
}

Result<Exit> run(Context& context) {
  NOKV_ASSIGN(std::string path, context.path(context.args.positional(0)));
  ObjectPlace place{.url = context.args.positional(1),
                    .endpoint = context.args.text("endpoint"),
                    .region = context.args.text("region")};
  bool bucket = place.url.starts_with("s3://");
  if (!bucket && (!place.endpoint.empty() || !place.region.empty())) {
    return context.usage("--endpoint and --region go with s3://BUCKET/PREFIX");
  }
  constexpr std::string_view kFile = "file://";
  std::string to = place.url.starts_with(kFile) ? place.url.substr(kFile.size()) : place.url;
  if (!bucket && to.find("://") != std::string::npos) {
    return context.usage("'", to, "' is no directory and no s3://BUCKET/PREFIX");
  }
  NOKV_ASSIGN(Client * client, context.client());
  std::unique_ptr<ExportTarget> target;
  if (bucket) {
    NOKV_ASSIGN(auto status, client->status(context.call()));
    NOKV_ASSIGN(target, context.as_usage(bucket_target(context, place, status.namespace_id)));
  } else {
    target = local_target(context, to);
  }
  context.about(path);
  NOKV_TRY(target->begin(context.dry_run()));
  Exporter exporter(context, *client, path, *target);
  auto done = exporter.run();
  const ExportCount& count = exporter.count();
  if (!done) {
    // Before anything happened it is the command's error.
    if (count.files + count.there == 0) return std::unexpected(std::move(done).error());
    context.report(done.error(), path);
    tell(context, path, to, count);
    return exit_of(done.error());
  }
  tell(context, path, to, count);
  return Context::exit_of_many(count.files + count.there, count.failed, std::nullopt);
}

}  // namespace

Command export_row() {
  return {
      .name = "export",
      .group = Group::files,
      .summary = "write a directory as plain objects of a bucket, or as local files",
      .text =
          "What lies at PATH/a/b becomes the object PREFIX/a/b or the file DIR/a/b, all of one "
          "version, each body verified against its checksums and digest. Run again after an "
          "interruption: what is there and the same is not written again. The same is an object "
          "whose size is that of the file and with which its digest was noted, and a local file "
          "with its size and time. What is there besides stays.\n\n"
          "Objects keep the content type, and as metadata the time (mtime) and the digest "
          "(nokv-body); files keep permissions, time and links. Owners, extended attributes and "
          "older versions are kept by neither; a bucket has no links, no empty directories and no "
          "permissions. A name that is no key is told, and the exit code says so. Credentials "
          "and region come from AWS's variables and files.",
      .positionals = {{.name = "PATH", .kind = ValueKind::path},
                      {.name = "DIR|s3://BUCKET/PREFIX", .kind = ValueKind::local}},
      .options = {at_option("as it was: a snapshot, v123, a time, an age"),
                  {.name = "endpoint",
                   .value = "URL",
                   .kind = ValueKind::text,
                   .help = "of another S3 service than AWS"},
                  {.name = "region",
                   .value = "NAME",
                   .kind = ValueKind::text,
                   .help = "the bucket's region"}},
      .examples = {{"nokv export /runs/1 s3://results/run-1", ""},
                   {"nokv export --at nightly /runs ./runs", ""}},
      .run = run};
}

}  // namespace nokv::cli
