// The SDK in one program: a namespace in a directory of its own, or one that a server holds.
//
//   sdk_example file:///tmp/example         sdk_example nokv://127.0.0.1:7777
#include <cstdio>
#include <memory>
#include <string>

#include "base/log_event.h"
#include "base/posix/posix_env.h"
#include "client/client.h"
#include "client/embedded_transport.h"
#include "client/rpc_transport.h"
#include "net/asio_net.h"
#include "net/curl/curl_client.h"
#include "object/local_store.h"
#include "server/shard_host.h"

namespace {

using namespace nokv;  // NOLINT(google-build-using-namespace)

// Over RPC. What a client is made of outlives it, so it is declared first.
struct Remote {
  explicit Remote(const Env& env) : net(1), http(env.clock, env.executors) {}
  net::AsioNet net;
  net::CurlClient http;  // for presigned URLs of an S3 store
};

// In this process: the same namespace without a server. One process at a time has a directory.
struct Embedded {
  std::unique_ptr<Executor> disk;
  std::unique_ptr<object::LocalStore> bodies;
  NoEvents events;
  std::unique_ptr<server::ShardHost> host;

  Result<> open(const Env& env, const std::string& directory) {
    disk = env.executors.pool("bodies", 4);
    object::LocalOptions local{.root = directory + "/objects"};
    NOKV_ASSIGN(bodies, object::LocalStore::open(env.files, *disk, env.clock, env.random, local));
    NOKV_ASSIGN(host, server::ShardHost::open(env, *bodies, events, {.directory = directory}));
    return {};
  }
};

Result<> show(Client& client) {
  NOKV_TRY(client.init());  // idempotent

  // A file. Bodies up to 16 KiB travel inside the request; larger ones are cut into blocks that go
  // to the object store in parallel before the one request that gives them a name.
  client::StringSource first("loss 0.9\n");
  codec::Publish publish{.target = {.path = "/runs/1/metrics"}, .parents = true, .mode = 0644};
  NOKV_ASSIGN(client::Committed written, client.put(publish, first));
  std::printf("published generation %llu\n",
              static_cast<unsigned long long>(written.result.generation));

  // A snapshot, and another body. The precondition holds against everybody else: a file that
  // somebody changed in between is refused with `aborted`.
  NOKV_TRY(client.snapshot_create({.name = "before", .target = {.path = "/runs"}}));
  client::StringSource second("loss 0.4\n");
  publish.if_generation = written.result.generation;
  NOKV_TRY(client.put(publish, second));

  // Reading, now and then.
  client::OpenOptions open{.target = {.path = "/runs/1/metrics"}};
  NOKV_ASSIGN(std::string now, client.read(open, 1 << 20));
  open.at.at = "before";  // a snapshot, "v12", "2026-11-24T05:00:00Z", "10m"
  NOKV_ASSIGN(std::string then, client.read(open, 1 << 20));
  std::printf("then: %snow:  %s", then.c_str(), now.c_str());

  // Several changes, all or none.
  NOKV_TRY(client.commit({
      codec::Check{.target = {.path = "/runs/1/metrics"}, .exists = true},
      codec::Mkdir{.target = {.path = "/best"}, .mode = 0755},
      codec::Copy{.from = {.path = "/runs/1/metrics"}, .to = {.path = "/best/metrics"}},
  }));

  // Changes that are answered as soon as their outcome is decided; sync() waits for the disk.
  for (int i = 0; i < 10; ++i) {
    codec::Mkdir mkdir{.target = {.path = str("/runs/", 10 + i)}, .mode = 0755};
    NOKV_TRY(client.mkdir(mkdir, {.durability = codec::Durability::early}));
  }
  NOKV_TRY(client.sync());

  // What happened so far; the same watcher would wait for what comes.
  NOKV_ASSIGN(client::Watcher watcher, client.watch({.path = "/best", .since = "oldest"}));
  int events = 0;
  while (true) {
    NOKV_ASSIGN(auto event, watcher.next(Duration::zero()));
    if (!event) break;
    ++events;
  }
  std::printf("/best had %d events, the next one is after %s\n", events, watcher.cursor().c_str());

  client::Lister lister = client.list({.target = {.path = "/runs"}});
  int entries = 0;
  while (true) {
    NOKV_ASSIGN(auto entry, lister.next());
    if (!entry) break;
    ++entries;
  }
  std::printf("/runs has %d entries at version %llu\n", entries,
              static_cast<unsigned long long>(lister.version()));
  return client.close();
}

Result<> run(const std::string& url) {
  PosixEnv posix;
  Env env = posix.env();
  client::ClientOptions options{.deadline = std::chrono::seconds(10), .producer = "sdk_example"};
  if (url.starts_with("file://")) {
    Embedded embedded;
    NOKV_TRY(embedded.open(env, url.substr(7)));
    Client client({client::make_embedded_transport(env.clock, embedded.host->service(), url), env},
                  options);
    return show(client);
  }
  NOKV_ASSIGN(Address address, Address::parse(url));
  Remote remote(env);
  Client client({client::make_rpc_transport(env, remote.net, address), env, &remote.http}, options);
  return show(client);
}

}  // namespace

int main(int argc, char** argv) {
  auto done = run(argc == 2 ? argv[1] : "nokv://127.0.0.1:7777");
  if (done) return 0;
  std::fprintf(stderr, "%s: %s\n", std::string(code_name(done.error().code())).c_str(),
               done.error().message().c_str());
  return 1;
}
