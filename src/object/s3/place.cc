#include "object/s3/place.h"

#include <algorithm>

#include "object/s3/sigv4.h"

namespace nokv::object {
namespace {

bool good_bucket(std::string_view name) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return name.size() >= 3 && name.size() <= 255 && std::ranges::all_of(name, good) &&
         !name.starts_with('.');
}

bool virtual_host(const S3Options& options, std::string_view host) {
  if (options.addressing != Addressing::automatic) {
    return options.addressing == Addressing::virtual_host;
  }
  // A bucket with a dot does not match the certificate's "*.s3…".
  return host.ends_with(".amazonaws.com") && options.bucket.find('.') == std::string::npos;
}

}  // namespace

Result<Place> Place::of(const S3Options& options) {
  Place out;
  out.endpoint_ = options.endpoint.empty() ? str("https://s3.", options.region, ".amazonaws.com")
                                           : options.endpoint;
  while (out.endpoint_.ends_with('/')) out.endpoint_.pop_back();
  std::string_view rest = out.endpoint_;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (rest.starts_with(scheme)) out.scheme_ = scheme;
  }
  rest.remove_prefix(out.scheme_.size());
  if (out.scheme_.empty() || rest.empty() ||
      rest.find_first_of("/?#@ ") != std::string_view::npos) {
    return fail(Code::invalid_argument, "S3 endpoint '", options.endpoint,
                "' is not http://HOST[:PORT] or https://HOST[:PORT]");
  }
  if (!good_bucket(options.bucket)) {
    return fail(Code::invalid_argument, "'", options.bucket, "' is no name of an S3 bucket");
  }
  std::string_view own_port = out.scheme_ == "http://" ? ":80" : ":443";
  if (rest.ends_with(own_port)) rest.remove_suffix(own_port.size());
  // Whoever writes the bucket before the host asks for virtual-host style, and has its host.
  bool named =
      options.addressing == Addressing::automatic && rest.starts_with(str(options.bucket, "."));
  bool as_host = named || virtual_host(options, rest);
  out.host_ = as_host && !named ? str(options.bucket, ".", rest) : std::string(rest);
  out.base_path_ = as_host ? "/" : str("/", options.bucket, "/");
  return out;
}

std::string Place::path(std::string_view key) const {
  if (key.empty() && base_path_.size() > 1) return base_path_.substr(0, base_path_.size() - 1);
  return base_path_ + uri_encode(key, true);
}

std::string Place::url(std::string_view path, std::string_view query) const {
  return str(scheme_, host_, path, query.empty() ? "" : "?", query);
}

}  // namespace nokv::object
