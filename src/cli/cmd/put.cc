#include <utility>

#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/destination.h"
#include "cli/name_text.h"
#include "cli/paths.h"
#include "cli/put_tree.h"
#include "cli/render.h"
#include "cli/values.h"
#include "cli/write_rules.h"

namespace nokv::cli {
namespace {

std::vector<Option> body_options(std::vector<Option> more) {
  more.push_back({.name = "content-type",
                  .value = "TYPE",
                  .kind = ValueKind::text,
                  .help = "instead of what the name and the first bytes say"});
  more.push_back({.name = "producer",
                  .value = "TEXT",
                  .kind = ValueKind::text,
                  .help = "who made it: a job, a program"});
  more.push_back({.name = "digest",
                  .value = "KIND",
                  .kind = ValueKind::choice,
                  .help = "auto: sha256 up to 64 MiB, xxh3-128 above",
                  .choices = {"auto", "sha256", "xxh3-128", "none"}});
  return with_write_options(std::move(more));
}

Result<PutRules> put_rules(Context& context) {
  const Arguments& args = context.args;
  PutRules rules;
  NOKV_ASSIGN(rules.write, write_rules(context));
  rules.content_type = args.text("content-type");
  if (args.has("producer")) rules.producer = args.text("producer");
  const std::string& digest = args.text("digest");
  if (digest == "sha256") rules.digest = client::DigestChoice::sha256;
  if (digest == "xxh3-128") rules.digest = client::DigestChoice::xxh3_128;
  if (digest == "none") rules.digest = client::DigestChoice::none;
  return rules;
}

// The name under which a directory receives it: "b" of "./a/b/".
std::string local_name(std::string local) {
  while (local.size() > 1 && local.ends_with('/')) local.pop_back();
  std::string name(base_name(local));
  return name == "." || name == ".." || name == "-" ? "" : name;
}

class Put {
 public:
  Put(Context& context, Client& client, PutRules rules, Progress& progress)
      : context_(context), client_(client), rules_(std::move(rules)), progress_(progress) {}

  Result<> one(const std::string& local, const std::string& path) {
    if (local != "-") {
      NOKV_ASSIGN(LocalInfo info, local_info(local));
      if (info.kind == LocalKind::directory) return tree(local, info, path);
    }
    std::unique_ptr<client::Source> source;
    client::BodyOptions body{
        .content_type = rules_.content_type, .producer = rules_.producer, .digest = rules_.digest};
    uint32_t mode = 0644;
    if (local == "-") {
      source = std::make_unique<InputSource>([this](std::span<char> buffer) {
        auto got = context_.doors.in(buffer);
        if (got) progress_.add(*got);
        return got;
      });
    } else {
      NOKV_ASSIGN(auto file, LocalSource::open(local));
      file->on_read = [this](uint64_t bytes) { progress_.add(bytes); };
      body.size = file->info().size;
      mode = file->info().mode;
      source = std::move(file);
    }
    NOKV_ASSIGN(auto done, client_.put(publish_at(path, rules_.write, mode), *source, body,
                                       context_.write_options()));
    print_written(context_.out, path, done.result, done.version, context_.dry_run());
    return {};
  }

  // Something below a directory was refused and told; what is above went on.
  const PutCount& below() const { return below_; }

 private:
  Result<> tree(const std::string& local, const LocalInfo& info, const std::string& path) {
    NOKV_ASSIGN(auto directory, LocalDirectory::open(local));
    TreePutter putter(context_, client_, rules_, progress_);
    auto put = putter.directory(directory, info, path);
    if (put) put = putter.finish();
    const PutCount& count = putter.count();
    below_.done += count.done;
    below_.failed += count.failed;
    if (count.worst) below_.worst = count.worst;
    if (!put) return put;
    if (!context_.out.json()) {
      context_.out.line(str(name_shown(path), ": ", context_.dry_run() ? "would be " : "",
                            count.files, " files, ", context_.out.size(count.bytes)));
    }
    return {};
  }

  Context& context_;
  Client& client_;
  PutRules rules_;
  Progress& progress_;
  PutCount below_;
};

// What is there and may be sent, before anything is. Gives the bytes in all.
Result<uint64_t> check_locals(Context& context, const std::vector<std::string>& locals) {
  uint64_t total = 0;
  for (const auto& it : locals) {
    if (it == "-") continue;
    NOKV_ASSIGN(LocalInfo info, local_info(it));
    if (info.kind == LocalKind::directory && !context.args.has("recursive")) {
      return std::unexpected(Error(Code::is_directory, str(it, " is a directory"))
                                 .with_hint("-r puts it with all that is in it"));
    }
    if (info.kind == LocalKind::other) {
      return fail(Code::invalid_argument, it, " is no file or directory; '-' reads standard input");
    }
    if (info.kind == LocalKind::directory) {
      NOKV_TRY(LocalDirectory::open(it));
    } else {
      NOKV_TRY(LocalSource::open(it));
      total += info.size;
    }
  }
  return total;
}

Result<Exit> put_all(Context& context, const std::vector<std::string>& locals,
                     const PathArgument& target, PutRules rules) {
  NOKV_ASSIGN(uint64_t total, context.as_usage(check_locals(context, locals)));
  NOKV_ASSIGN(Client * client, context.client());
  NOKV_ASSIGN(auto destination,
              Destination::find(context, *client, target, locals.size() > 1, true));
  std::vector<std::string> paths;
  for (const auto& it : locals) {
    NOKV_ASSIGN(std::string path, context.as_usage(destination.path_for(local_name(it))));
    paths.push_back(std::move(path));
  }
  Progress progress(context.out, context.doors.env.clock, "put",
                    context.args.has("recursive") ? 0 : total);
  Put put(context, *client, std::move(rules), progress);
  size_t done = 0;
  size_t failed = 0;
  std::optional<Error> worst;
  for (size_t i = 0; i < locals.size(); ++i) {
    auto result = put.one(locals[i], paths[i]);
    if (result) {
      ++done;
      continue;
    }
    ++failed;
    worst = std::move(result).error();
    if (locals.size() == 1 && put.below().done == 0) {
      context.about(paths[i]);
      return std::unexpected(*std::move(worst));
    }
    context.report(*worst, paths[i]);
    if (exit_of(*worst) != Exit::refused) break;
  }
  if (!worst) worst = put.below().worst;
  // Trees count with what is in them: a tree whose every file was refused is not done.
  size_t tree_done = put.below().done;
  return Context::exit_of_many(put.below().failed > 0 ? tree_done : done + tree_done,
                               failed + put.below().failed, worst);
}

Result<Exit> run_put(Context& context) {
  std::vector<std::string> locals = context.args.positionals();
  NOKV_ASSIGN(PathArgument target, context.as_usage(parse_path(locals.back())));
  if (target.generation != 0) return context.usage("a citation cannot be written to");
  locals.pop_back();
  NOKV_ASSIGN(PutRules rules, put_rules(context));
  if (rules.write.if_generation && (locals.size() > 1 || context.args.has("recursive"))) {
    return context.usage("--if-generation goes with one file");
  }
  return put_all(context, locals, target, std::move(rules));
}

Result<Exit> run_put_artifact(Context& context) {
  NOKV_ASSIGN(std::string path, context.path(context.args.positional(0)));
  const std::string& local = context.args.positional(1);
  NOKV_ASSIGN(PutRules rules, put_rules(context));
  uint64_t total = 0;
  if (local != "-") {
    NOKV_ASSIGN(auto source, context.as_usage(LocalSource::open(local)));
    total = source->info().size;
  }
  NOKV_ASSIGN(Client * client, context.client());
  context.about(path);
  Progress progress(context.out, context.doors.env.clock, "put-artifact", total);
  NOKV_TRY(Put(context, *client, std::move(rules), progress).one(local, path));
  return Exit::done;
}

}  // namespace

Command put_row() {
  return {
      .name = "put",
      .group = Group::files,
      .summary = "publish local files and directories",
      .text =
          "An existing directory, or a PATH with a '/' at its end, receives each LOCAL under "
          "its own name; otherwise PATH is the new name. Missing directories above are made. "
          "Each file appears whole or not at all, and replaces the one that is there, which "
          "can be brought back; -r puts a tree in batches. LOCAL may be '-', standard input. "
          "Links below a directory are kept as links; devices and setuid bits are not kept. "
          "A file that changes while it is read is refused.",
      .positionals = {{.name = "LOCAL", .kind = ValueKind::local, .max = kAnyNumber},
                      {.name = "PATH", .kind = ValueKind::path}},
      .options = body_options(
          {{.name = "recursive", .letter = 'r', .help = "directories with all that is in them"}}),
      .examples = {{"nokv put model.bin eval.json /runs/1/", ""},
                   {"nokv put -r ./out /runs/1",
                    "Makes /runs/1 the copy of ./out, or /runs/1/out when /runs/1 is there"}},
      .run = run_put};
}

Command put_artifact_row() {
  return {.name = "put-artifact",
          .group = Group::files,
          .summary = "publish one file under a name",
          .text = "Creates or replaces PATH, which is always the file's own name.",
          .positionals = {{.name = "PATH", .kind = ValueKind::path},
                          {.name = "LOCAL", .kind = ValueKind::local}},
          .options = body_options({}),
          .examples = {{"nokv put-artifact /runs/1/checkpoint.bin ./checkpoint.bin", ""}},
          .run = run_put_artifact};
}

}  // namespace nokv::cli
