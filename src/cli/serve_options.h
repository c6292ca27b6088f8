// What `nokv serve` was told, checked and in its own types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env/clock.h"
#include "base/env/net.h"
#include "base/result.h"
#include "cli/settings.h"

namespace nokv::cli {

enum class ObjectBackend : uint8_t {
  local,
  s3,
  rustfs,
  memory,
};

// Where bodies go. A server needs it, and so does a namespace opened with file:///.
struct ObjectOptions {
  ObjectBackend backend = ObjectBackend::local;
  std::string bucket;
  std::string endpoint;
  std::string region;  // empty: what AWS's variables and files say
  std::string root;    // local: a directory (empty: below --meta); s3: a prefix
};

// Backups that the server makes by itself.
struct BackupSettings {
  Duration every{0};  // 0: none
  std::string to;     // a URL; empty: the object store of the bodies
  uint64_t keep = 0;  // 0: all
};

// What a server reads of other buckets.
struct ImportSettings {
  bool any = false;
  std::vector<std::string> from;  // "s3://BUCKET", "s3://BUCKET/PREFIX"
};

struct ServeOptions {
  Address bind;
  std::string meta;           // the data directory
  bool meta_default = false;  // nobody chose it
  uint64_t mount = 1;
  ObjectOptions objects;
  BackupSettings backups;
  ImportSettings imports;
  std::string ready_file;
  bool log_json = false;
  std::string log_level;  // debug, info, warning, error
  bool insecure = false;  // --insecure-i-know
  std::optional<Duration> upload_ttl;
  std::optional<Duration> events_kept;
  std::optional<uint64_t> events_kept_bytes;
};

// Errors: invalid_argument, with a hint.
Result<ObjectOptions> object_options(const Settings& settings);
// The object store that a URL names: "file:///DIR", or "s3://BUCKET/PREFIX" with the endpoint and
// region of `bodies`.
Result<ObjectOptions> place_options(const std::string& url, const ObjectOptions& bodies);
// The same of "s3://BUCKET" and "s3://BUCKET/PREFIX" only.
Result<ObjectOptions> bucket_options(const std::string& url);
Result<BackupSettings> backup_settings(const Settings& settings, const ObjectOptions& bodies);
// `local`: only this machine reaches the namespace.
Result<ImportSettings> import_settings(const Settings& settings, bool local);
Result<ServeOptions> serve_options(const Settings& settings, const Arguments& args);

// Whether an endpoint's URL leads to this machine.
bool is_local_url(std::string_view url);

// 127.0.0.0/8, ::1, localhost, or a unix socket.
bool is_loopback(const Address& address);

}  // namespace nokv::cli
