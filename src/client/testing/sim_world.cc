#include "client/testing/sim_world.h"

#include "base/check.h"
#include "codec/message.h"

namespace nokv::client {

namespace {

constexpr Duration kGatherEvery = std::chrono::seconds(2);

// Short times, so that minutes of a simulation see what a server does in days.
shard::BackgroundOptions busy_background() {
  using namespace std::chrono_literals;
  shard::BackgroundOptions options;
  options.grace = 30s;
  options.second_pass = 2min;
  options.upload_ttl = 1min;
  options.session_idle = 24h;
  options.start_quiet = 10s;
  options.checkpoint_every = 7s;
  options.log_kept_for = 0s;
  return options;
}

}  // namespace

SimWorld::SimWorld(uint64_t seed)
    : scheduler_(seed),
      net_(scheduler_),
      server_host_(scheduler_, net_, kServer.host),
      store_host_(scheduler_, net_, "store"),
      store_executor_(store_host_.env().executors.serial("store")),
      store_(*store_executor_, scheduler_.clock(), scheduler_.random()),
      events_(
          EventFormat::text, Level::info, [] { return int64_t{0}; },
          [this](std::string_view line) { scheduler_.note(line); }) {
  options_.directory = "/meta";
  options_.server_version = "sim";
  options_.engine_kind = std::make_shared<engine::MemoryKind>(server_host_.files());
  options_.log_segment_bytes = 256 << 10;
  options_.log_sync_failed = [this](const Error&) { sync_failed_ = true; };
  options_.shard.cache_bytes = 64 << 10;
  options_.background = busy_background();
}

SimWorld::~SimWorld() {
  if (server_up()) crash_server(SimCrash::process);
}

Result<> SimWorld::start_server() {
  check(!server_up(), "one server at a time");
  auto process = std::make_unique<Process>();
  process->store = std::make_unique<FaultyStore>(store_);
  Env env = server_host_.env();
  auto host = server::ShardHost::open(env, *process->store, events_, options_);
  disk_was_cut_ = !host && server_host_.files().halted();
  if (disk_was_cut_) {
    server_host_.crash(SimCrash::power);
    server_host_.restart();
  }
  if (!host) return std::unexpected(std::move(host).error());
  process->host = *std::move(host);
  server::ServerOptions options{.build = {"sim", "sim"}, .insecure = true};
  process->server = std::make_unique<server::Server>(
      env, server_host_.net(), *process->host, *process->store, events_, process->metrics, options);
  NOKV_TRY(process->server->listen(kServer));
  process_ = std::move(process);
  gather_log(true);
  return {};
}

void SimWorld::crash_server(SimCrash how) {
  check(server_up(), "only a living server dies");
  published_ = published_version();
  server_host_.crash(how);
  process_->store.reset();  // first: nothing calls back into what goes now
  process_->server.reset();
  process_->host->abandon();
  process_.reset();
  server_host_.restart();
  sync_failed_ = false;
}

void SimWorld::stop_server() {
  bool stopped = false;
  process_->host->shard().stop([&] { stopped = true; });
  check(scheduler_.run_until([&] { return stopped || server_broken(); }, std::chrono::minutes(1)),
        "a shard stops within a minute");
  if (!server_broken()) (void)process_->host->engine().flush();
  crash_server(SimCrash::process);
}

bool SimWorld::server_broken() {
  return process_ != nullptr && (sync_failed_ || server_host_.files().halted() ||
                                 process_->host->shard().failure().has_value());
}

void SimWorld::run_for(Duration time) {
  (void)run_until([] { return false; }, time);
}

bool SimWorld::run_until(const std::function<bool()>& holds, Duration limit) {
  Clock::Instant end = scheduler_.clock().now() + limit;
  for (;;) {
    // In short steps, for the log does not keep for ever what gather_log() wants to see.
    Duration left = std::min<Duration>(end - scheduler_.clock().now(), kGatherEvery);
    if (left < Duration::zero()) return false;
    bool came = scheduler_.run_until([&] { return server_broken() || holds(); }, left);
    if (server_broken()) {
      crash_server(SimCrash::power);
    } else if (came) {
      return true;
    } else if (server_up()) {
      gather_log();
    }
    if (scheduler_.clock().now() >= end) return false;
  }
}

uint64_t SimWorld::published_version() {
  return server_up() ? process_->host->shard().state()->record.version : published_;
}

void SimWorld::gather_log(bool all) {
  log::LogStore& log = process_->host->log();
  uint64_t newest = published_version();
  uint64_t from = log.oldest().value();
  uint64_t last = log_.empty() ? 0 : log_.rbegin()->first;
  check(from <= last + 1, "the log was gathered in time");
  if (!all) from = last + 1;
  if (newest < from) return;
  auto reader = log.read(Version{from});
  check(reader.has_value(), "the log can be read");
  for (uint64_t next = from; next <= newest;) {
    auto entry = (*reader)->next();
    check(entry.has_value() && entry->has_value(), "the log holds what is shown");
    codec::RedoGroup group;
    check(codec::decode((*entry)->group.bytes, group), "a group can be decoded");
    uint64_t version = group.first;
    for (codec::RedoRecord& record : group.records) {
      std::string bytes = codec::encoded(record);
      auto [at, is_new] = log_.try_emplace(version, std::move(record));
      check(is_new || codec::encoded(at->second) == bytes, "what is in the log does not change");
      ++version;
    }
    next = version;
  }
}

}  // namespace nokv::client
