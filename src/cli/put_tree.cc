#include "cli/put_tree.h"

#include <utility>

#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/render.h"

namespace nokv::cli {
namespace {

constexpr size_t kBatchNames = 256;
constexpr uint64_t kBatchBytes = 256 << 20;

}  // namespace

codec::Publish publish_at(const std::string& path, const WriteRules& rules, uint32_t mode) {
  return {.target = {.path = path},
          .exists = rules.exists,
          .if_generation = rules.if_generation,
          .parents = true,
          .mode = mode,
          .uid = own_uid(),
          .gid = own_gid(),
          .keep_undo = true};
}

Result<> TreePutter::directory(const LocalDirectory& local, const LocalInfo& info,
                               const std::string& path) {
  if (path != "/") {
    NOKV_TRY(add({.path = path,
                  .operation = codec::Mkdir{.target = {.path = path},
                                            .mode = info.mode,
                                            .uid = own_uid(),
                                            .gid = own_gid(),
                                            .parents = true,
                                            .exist_ok = true}}));
  }
  auto names = local.names();
  if (!names) return failed(std::move(names).error(), path);
  for (const auto& name : *names) {
    if (context_.doors.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
    std::string to = join(path, name);
    auto it = local.info(name);
    if (!it) {
      NOKV_TRY(failed(std::move(it).error(), to));
    } else if (it->kind == LocalKind::directory) {
      auto below = local.directory(name);
      NOKV_TRY(below ? directory(*below, *it, to) : failed(std::move(below).error(), to));
    } else if (it->kind == LocalKind::file) {
      NOKV_TRY(add({.path = to,
                    .operation = publish_at(to, rules_.write, it->mode),
                    .directory = local,
                    .name = name,
                    .size = it->size}));
    } else if (it->kind == LocalKind::symlink) {
      auto target = local.link(name);
      if (!target) {
        NOKV_TRY(failed(std::move(target).error(), to));
        continue;
      }
      NOKV_TRY(add({.path = to,
                    .operation = codec::MakeNode{.target = {.path = to},
                                                 .kind = codec::Kind::symlink,
                                                 .link_target = *std::move(target),
                                                 .mode = 0777,
                                                 .uid = own_uid(),
                                                 .gid = own_gid()}}));
    } else {
      context_.out.note(
          str("nokv put: ", local.path(), "/", name, ": passed over: no file, directory or link"));
    }
  }
  return {};
}

Result<> TreePutter::add(Job job) {
  job_bytes_ += job.size;
  jobs_.push_back(std::move(job));
  return jobs_.size() < kBatchNames && job_bytes_ < kBatchBytes ? Result<>() : send();
}

Result<> TreePutter::finish() { return send(); }

Result<codec::CommitReply> TreePutter::commit(std::span<const Job> jobs) {
  std::vector<client::WriteItem> items;
  for (const Job& job : jobs) {
    client::WriteItem item{.op = job.operation};
    if (job.directory) {
      item.body = {.content_type = rules_.content_type,
                   .producer = rules_.producer,
                   .digest = rules_.digest};
      item.source = [this, &job]() -> Result<std::unique_ptr<client::Source>> {
        NOKV_ASSIGN(auto source, job.directory->file(job.name));
        source->on_read = [this](uint64_t bytes) { progress_.add(bytes); };
        return source;
      };
    }
    items.push_back(std::move(item));
  }
  return client_.write(std::move(items), context_.write_options());
}

Result<> TreePutter::send() {
  if (jobs_.empty()) return {};
  std::vector<Job> jobs = std::exchange(jobs_, {});
  job_bytes_ = 0;
  auto reply = commit(jobs);
  if (!reply) {
    if (!is_refusal(reply.error())) return failed(std::move(reply).error(), jobs.front().path);
    return one_by_one(jobs);
  }
  for (size_t i = 0; i < jobs.size() && i < reply->results.size(); ++i) {
    tell(jobs[i], reply->results[i], reply->version);
  }
  return {};
}

// One of the batch was refused, so none was done: who it was shows when each goes alone.
Result<> TreePutter::one_by_one(const std::vector<Job>& jobs) {
  for (const Job& job : jobs) {
    auto reply = commit(std::span(&job, 1));
    if (!reply && reply.error().code() == Code::already_exists &&
        std::holds_alternative<codec::MakeNode>(job.operation)) {
      // A link takes the place of what is there, as a file does.
      codec::Remove remove{
          .target = {.path = job.path}, .kind = codec::RemoveKind::file, .keep_undo = true};
      reply = client_.commit({remove, job.operation}, context_.write_options());
      if (reply) reply->results.erase(reply->results.begin());
    }
    if (reply && !reply->results.empty()) {
      tell(job, reply->results[0], reply->version);
    } else if (!reply) {
      NOKV_TRY(failed(std::move(reply).error(), job.path));
    }
  }
  return {};
}

void TreePutter::tell(const Job& job, const codec::OperationResult& result, uint64_t version) {
  ++count_.done;
  if (!job.directory) return;
  ++count_.files;
  count_.bytes += result.size;
  progress_.add_file();
  if (tell_files && context_.out.json()) {
    print_written(context_.out, job.path, result, version, context_.dry_run());
  }
}

Result<> TreePutter::failed(Error error, const std::string& path) {
  ++count_.failed;
  bool fatal = !is_refusal(error);
  if (!count_.worst || fatal) count_.worst = error;
  if (fatal) return std::unexpected(std::move(error));
  context_.report(std::move(error), path);
  return {};
}

}  // namespace nokv::cli
