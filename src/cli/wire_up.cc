#include "cli/wire_up.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <latch>
#include <thread>

#include <unistd.h>

#include "base/metrics.h"
#include "base/posix/process.h"
#include "cli/version.h"
#include "client/embedded_transport.h"
#include "client/rpc_transport.h"
#include "net/asio_net.h"
#include "net/curl/curl_client.h"
#include "object/local_store.h"
#include "object/memory_store.h"
#include "object/s3/s3_store.h"
#include "object/waiter.h"
#include "server/server.h"
#include "server/shard_host.h"

namespace nokv::cli {

namespace {

constexpr int kDiskThreads = 8;
// How long a start waits for an object store: one that is down must not hold up the namespace.
constexpr Duration kStoreTime = std::chrono::seconds(2);
constexpr uint64_t kEmbeddedSegmentBytes = 16ULL << 20;

// Whom an https:// store or presigned URL is believed: AWS's own variable names a file of
// certificates instead of the system's.
net::CurlOptions curl_options(const Surroundings& surroundings) {
  return {.ca_file = surroundings.environment("AWS_CA_BUNDLE").value_or("")};
}

Result<> open_s3(const Env& env, const Surroundings& surroundings, const ObjectOptions& options,
                 ObjectParts& out) {
  out.executor = env.executors.serial("nokv-s3");
  out.http =
      std::make_unique<net::CurlClient>(env.clock, env.executors, curl_options(surroundings));
  auto variables = [environment = surroundings.environment](const std::string& name) {
    return environment(name).value_or("");
  };
  std::string home = variables("HOME");
  object::ChainOptions chain{variables, home};
  object::S3Options s3;
  if (options.backend == ObjectBackend::rustfs) {
    s3 = object::rustfs_options();
    chain.preset = object::rustfs_credentials();
  }
  if (!options.bucket.empty()) s3.bucket = options.bucket;
  // AWS's own variables name another service for all its programs.
  for (std::string endpoint : {options.endpoint, s3.endpoint, variables("AWS_ENDPOINT_URL_S3"),
                               variables("AWS_ENDPOINT_URL")}) {
    if (endpoint.empty()) continue;
    s3.endpoint = std::move(endpoint);
    break;
  }
  std::string region = options.region.empty()
                           ? object::configured_region(env.files, variables, home)
                           : options.region;
  if (!region.empty()) s3.region = region;
  s3.prefix = options.root;
  out.credentials = object::credential_chain(env.clock, env.files, *out.http, std::move(chain));
  NOKV_ASSIGN(out.store, object::S3Store::create(std::move(s3), *out.http, out.credentials,
                                                 env.clock, env.random, *out.executor));
  return {};
}

// Over RPC: owns the network it goes through.
class RemoteStore final : public Store {
 public:
  RemoteStore(const Env& env, const Surroundings& surroundings, const Address& address,
              client::ClientOptions options)
      : env_(env),
        address_(address),
        net_(1),
        http_(env.clock, env.executors, curl_options(surroundings)) {
    client_ = std::make_unique<Client>(connect(), std::move(options));
  }
  Client& client() override { return *client_; }
  bool embedded() const override { return false; }
  client::ClientParts connect() override {
    return {client::make_rpc_transport(env_, net_, address_), env_, &http_};
  }

 private:
  Env env_;
  Address address_;
  net::AsioNet net_;
  net::CurlClient http_;
  std::unique_ptr<Client> client_;
};

// In this process: owns the whole namespace.
class EmbeddedStore final : public Store {
 public:
  EmbeddedStore(const Env& env, ObjectParts objects, std::unique_ptr<server::ShardHost> host,
                const std::string& url, client::ClientOptions options)
      : env_(env), url_(url), objects_(std::move(objects)), host_(std::move(host)) {
    client_ = std::make_unique<Client>(connect(), std::move(options));
  }
  ~EmbeddedStore() override {
    client_.reset();
    host_.reset();
  }
  Client& client() override { return *client_; }
  bool embedded() const override { return true; }
  client::ClientParts connect() override {
    return {client::make_embedded_transport(env_.clock, host_->service(), url_), env_,
            objects_.http.get()};
  }

 private:
  Env env_;
  std::string url_;
  ObjectParts objects_;
  std::unique_ptr<server::ShardHost> host_;
  std::unique_ptr<Client> client_;
};

// Opens the object store that a URL names, with the endpoint, region and credentials of the
// bodies'. `surroundings` outlives what it gives.
auto store_opener(const Env& env, const Surroundings& surroundings, const ObjectOptions& bodies) {
  return [env, &surroundings,
          bodies](const std::string& url) -> Result<std::shared_ptr<object::ObjectStore>> {
    NOKV_ASSIGN(ObjectOptions place, place_options(url, bodies));
    NOKV_ASSIGN(ObjectParts opened, open_objects(env, surroundings, place, ""));
    auto parts = std::make_shared<ObjectParts>(std::move(opened));
    object::ObjectStore* store = parts->store.get();
    return std::shared_ptr<object::ObjectStore>(std::move(parts), store);
  };
}

// What a server is told of backups.
shard::BackupOptions backup_options(const Env& env, const Surroundings& surroundings,
                                    const BackupSettings& settings, const ObjectOptions& bodies) {
  shard::BackupOptions out;
  out.every = settings.every;
  out.to = settings.to;
  out.keep = settings.keep;
  out.open = store_opener(env, surroundings, bodies);
  return out;
}

// And of other buckets.
shard::ExternalOptions external_options(const Env& env, const Surroundings& surroundings,
                                        const ImportSettings& settings,
                                        const ObjectOptions& bodies) {
  shard::ExternalOptions out;
  out.open = store_opener(env, surroundings, bodies);
  out.any = settings.any;
  out.allowed = settings.from;
  if (!bodies.bucket.empty()) {
    out.own_store = "s3://" + bodies.bucket;
    out.own_prefix = bodies.root;
    while (out.own_prefix.ends_with('/')) out.own_prefix.pop_back();
    if (!out.own_prefix.empty()) out.own_prefix += '/';
  }
  return out;
}

NoEvents& no_events() {
  static NoEvents events;
  return events;
}

}  // namespace

Result<ObjectParts> open_objects(const Env& env, const Surroundings& surroundings,
                                 const ObjectOptions& options, const std::string& meta) {
  ObjectParts out;
  switch (options.backend) {
    case ObjectBackend::local: {
      out.executor = env.executors.pool("nokv-objects", kDiskThreads);
      object::LocalOptions local;
      local.root = options.root.empty() ? meta + "/objects" : options.root;
      NOKV_ASSIGN(out.store,
                  object::LocalStore::open(env.files, *out.executor, env.clock, env.random, local));
      break;
    }
    case ObjectBackend::memory:
      out.executor = env.executors.serial("nokv-objects");
      out.store = std::make_unique<object::MemoryStore>(*out.executor, env.clock);
      break;
    case ObjectBackend::s3:
    case ObjectBackend::rustfs:
      NOKV_TRY(open_s3(env, surroundings, options, out));
      break;
  }
  return out;
}

namespace {

class ObjectsOfSettings final : public Objects {
 public:
  ObjectsOfSettings(const Env& env, ObjectParts parts) : env_(env), parts_(std::move(parts)) {}
  object::ObjectStore& store() override { return *parts_.store; }
  Result<std::string> credentials() override {
    if (parts_.credentials == nullptr) return std::string();
    object::Waiter<object::CredentialsPtr> waiter;
    parts_.credentials->get(env_.clock.now() + std::chrono::seconds(10), waiter.done());
    NOKV_ASSIGN(auto found, waiter.wait());
    return found->source;
  }

 private:
  Env env_;
  ObjectParts parts_;
};

}  // namespace

Result<std::unique_ptr<Objects>> open_objects_for(const Env& env, const Surroundings& surroundings,
                                                  const Settings& settings) {
  NOKV_ASSIGN(ObjectOptions options, object_options(settings));
  NOKV_ASSIGN(auto parts, open_objects(env, surroundings, options, settings.text("meta")));
  return std::make_unique<ObjectsOfSettings>(env, std::move(parts));
}

Result<std::unique_ptr<Objects>> open_place(const Env& env, const Surroundings& surroundings,
                                            const ObjectPlace& place, const Settings& settings) {
  NOKV_ASSIGN(ObjectOptions bodies, object_options(settings));
  NOKV_ASSIGN(ObjectOptions options, place_options(place.url, bodies));
  if (!place.endpoint.empty()) options.endpoint = place.endpoint;
  if (!place.region.empty()) options.region = place.region;
  NOKV_ASSIGN(auto parts, open_objects(env, surroundings, options, ""));
  return std::make_unique<ObjectsOfSettings>(env, std::move(parts));
}

Result<std::unique_ptr<Store>> open_store(const Env& env, const Surroundings& surroundings,
                                          const std::string& url, const Settings& settings,
                                          bool may_create) {
  client::ClientOptions options;
  options.deadline = settings.duration("deadline");
  options.producer = str("nokv/", version_number());
  size_t scheme = url.find("://");
  if (scheme != std::string::npos && !url.starts_with("nokv://") && !url.starts_with("unix://") &&
      !url.starts_with("file://")) {
    return std::unexpected(
        Error(Code::invalid_argument, str("store '", url, "' begins with ", url.substr(0, scheme)))
            .with_hint("stores are nokv://HOST:PORT, unix:/PATH or file:///DIR"));
  }
  if (!url.starts_with("file:")) {
    NOKV_ASSIGN(Address address, Address::parse(url));
    return std::make_unique<RemoteStore>(env, surroundings, address, options);
  }
  std::string directory = url.substr(5);
  if (directory.starts_with("//")) directory = directory.substr(2);
  if (!directory.starts_with('/')) {
    return fail(Code::invalid_argument, "store '", url, "' is not file:///DIRECTORY");
  }
  if (!may_create) {
    NOKV_ASSIGN(bool there, env.files.exists(directory + "/identity"));
    NOKV_ASSIGN(bool restoring, env.files.exists(directory + "/restoring"));
    if (!there && !restoring) {
      return std::unexpected(Error(Code::not_found, directory + ": no namespace lies there")
                                 .with_hint(str("create it with: nokv --store ", url, " init")));
    }
  }
  NOKV_ASSIGN(ObjectOptions object_settings, object_options(settings));
  NOKV_ASSIGN(ObjectParts objects, open_objects(env, surroundings, object_settings, directory));
  server::HostOptions host_options;
  host_options.directory = directory;
  host_options.server_version = version_number();
  host_options.log_segment_bytes = kEmbeddedSegmentBytes;
  NOKV_ASSIGN(BackupSettings backups, backup_settings(settings, object_settings));
  backups.every = Duration{0};  // a command that lasts a moment makes none by itself
  host_options.background.backups = backup_options(env, surroundings, backups, object_settings);
  NOKV_ASSIGN(ImportSettings imports, import_settings(settings, true));
  host_options.background.externals = external_options(env, surroundings, imports, object_settings);
  NOKV_ASSIGN(auto host, server::ShardHost::open(env, *objects.store, no_events(), host_options));
  return std::make_unique<EmbeddedStore>(env, std::move(objects), std::move(host), url, options);
}

// ---- serving

namespace {

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

// What whoever starts a server should know of its object store. Only the bodies of another
// namespace keep it from starting: names and small files are served whatever the store does.
Result<> look_at_objects(const Env& env, server::ShardHost& host, const ObjectOptions& options,
                         const ObjectParts& objects, EventSink& events) {
  if (options.backend == ObjectBackend::memory) {
    events.warn("bodies_in_memory", {{"why", "bodies are gone when the server stops"}});
  }
  if (options.backend == ObjectBackend::rustfs && !is_local_url(options.endpoint)) {
    object::Waiter<object::CredentialsPtr> found;
    objects.credentials->get(env.clock.now() + kStoreTime, found.done());
    auto credentials = found.wait();
    if (credentials && (*credentials)->source == object::rustfs_credentials().source) {
      events.warn("development_credentials",
                  {{"endpoint", options.endpoint},
                   {"fix", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}});
    }
  }
  auto looked = host.look_at_store(kStoreTime);
  if (!looked && looked.error().code() == Code::failed_precondition) return looked;
  if (!looked) events.warn("object_store_fails", {{"error", looked.error().message()}});
  return {};
}

Level level_of(const std::string& name) {
  auto level = parse_level(name == "warning" ? "warn" : name);
  return level ? *level : Level::info;
}

}  // namespace

Result<Exit> serve(const Env& env, Context& context, const ServeOptions& options) {
  SignalThread signals({SIGTERM, SIGINT});
  ignore_broken_pipes();
  raise_open_files_limit();
  auto wall = [&env] { return to_unix_ns(env.clock.wall()); };
  EventLines lines(
      options.log_json ? EventFormat::json : EventFormat::text, level_of(options.log_level), wall,
      [](std::string_view line) { write_all(STDERR_FILENO, std::string(line) + "\n"); });
  RepeatLimit events(lines, wall);
  Metrics metrics;
  NOKV_ASSIGN(ObjectParts objects,
              open_objects(env, context.doors.surroundings, options.objects, options.meta));
  std::latch told(1);
  std::atomic<bool> once = false;
  auto end = [&] {
    if (!once.exchange(true)) told.count_down();
  };
  server::HostOptions host_options;
  host_options.directory = options.meta;
  host_options.server_version = version_number();
  host_options.background.backups =
      backup_options(env, context.doors.surroundings, options.backups, options.objects);
  host_options.background.externals =
      external_options(env, context.doors.surroundings, options.imports, options.objects);
  if (options.upload_ttl) host_options.background.upload_ttl = *options.upload_ttl;
  host_options.shard.failed = [&](const Error&) { end(); };
  auto& background = host_options.background;
  background.log_kept_for = options.events_kept.value_or(background.log_kept_for);
  background.log_kept_bytes = options.events_kept_bytes.value_or(background.log_kept_bytes);
  NOKV_ASSIGN(auto host, server::ShardHost::open(env, *objects.store, events, host_options));
  NOKV_TRY(look_at_objects(env, *host, options.objects, objects, events));
  net::AsioNetOptions net_options;
  net_options.on_refused = [&events](std::string_view peer, const Error& why) {
    events.warn("connection_refused", {{"peer", peer}, {"why", why.message()}});
  };
  int io_threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4);
  net::AsioNet net(io_threads, net_options);
  server::ServerOptions server_options;
  server_options.build = {std::string(version_number()), std::string(commit_hash())};
  server_options.insecure = options.insecure;
  server::Server server(env, net, *host, *objects.store, events, metrics, server_options);
  NOKV_ASSIGN(Address address, server.listen(options.bind));

  signals.start([&](int) { end(); });
  events.info("serving", {{"address", address.to_string()},
                          {"meta", options.meta},
                          {"objects", objects.store->description()},
                          {"initialised", host->shard().state()->initialised()}});
  if (!options.ready_file.empty()) {
    NOKV_TRY(write_file_atomic(env.files, options.ready_file, address.to_string() + "\n"));
  }
  context.out.line(str("listening ", address.to_string()));
  context.out.flush();
  told.wait();
  events.info("stopping", {});
  server.stop(std::chrono::seconds(30));
  auto failure = host->shard().failure();
  host->stop();
  events.info("stopped", {});
  if (!failure) return Exit::done;
  return std::unexpected(
      Error(failure->code(), str("the server stopped by itself: ", failure->message()))
          .with_hint("start it again: all that was acknowledged is in the log"));
}

}  // namespace nokv::cli
