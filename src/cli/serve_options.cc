#include "cli/serve_options.h"

#include <algorithm>
#include <utility>

namespace nokv::cli {
namespace {

Result<> need_bucket(const ObjectOptions& it) {
  if (!it.bucket.empty()) return {};
  return std::unexpected(Error(Code::invalid_argument, "--object-backend s3 needs a bucket")
                             .with_hint("--object-bucket NAME, and --object-endpoint URL for "
                                        "another server than AWS"));
}

// An endpoint that has the bucket of the bodies before its host, "http://BUCKET.HOST", for another
// bucket.
std::string endpoint_for(const std::string& bucket, const ObjectOptions& bodies) {
  std::string endpoint = bodies.endpoint;
  size_t host = endpoint.find("://");
  if (host == std::string::npos || bodies.bucket.empty()) return endpoint;
  host += 3;
  if (!std::string_view(endpoint).substr(host).starts_with(bodies.bucket + ".")) return endpoint;
  return endpoint.replace(host, bodies.bucket.size(), bucket);
}

}  // namespace

bool is_loopback(const Address& address) {
  return address.is_unix() || address.host == "localhost" || address.host == "::1" ||
         address.host.starts_with("127.");
}

bool is_local_url(std::string_view url) {
  size_t host = url.find("//");
  if (host == std::string_view::npos) return false;
  url.remove_prefix(host + 2);
  return url.starts_with("127.") || url.starts_with("localhost") || url.starts_with("[::1]");
}

Result<ObjectOptions> object_options(const Settings& settings) {
  ObjectOptions options{.bucket = settings.text("object-bucket"),
                        .endpoint = settings.text("object-endpoint"),
                        .region = settings.text("object-region"),
                        .root = settings.text("object-root")};
  const std::string& backend = settings.text("object-backend");
  if (backend == "s3") {
    options.backend = ObjectBackend::s3;
    NOKV_TRY(need_bucket(options));
  } else if (backend == "rustfs") {
    options.backend = ObjectBackend::rustfs;
    if (options.bucket.empty()) options.bucket = "nokv";
    if (options.endpoint.empty()) options.endpoint = "http://127.0.0.1:9000";
  } else if (backend == "memory") {
    options.backend = ObjectBackend::memory;
  } else if (!options.bucket.empty() || !options.endpoint.empty()) {
    // A bucket that would silently not be used.
    return std::unexpected(
        Error(Code::invalid_argument,
              "--object-bucket and --object-endpoint do not go with local bodies")
            .with_hint("add --object-backend s3"));
  }
  return options;
}

Result<ObjectOptions> place_options(const std::string& url, const ObjectOptions& bodies) {
  auto bad = [&] {
    return std::unexpected(Error(Code::invalid_argument, str("'", url, "' is no place for objects"))
                               .with_hint("write file:///DIR or s3://BUCKET/PREFIX"));
  };
  constexpr std::string_view kFile = "file://";
  constexpr std::string_view kS3 = "s3://";
  if (url.find('\n') != std::string::npos) return bad();
  if (url.starts_with(kFile)) {
    ObjectOptions out{.root = url.substr(kFile.size())};
    if (!out.root.starts_with('/')) return bad();
    return out;
  }
  if (!url.starts_with(kS3)) return bad();
  ObjectOptions out{.backend = bodies.backend == ObjectBackend::rustfs ? ObjectBackend::rustfs
                                                                       : ObjectBackend::s3,
                    .region = bodies.region};
  std::string rest = url.substr(kS3.size());
  size_t slash = rest.find('/');
  out.bucket = rest.substr(0, slash);
  if (slash != std::string::npos) out.root = rest.substr(slash + 1);
  if (out.bucket.empty()) return bad();
  out.endpoint = endpoint_for(out.bucket, bodies);
  return out;
}

Result<ObjectOptions> bucket_options(const std::string& url) {
  auto place = place_options(url, {});
  if (place && !place->bucket.empty()) return place;
  return std::unexpected(Error(Code::invalid_argument, str("'", url, "' is no bucket"))
                             .with_hint("write s3://BUCKET or s3://BUCKET/PREFIX"));
}

Result<BackupSettings> backup_settings(const Settings& settings, const ObjectOptions& bodies) {
  BackupSettings out{.every = settings.duration("backup-every"),
                     .to = settings.text("backup-to"),
                     .keep = settings.number("backup-keep")};
  if (!out.to.empty()) NOKV_TRY(place_options(out.to, bodies));
  return out;
}

Result<ImportSettings> import_settings(const Settings& settings, bool local) {
  ImportSettings out;
  std::string_view left = settings.text("import-from");
  out.any = left == "any" || (left.empty() && local);
  if (out.any || left == "none") return out;
  while (!left.empty()) {
    size_t comma = std::min(left.find(','), left.size());
    std::string url(left.substr(0, comma));
    left.remove_prefix(std::min(comma + 1, left.size()));
    if (auto place = bucket_options(url); !place) {
      return std::unexpected(
          std::move(place)
              .error()
              .within("--import-from")
              .with_hint(
                  "write s3://BUCKET or s3://BUCKET/PREFIX, with commas between; any or none"));
    }
    out.from.push_back(std::move(url));
  }
  return out;
}

Result<ServeOptions> serve_options(const Settings& settings, const Arguments& args) {
  ServeOptions options{.meta = settings.text("meta"),
                       .meta_default = settings.is_default("meta"),
                       .mount = settings.number("mount"),
                       .log_json = args.text("log-format") == "json",
                       .log_level = args.has("log-level") ? args.text("log-level") : "info",
                       .insecure = args.has("insecure-i-know"),
                       .upload_ttl = args.duration("upload-ttl"),
                       .events_kept = args.duration("events-kept"),
                       .events_kept_bytes = args.size("events-kept-bytes")};
  NOKV_ASSIGN(options.bind, Address::parse(settings.text("server-bind")));
  NOKV_ASSIGN(options.objects, object_options(settings));
  NOKV_ASSIGN(options.backups, backup_settings(settings, options.objects));
  NOKV_ASSIGN(options.imports, import_settings(settings, is_loopback(options.bind)));
  auto ready = args.globals().find("ready-file");
  if (ready != args.globals().end()) options.ready_file = ready->second.back();
  if (!is_loopback(options.bind) && !options.insecure) {
    return std::unexpected(
        Error(Code::invalid_argument,
              str("--server-bind ", options.bind.to_string(),
                  " is reachable from other machines, without TLS and authentication"))
            .with_hint("bind 127.0.0.1 or a unix socket, or take the risk with --insecure-i-know"));
  }
  if (options.meta.empty()) return fail(Code::invalid_argument, "--meta names no directory");
  return options;
}

}  // namespace nokv::cli
