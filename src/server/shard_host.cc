#include "server/shard_host.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/check.h"
#include "engine/rocks_engine.h"
#include "object/waiter.h"
#include "server/identity.h"

namespace nokv::server {

namespace {

constexpr size_t kIdentityMax = 4096;

// A latch for the one place that waits for the sequencer.
class Latch {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace

ShardHost::ShardHost(const Env& env, object::ObjectStore& store, EventSink& events,
                     HostOptions options)
    : env_(env), store_(store), events_(events), options_(std::move(options)) {
  if (options_.engine_kind == nullptr) {
    engine::RocksOptions rocks;
    rocks.block_cache_bytes = options_.engine_cache_bytes;
    options_.engine_kind = std::make_shared<engine::RocksKind>(rocks);
  }
}

ShardHost::~ShardHost() { stop(); }

Result<std::unique_ptr<ShardHost>> ShardHost::open(const Env& env, object::ObjectStore& store,
                                                   EventSink& events, HostOptions options) {
  std::unique_ptr<ShardHost> host(new ShardHost(env, store, events, std::move(options)));
  const std::string& directory = host->options_.directory;
  if (auto opened = host->open_parts(); !opened) {
    return std::unexpected(std::move(opened).error().within(directory));
  }
  return host;
}

Result<> ShardHost::open_parts() {
  NOKV_TRY(open_identity());
  auto log = log::LocalLog::open(env_, options_.directory + "/log", log_options());
  if (!log && log.error().code() == Code::not_found) {
    return fail(Code::data_loss, "the log is missing; put it back, or restore a backup");
  }
  NOKV_ASSIGN(log_, std::move(log));
  if (options_.rebuild_engine) {
    NOKV_TRY(discard_engine(Error(Code::data_loss, "asked to rebuild it")));
  }
  auto opened = open_shard();
  if (!opened && opened.error().code() == Code::data_loss && !fresh_) {
    NOKV_TRY(discard_engine(opened.error()));
    opened = open_shard();
  }
  NOKV_TRY(std::move(opened));
  options_.background.checkpoint_directory = options_.directory + "/checkpoints";
  options_.background.backups.directory = options_.directory;
  options_.background.backups.namespace_id = id_;
  background_ = std::make_unique<shard::Background>(env_, *shard_, *engine_, *log_, store_, events_,
                                                    options_.background);
  background_->start();
  shard::ServiceOptions service;
  service.directory = options_.directory;
  service.server_version = options_.server_version;
  service.namespace_id = id_;
  service.plan_ttl = options_.background.grace / 2;
  service_ = std::make_unique<shard::Service>(env_, *shard_, *background_, store_, service);
  return {};
}

Result<> ShardHost::open_identity() {
  Files& files = env_.files;
  std::string path = options_.directory + "/identity";
  NOKV_ASSIGN(bool there, files.exists(path));
  NOKV_ASSIGN(bool restoring, files.exists(options_.directory + "/restoring"));
  if (restoring) {
    return std::unexpected(
        Error(Code::failed_precondition, "a backup was being restored into it, and was cut off")
            .with_hint("restore it again: nokv restore --from URL"));
  }
  if (!there && !options_.create) {
    return std::unexpected(
        Error(Code::not_found, "no namespace lies there").with_hint("create it with: nokv init"));
  }
  NOKV_TRY(make_durable_dirs(files, options_.directory));
  auto lock = files.lock(options_.directory + "/lock");
  if (!lock && lock.error().code() == Code::failed_precondition) {
    return std::unexpected(Error(Code::failed_precondition, "another process has it open")
                               .with_hint("use that server, or stop it first"));
  }
  NOKV_ASSIGN(lock_, std::move(lock));
  if (!there) return make_identity(path);
  NOKV_ASSIGN(std::string text, read_file(files, path, kIdentityMax));
  NOKV_ASSIGN(id_, decode_identity(text));
  return {};
}

// The file 'creating' says that nothing was ever kept here: what a creation left that was cut off
// is removed. The identity comes last, so a directory that has one and no log has lost it.
Result<> ShardHost::make_identity(const std::string& path) {
  Files& files = env_.files;
  std::string creating = options_.directory + "/creating";
  NOKV_ASSIGN(bool cut_off, files.exists(creating));
  NOKV_ASSIGN(auto names, files.list(options_.directory));
  for (const char* part : {"log", "engine", "checkpoints"}) {
    if (std::ranges::find(names, part) == names.end()) continue;
    if (!cut_off) {
      return fail(Code::data_loss, "the file 'identity' is missing and '", part,
                  "' is there; put it back, or restore a backup");
    }
    NOKV_TRY(remove_tree(files, options_.directory + "/" + part));
  }
  id_ = make_namespace_id(env_.random);
  fresh_ = true;
  NOKV_TRY(write_file_atomic(files, creating, ""));
  {
    NOKV_ASSIGN(auto log, log::LocalLog::open(env_, options_.directory + "/log", log_options()));
  }
  NOKV_TRY(write_file_atomic(files, path, encode_identity(id_)));
  NOKV_TRY(files.remove(creating));
  return files.sync_dir(options_.directory);
}

log::LocalLogOptions ShardHost::log_options() const {
  log::LocalLogOptions options;
  options.segment_bytes = options_.log_segment_bytes;
  options.create = fresh_;
  options.sync_failed = options_.log_sync_failed;
  return options;
}

Result<> ShardHost::look_at_store(Duration time) {
  object::Waiter<> looked;
  service_->look_at_store(env_.clock.now() + time, looked.done());
  return looked.wait();
}

Result<> ShardHost::open_engine() {
  NOKV_ASSIGN(engine_, options_.engine_kind->open(options_.directory + "/engine"));
  return {};
}

Result<> ShardHost::open_shard() {
  shard_.reset();
  engine_.reset();
  NOKV_TRY(open_engine());
  NOKV_ASSIGN(shard_, shard::Shard::open(env_, *engine_, *log_, events_, options_.shard));
  return {};
}

// Puts the newest good checkpoint in the engine's place; without one the log alone has to do, and
// recovery says so if it does not reach back to the beginning.
Result<> ShardHost::discard_engine(const Error& why) {
  shard_.reset();
  engine_.reset();
  std::string engine = options_.directory + "/engine";
  std::string checkpoints = options_.directory + "/checkpoints";
  events_.error("engine_discarded", {{"why", why.message()}});
  NOKV_TRY(remove_tree(env_.files, engine));
  NOKV_ASSIGN(bool any, env_.files.exists(checkpoints));
  if (!any) return {};
  NOKV_ASSIGN(auto names, env_.files.list(checkpoints));
  // Others are not whole, or a copy for a backup.
  std::erase_if(names, [](const std::string& n) {
    return !std::ranges::all_of(n, [](char c) { return c >= '0' && c <= '9'; });
  });
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    auto restored = options_.engine_kind->restore(checkpoints + "/" + *name, engine);
    if (restored) {
      events_.warn("engine_restored", {{"checkpoint", *name}});
      return {};
    }
    events_.error("checkpoint_unusable",
                  {{"checkpoint", *name}, {"error", restored.error().message()}});
    NOKV_TRY(remove_tree(env_.files, engine));
  }
  return {};
}

void ShardHost::stop() {
  if (shard_ != nullptr) {
    Latch stopped;
    shard_->stop([&] { stopped.open(); });
    stopped.wait();
  }
  store_.close();
  background_.reset();
  service_.reset();
  shard_.reset();
  if (engine_ != nullptr) {
    if (auto flushed = engine_->flush(); !flushed) {
      events_.warn("flush_failed", {{"error", flushed.error().message()}});
    }
  }
  abandon();
}

void ShardHost::abandon() {
  background_.reset();
  service_.reset();
  shard_.reset();
  engine_.reset();
  log_.reset();
  lock_.reset();
}

}  // namespace nokv::server
