// The one place that picks implementations: what a command line or a server is made of.
#pragma once

#include <memory>
#include <string>

#include "base/env/env.h"
#include "base/log_event.h"
#include "base/posix/posix_env.h"
#include "cli/context.h"
#include "cli/serve_options.h"
#include "net/http_client.h"
#include "object/object_store.h"
#include "object/s3/credentials.h"

namespace nokv::cli {

// An object store and what it runs on.
struct ObjectParts {
  std::unique_ptr<Executor> executor;
  std::unique_ptr<net::HttpClient> http;                          // S3 only
  std::shared_ptr<object::CredentialsProvider> credentials = {};  // S3 only
  std::unique_ptr<object::ObjectStore> store;
};

// Opens the object store that `options` names; bodies of a local one without a root go to
// META/objects. Credentials come from AWS's variables and files, the development pair (rustfs), or
// the machine's role. Blocks. Errors: invalid_argument (no bucket), those of the stores. An S3
// store that does not answer is no error here.
Result<ObjectParts> open_objects(const Env& env, const Surroundings& surroundings,
                                 const ObjectOptions& options, const std::string& meta);

// The same, for commands that look at the store themselves.
Result<std::unique_ptr<Objects>> open_objects_for(const Env& env, const Surroundings& surroundings,
                                                  const Settings& settings);

// The object store that a URL names: for `restore` and `export`.
Result<std::unique_ptr<Objects>> open_place(const Env& env, const Surroundings& surroundings,
                                            const ObjectPlace& place, const Settings& settings);

// Reaches `nokv://HOST:PORT` and `unix:PATH` over RPC, and opens `file:///DIR` in this process.
// `may_create`: a directory that holds nothing becomes a namespace that waits for init.
Result<std::unique_ptr<Store>> open_store(const Env& env, const Surroundings& surroundings,
                                          const std::string& url, const Settings& settings,
                                          bool may_create);

// Serves until SIGTERM or SIGINT. Call it before any thread is made.
Result<Exit> serve(const Env& env, Context& context, const ServeOptions& options);

}  // namespace nokv::cli
