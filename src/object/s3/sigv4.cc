#include "object/s3/sigv4.h"

#include <algorithm>

#include "object/s3/dates.h"
#include "object/s3/digest.h"

namespace nokv::object {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Spaces around a value, and runs of them inside, count as none and one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (char c : value) {
    bool space = c == ' ' || c == '\t';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

struct CanonicalHeaders {
  std::string lines;
  std::string names;
};

CanonicalHeaders canonical_headers(net::HttpHeaders headers) {
  std::ranges::sort(headers);
  CanonicalHeaders out;
  for (const auto& [name, value] : headers) {
    out.lines += str(name, ":", canonical_value(value), "\n");
    if (!out.names.empty()) out.names += ';';
    out.names += name;
  }
  return out;
}

std::string scope_of(std::string_view date, std::string_view region) {
  return str(date.substr(0, 8), "/", region, "/s3/aws4_request");
}

std::string signature(const SigningContext& context, std::string_view date,
                      std::string_view canonical_request) {
  std::string to_sign = str(kAlgorithm, "\n", date, "\n", scope_of(date, context.region), "\n",
                            hex(sha256(canonical_request)));
  std::string key = "AWS4" + context.credentials.secret_key.reveal();
  key = hmac_sha256(key, date.substr(0, 8));
  key = hmac_sha256(key, context.region);
  key = hmac_sha256(key, "s3");
  key = hmac_sha256(key, "aws4_request");
  return hex(hmac_sha256(key, to_sign));
}

}  // namespace

std::string uri_encode(std::string_view text, bool keep_slashes) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (unreserved(c) || (c == '/' && keep_slashes)) {
      out += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string canonical_query(const Query& query) {
  Query encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
    encoded.emplace_back(uri_encode(name, false), uri_encode(value, false));
  }
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += str(name, "=", value);
  }
  return out;
}

net::HttpHeaders sign_headers(const SigningContext& context, const SignableRequest& request,
                              std::string_view payload_hash) {
  std::string date = amz_date(context.now);
  net::HttpHeaders headers = request.headers;
  headers.emplace_back("x-amz-content-sha256", payload_hash);
  headers.emplace_back("x-amz-date", date);
  if (!context.credentials.session_token.empty()) {
    headers.emplace_back("x-amz-security-token", context.credentials.session_token.reveal());
  }
  net::HttpHeaders with_host = headers;
  with_host.emplace_back("host", request.host);
  auto canonical = canonical_headers(std::move(with_host));
  std::string signed_part =
      str(request.method, "\n", request.path, "\n", canonical_query(request.query), "\n",
          canonical.lines, "\n", canonical.names, "\n", payload_hash);
  headers.emplace_back("authorization",
                       str(kAlgorithm, " Credential=", context.credentials.access_key_id, "/",
                           scope_of(date, context.region), ",SignedHeaders=", canonical.names,
                           ",Signature=", signature(context, date, signed_part)));
  return headers;
}

std::string presign_query(const SigningContext& context, const SignableRequest& request,
                          Duration valid) {
  std::string date = amz_date(context.now);
  net::HttpHeaders headers = request.headers;
  headers.emplace_back("host", request.host);
  auto canonical = canonical_headers(std::move(headers));
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(valid).count();
  Query query = request.query;
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential",
                     str(context.credentials.access_key_id, "/", scope_of(date, context.region)));
  query.emplace_back("X-Amz-Date", date);
  query.emplace_back("X-Amz-Expires", std::to_string(seconds));
  query.emplace_back("X-Amz-SignedHeaders", canonical.names);
  if (!context.credentials.session_token.empty()) {
    query.emplace_back("X-Amz-Security-Token", context.credentials.session_token.reveal());
  }
  std::string sent = canonical_query(query);
  std::string signed_part = str(request.method, "\n", request.path, "\n", sent, "\n",
                                canonical.lines, "\n", canonical.names, "\n", kUnsignedPayload);
  return str(sent, "&X-Amz-Signature=", signature(context, date, signed_part));
}

}  // namespace nokv::object
