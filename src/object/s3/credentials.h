// Who we are to an S3 store, and where that is found.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/env/clock.h"
#include "base/env/files.h"
#include "net/http_client.h"
#include "object/object_store.h"
#include "object/s3/secret.h"

namespace nokv::object {

struct Credentials {
  std::string access_key_id;
  Secret secret_key;
  Secret session_token;             // empty for lasting keys
  std::optional<WallTime> expires;  // of temporary keys
  std::string source;               // "environment", for people
};

using CredentialsPtr = std::shared_ptr<const Credentials>;

// Thread-safe; does not block but for reading two small files.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;

  // Errors: permission_denied when there are none (with a hint), unavailable.
  virtual void get(Clock::Instant deadline, Done<CredentialsPtr> done) = 0;

  // What get() gave last and is still good; null when that is nothing.
  virtual CredentialsPtr cached() = 0;

  // The store refused `refused` as expired: the next get() looks again.
  virtual void refresh(const CredentialsPtr& refused) = 0;
};

// Always the same.
std::shared_ptr<CredentialsProvider> fixed_credentials(Credentials credentials);

// The value of an environment variable; empty when it is not set.
using Variables = std::function<std::string(const std::string& name)>;

struct ChainOptions {
  Variables variables;
  std::string home;                   // holds .aws; empty looks at no files of its own accord
  std::optional<Credentials> preset;  // asked after the files, before the instance's metadata
  std::string metadata_url = "http://169.254.169.254";
};

// AWS_ACCESS_KEY_ID and its kin; the profile AWS_PROFILE (or "default") in
// AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config); the preset;
// the role of the machine (IMDSv2, unless AWS_EC2_METADATA_DISABLED is "true"). The first that has
// a key wins. Temporary keys are renewed five minutes before they expire. All outlives the provider
// and what it was asked for.
std::shared_ptr<CredentialsProvider> credential_chain(const Clock& clock, Files& files,
                                                      net::HttpClient& http, ChainOptions options);

// AWS_REGION, AWS_DEFAULT_REGION, the profile's region; empty when none says.
std::string configured_region(Files& files, const Variables& variables, const std::string& home);

}  // namespace nokv::object
