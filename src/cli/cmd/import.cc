#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "cli/serve_options.h"
#include "cli/version.h"
#include "cli/write_rules.h"
#include "client/content_type.h"
#include "object/key.h"

namespace nokv::cli {
namespace {

constexpr uint32_t kPage = 1000;
// As many blobs as one transaction may bring in.
constexpr uint64_t kBatchBlobs = codec::kBodyBlobsMax;

// "s3://BUCKET/PREFIX" in its parts: PREFIX with a slash at its end, or "".
struct Source {
  std::string store;
  std::string prefix;

  static Result<Source> parse(const std::string& url) {
    NOKV_ASSIGN(ObjectOptions place, bucket_options(url));
    Source out{"s3://" + place.bucket, std::move(place.root)};
    while (out.prefix.ends_with('/')) out.prefix.pop_back();
    if (out.prefix.empty()) return out;
    if (!object::check_key(out.prefix)) {
      return fail(Code::invalid_argument, "'", url, "' has a prefix that is no key");
    }
    out.prefix += '/';
    return out;
  }
  std::string name_of(std::string_view key) const { return str(store, "/", key); }
};

// The keys that may be directories of later ones: keys come sorted, so those that begin with one
// key come right behind it.
class FileKeys {
 public:
  // Whether an earlier key is a file where this one needs a directory; else it is one itself.
  bool in_the_way(const std::string& key, bool is_file) {
    while (!open_.empty() && !key.starts_with(open_.back())) open_.pop_back();
    bool found = std::ranges::any_of(open_, [&](const std::string& file) {
      return key.size() > file.size() && key[file.size()] == '/';
    });
    if (!found && is_file) open_.push_back(key);
    return found;
  }

 private:
  std::vector<std::string> open_;  // each begins with the one before
};

class Importer {
 public:
  Importer(Context& context, Client& client, Source from, std::string path)
      : context_(context),
        client_(client),
        from_(std::move(from)),
        path_(std::move(path)),
        progress_(context.out, context.doors.env.clock, "import") {}

  Result<TransferCount> run() {
    codec::ListObjectsRequest request{
        .store = from_.store, .prefix = from_.prefix, .after = {}, .limit = kPage};
    for (;;) {
      NOKV_ASSIGN(auto page, client_.list_objects(request, context_.call()));
      if (page.objects.empty()) break;
      request.after = page.objects.back().key;
      NOKV_TRY(take(std::move(page.objects)));
      if (!page.more) break;
    }
    return count_;
  }

  const TransferCount& count() const { return count_; }

 private:
  struct Job {
    codec::ListedObject object;
    std::string path;
    bool directory = false;  // an empty object whose name ends with a slash stands for one
  };

  Result<> take(std::vector<codec::ListedObject> objects) {
    std::vector<Job> jobs;
    for (auto& it : objects) {
      if (context_.doors.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
      if (it.key == from_.prefix) continue;  // the directory itself
      Job job{.object = std::move(it)};
      if (auto named = name(job); !named) {
        failed(std::move(named).error(), job);
      } else {
        jobs.push_back(std::move(job));
      }
    }
    NOKV_ASSIGN(jobs, without_those_there(std::move(jobs)));
    std::span<const Job> left = jobs;
    while (!left.empty()) {
      size_t count = 0;
      uint64_t blobs = 0;
      while (count < left.size()) {
        blobs +=
            codec::blob_count(std::min(left[count].object.size, codec::kBlobBytes * kBatchBlobs));
        if (count > 0 && blobs > kBatchBlobs) break;
        ++count;
      }
      NOKV_TRY(send(left.first(count)));
      left = left.subspan(count);
    }
    return {};
  }

  Result<> name(Job& job) {
    std::string key = job.object.key;
    job.directory = key.ends_with('/') && job.object.size == 0;
    if (job.directory) key.pop_back();
    NOKV_TRY(object::check_key(key));
    if (files_.in_the_way(key, !job.directory)) {
      return fail(Code::not_directory, "another object has the name of a directory of it");
    }
    job.path = join(path_, key.substr(from_.prefix.size()));
    return {};
  }

  Result<std::vector<Job>> without_those_there(std::vector<Job> jobs) {
    std::vector<codec::Target> targets;
    for (const Job& job : jobs) targets.push_back({.path = job.path});
    if (targets.empty()) return jobs;
    NOKV_ASSIGN(auto there,
                client_.stat_many(std::move(targets), {.follow = true, .call = context_.call()}));
    std::vector<Job> out;
    for (size_t i = 0; i < jobs.size(); ++i) {
      const codec::Entry& entry = there.results.at(i).entry;
      const codec::ListedObject& object = jobs[i].object;
      bool same = jobs[i].directory
                      ? entry.kind == codec::Kind::directory
                      : entry.kind == codec::Kind::file && !object.etag.empty() &&
                            entry.body.etag == object.etag && entry.body.size == object.size;
      if (!same) {
        out.push_back(std::move(jobs[i]));
      } else if (!jobs[i].directory) {
        ++count_.there;
        tell(jobs[i], entry.body.generation, false);
      }
    }
    return out;
  }

  codec::Operation operation(const Job& job) const {
    if (job.directory) {
      return codec::Mkdir{.target = {.path = job.path},
                          .mode = 0755,
                          .uid = own_uid(),
                          .gid = own_gid(),
                          .parents = true,
                          .exist_ok = true};
    }
    const codec::ListedObject& object = job.object;
    codec::Publish op{.target = {.path = job.path},
                      .parents = true,
                      .mode = 0644,
                      .uid = own_uid(),
                      .gid = own_gid(),
                      .keep_undo = true};
    if (object.modified_ns != 0) op.mtime_ns = object.modified_ns;
    op.body.size = object.size;
    op.body.external = codec::External{
        .store = from_.store, .key = object.key, .etag = object.etag, .size = object.size};
    // Bytes that are no text: what the name does not tell is not guessed.
    op.body.content_type = client::content_type(job.path, std::string_view("\0", 1));
    op.body.producer = str("nokv/", version_number());
    return op;
  }

  // All at once. When one of them is refused none was done, and halves are tried until it is found.
  Result<> send(std::span<const Job> jobs) {
    if (context_.doors.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
    std::vector<codec::Operation> operations;
    for (const Job& job : jobs) operations.push_back(operation(job));
    auto reply = client_.commit(std::move(operations), context_.write_options());
    if (reply) {
      count_.version = reply->version;
      for (size_t i = 0; i < jobs.size(); ++i) {
        if (jobs[i].directory) continue;
        ++count_.files;
        count_.bytes += jobs[i].object.size;
        tell(jobs[i], reply->results.at(i).generation, true);
      }
      return {};
    }
    if (!is_refusal(reply.error())) return std::unexpected(std::move(reply).error());
    if (jobs.size() == 1) {
      failed(std::move(reply).error(), jobs.front());
      return {};
    }
    size_t half = jobs.size() / 2;
    NOKV_TRY(send(jobs.first(half)));
    return send(jobs.subspan(half));
  }

  void failed(Error error, const Job& job) {
    ++count_.failed;
    context_.report(std::move(error), from_.name_of(job.object.key));
  }

  void tell(const Job& job, uint64_t generation, bool imported) {
    progress_.add_file();
    progress_.add(job.object.size);
    std::string from = from_.name_of(job.object.key);
    if (context_.out.json()) {
      context_.out.line(imported_json({job.path, from, job.object, generation, imported}));
    } else if (context_.dry_run() && imported) {
      context_.out.line(str("would import ", name_shown(from), " as ", name_shown(job.path)));
    }
  }

  Context& context_;
  Client& client_;
  const Source from_;
  const std::string path_;
  Progress progress_;
  FileKeys files_;
  TransferCount count_;
};

void tell(Context& context, const std::string& from, const std::string& path,
          const TransferCount& count) {
  Output& out = context.out;
  if (out.json()) return out.line(transfer_json(path, "from", from, count));
  std::string text =
      str(name_shown(path), context.dry_run() ? ": would import " : ": imported ", count.files,
          " files, ", out.size(count.bytes), ", from ", name_shown(from));
  if (count.there > 0) text += str("; ", count.there, " were there");
  if (count.failed > 0) text += str("; ", count.failed, " failed");
  out.line(text);
}

Result<Exit> run(Context& context) {
  NOKV_ASSIGN(Source source, context.as_usage(Source::parse(context.args.positional(0))));
  NOKV_ASSIGN(std::string path, context.path(context.args.positional(1)));
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  auto there = client->stat({.path = path}, {.follow = true, .call = context.call()});
  if (there && there->entry.kind != codec::Kind::directory) {
    return fail(Code::not_directory, path, ": not a directory");
  }
  if (!there && there.error().code() != Code::not_found) {
    return std::unexpected(std::move(there).error());
  }
  std::string from = source.name_of(source.prefix);
  Importer importer(context, *client, std::move(source), path);
  auto done = importer.run();
  const TransferCount& count = importer.count();
  if (!done) {
    // Before anything happened it is the command's error.
    if (count.files + count.there == 0) return std::unexpected(std::move(done).error());
    context.report(done.error(), path);
    tell(context, from, path, count);
    return exit_of(done.error());
  }
  if (count.files + count.there + count.failed == 0) {
    return fail(Code::not_found, from, ": no object's name begins with that");
  }
  tell(context, from, path, count);
  return Context::exit_of_many(count.files + count.there, count.failed, std::nullopt);
}

}  // namespace

Command import_row() {
  return {
      .name = "import",
      .group = Group::files,
      .summary = "make the objects of a bucket files, without copying them",
      .text =
          "The object PREFIX/a/b becomes the file PATH/a/b, whose bytes stay where they are: "
          "they are read from there by the server, with its credentials, and never changed or "
          "deleted. Each read checks that the object's ETag and size are those it was imported "
          "with; one that was replaced or deleted is an error, never other bytes. Everything "
          "else works as with other files, and costs no space.\n\n"
          "Run again after an interruption, or when objects were added or replaced: what is there "
          "with the same ETag and size is passed over, other files are replaced, and can be "
          "brought back. What was deleted in the bucket stays. A key that is no path is told, and "
          "the exit code says so. The server says what it may read with --import-from.",
      .positionals = {{.name = "s3://BUCKET/PREFIX", .kind = ValueKind::text},
                      {.name = "PATH", .kind = ValueKind::path}},
      .examples = {{"nokv import s3://datasets/imagenet /data/imagenet", ""}},
      .run = run};
}

}  // namespace nokv::cli
