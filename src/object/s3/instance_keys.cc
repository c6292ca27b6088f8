#include "object/s3/instance_keys.h"

#include "object/s3/dates.h"

namespace nokv::object {
namespace {

// The string member `name`.
std::string json_string(std::string_view json, std::string_view name) {
  size_t at = json.find(str("\"", name, "\""));
  if (at == std::string_view::npos) return {};
  at = json.find(':', at + name.size() + 2);
  size_t begin = at == std::string_view::npos ? at : json.find('"', at);
  if (begin == std::string_view::npos) return {};
  size_t end = json.find('"', begin + 1);
  if (end == std::string_view::npos) return {};
  return std::string(json.substr(begin + 1, end - begin - 1));
}

}  // namespace

std::unexpected<Error> no_credentials(std::string_view why) {
  return std::unexpected(
      Error(Code::permission_denied, str("no S3 credentials: ", why))
          .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write a profile to "
                     "~/.aws/credentials"));
}

Result<Credentials> read_instance_keys(std::string_view json) {
  Credentials out{json_string(json, "AccessKeyId"), Secret(json_string(json, "SecretAccessKey")),
                  Secret(json_string(json, "Token")),
                  parse_iso_date(json_string(json, "Expiration")), "instance metadata"};
  if (out.access_key_id.empty() || out.secret_key.empty()) {
    return no_credentials("the instance metadata service gave no key");
  }
  return out;
}

}  // namespace nokv::object
