#include "client/http_block.h"

#include <algorithm>
#include <utility>

namespace nokv::client {

namespace {

// What stands between <Code> and </Code> in an S3 error, if it looks like a code.
std::string store_code(std::string_view body) {
  size_t at = body.find("<Code>");
  if (at == std::string_view::npos) return {};
  body.remove_prefix(at + 6);
  std::string_view code = body.substr(0, body.find("</Code>"));
  bool plain = code.size() <= 64 && std::ranges::all_of(code, [](char c) {
                 return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
               });
  return plain ? " (" + std::string(code) + ")" : std::string();
}

Code meaning(int status) {
  if (status == 404) return Code::not_found;
  if (status == 401 || status == 403) return Code::permission_denied;
  if (status == 507) return Code::resource_exhausted;
  if (status >= 500 || status == 408 || status == 429) return Code::unavailable;
  return Code::failed_precondition;
}

}  // namespace

Result<std::string> block_of(Result<net::HttpClientResponse> response) {
  if (!response) return std::unexpected(std::move(response).error());
  if (response->status >= 200 && response->status < 300) return std::move(response->body);
  return fail(meaning(response->status), "the object store answered ", response->status,
              store_code(response->body));
}

}  // namespace nokv::client
