// The HTTP pages on the server's port: health, metrics, figures, version, and a few levers.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/env/net.h"
#include "base/metrics.h"
#include "object/object_store.h"
#include "server/shard_host.h"

namespace nokv::server {

struct Build {
  std::string version;
  std::string commit;
};

// Thread-safe: called on the HTTP threads of the network, which may wait.
class Pages {
 public:
  // All outlive this.
  Pages(ShardHost& host, object::ObjectStore& store, Metrics& metrics, Build build);

  HttpResponse answer(const HttpRequest& request);

  // Not ready any more: /readyz says that it is going away.
  void stopping() { stopping_ = true; }

  // What /stats says, as JSON.
  std::string stats();

 private:
  HttpResponse ready();
  HttpResponse post(std::string_view path, std::string_view query);
  void collect();

  ShardHost& host_;
  object::ObjectStore& store_;
  Metrics& metrics_;
  Build build_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace nokv::server
