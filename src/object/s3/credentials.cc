#include "object/s3/credentials.h"

#include <utility>
#include <vector>

#include "base/guarded.h"
#include "object/s3/instance_keys.h"
#include "object/s3/profile.h"

namespace nokv::object {
namespace {

constexpr Duration kRenewBefore = std::chrono::minutes(5);
constexpr Duration kMetadataTimeout = std::chrono::seconds(2);
constexpr size_t kMetadataBytesMax = 64 << 10;

class FixedCredentials final : public CredentialsProvider {
 public:
  explicit FixedCredentials(Credentials credentials)
      : credentials_(std::make_shared<const Credentials>(std::move(credentials))) {}

  void get(Clock::Instant, Done<CredentialsPtr> done) override { done(credentials_); }
  CredentialsPtr cached() override { return credentials_; }
  void refresh(const CredentialsPtr&) override {}

 private:
  CredentialsPtr credentials_;
};

std::optional<Credentials> from_environment(const Variables& variables) {
  std::string id = variables("AWS_ACCESS_KEY_ID");
  std::string secret = variables("AWS_SECRET_ACCESS_KEY");
  if (id.empty() || secret.empty()) return std::nullopt;
  return Credentials{std::move(id), Secret(std::move(secret)),
                     Secret(variables("AWS_SESSION_TOKEN")), std::nullopt, "environment"};
}

class Chain final : public CredentialsProvider, public std::enable_shared_from_this<Chain> {
 public:
  Chain(const Clock& clock, Files& files, net::HttpClient& http, ChainOptions options)
      : clock_(clock), files_(files), http_(http), options_(std::move(options)) {}

  void get(Clock::Instant deadline, Done<CredentialsPtr> done) override {
    CredentialsPtr good = cached();
    bool look = state_.with([&](State& state) {
      if (!good) state.waiting.push_back(std::move(done));
      bool needed = !good || !state.current || ends_soon(*state.current);
      return needed && !std::exchange(state.looking, true);
    });
    // While the old ones are good nobody waits for the new ones.
    if (good) done(good);
    if (look) find(deadline);
  }

  CredentialsPtr cached() override {
    return state_.with([&](State& state) -> CredentialsPtr {
      bool good =
          state.current && (!state.current->expires || *state.current->expires > clock_.wall());
      return good ? state.current : nullptr;
    });
  }

  void refresh(const CredentialsPtr& refused) override {
    state_.with([&](State& state) {
      if (state.current == refused) state.current = nullptr;
    });
  }

 private:
  struct State {
    CredentialsPtr current;
    bool looking = false;
    std::vector<Done<CredentialsPtr>> waiting;
  };

  bool ends_soon(const Credentials& credentials) const {
    return credentials.expires && *credentials.expires - kRenewBefore <= clock_.wall();
  }

  void settle(Result<Credentials> found) {
    Result<CredentialsPtr> result =
        found ? Result<CredentialsPtr>(std::make_shared<const Credentials>(*std::move(found)))
              : std::unexpected(std::move(found).error());
    auto waiting = state_.with([&](State& state) {
      state.looking = false;
      if (result) state.current = *result;
      return std::exchange(state.waiting, {});
    });
    for (auto& done : waiting) done(result);
  }

  void find(Clock::Instant deadline) {
    if (auto found = from_environment(options_.variables)) return settle(*std::move(found));
    auto profile = from_profile();
    if (!profile) return settle(std::unexpected(std::move(profile).error()));
    if (auto& found = *profile) return settle(*std::move(found));
    if (options_.preset) return settle(*options_.preset);
    if (options_.metadata_url.empty() ||
        options_.variables("AWS_EC2_METADATA_DISABLED") == "true") {
      return settle(no_credentials("none in the environment or the AWS files"));
    }
    ask_metadata(deadline);
  }

  Result<std::optional<Credentials>> from_profile() {
    NOKV_ASSIGN(Settings settings, load_profile(files_, options_.variables, options_.home));
    std::string name = profile_name(options_.variables);
    if (settings["aws_access_key_id"].empty() || settings["aws_secret_access_key"].empty()) {
      if (name == "default") return std::nullopt;
      return no_credentials(str("profile '", name, "' of the AWS files has no access key"));
    }
    return Credentials{settings["aws_access_key_id"], Secret(settings["aws_secret_access_key"]),
                       Secret(settings["aws_session_token"]), std::nullopt,
                       str("profile '", name, "'")};
  }

  // Source: Amazon EC2 User Guide, "Use the Instance Metadata Service": a session token first, then
  // the role's name, then its keys.
  void ask_metadata(Clock::Instant deadline) {
    Clock::Instant until = std::min(deadline, clock_.now() + kMetadataTimeout);
    ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds", "21600"}, until,
        [self = shared_from_this(), until](const std::string& token) {
          self->ask_role(token, until);
        });
  }

  void ask_role(const std::string& token, Clock::Instant until) {
    std::pair<std::string, std::string> header("X-aws-ec2-metadata-token", token);
    ask("GET", kRolePath, header, until,
        [self = shared_from_this(), header, until](const std::string& roles) {
          std::string role = roles.substr(0, roles.find_first_of("\r\n"));
          self->ask("GET", kRolePath + role, header, until,
                    [self](const std::string& json) { self->settle(read_instance_keys(json)); });
        });
  }

  void ask(const std::string& method, const std::string& path,
           std::pair<std::string, std::string> header, Clock::Instant until,
           std::move_only_function<void(std::string)> answered) {
    net::HttpClientRequest request;
    request.method = method;
    request.url = options_.metadata_url + path;
    request.headers = {std::move(header)};
    if (method == "PUT") request.body = std::make_shared<const std::string>();
    request.deadline = until;
    request.response_max = kMetadataBytesMax;
    http_.send(std::move(request), [self = shared_from_this(), answered = std::move(answered)](
                                       Result<net::HttpClientResponse> response) mutable {
      static constexpr std::string_view kWhere =
          "none in the environment or the AWS files, and the instance metadata service ";
      if (!response) {
        return self->settle(no_credentials(str(kWhere, "says: ", response.error().message())));
      }
      if (response->status != 200) {
        return self->settle(no_credentials(str(kWhere, "answers ", response->status)));
      }
      answered(std::move(response->body));
    });
  }

  static inline const std::string kRolePath = "/latest/meta-data/iam/security-credentials/";

  const Clock& clock_;
  Files& files_;
  net::HttpClient& http_;
  const ChainOptions options_;
  Guarded<State> state_;
};

}  // namespace

std::shared_ptr<CredentialsProvider> fixed_credentials(Credentials credentials) {
  return std::make_shared<FixedCredentials>(std::move(credentials));
}

std::shared_ptr<CredentialsProvider> credential_chain(const Clock& clock, Files& files,
                                                      net::HttpClient& http, ChainOptions options) {
  return std::make_shared<Chain>(clock, files, http, std::move(options));
}

std::string configured_region(Files& files, const Variables& variables, const std::string& home) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (std::string region = variables(name); !region.empty()) return region;
  }
  auto settings = load_profile(files, variables, home);
  return settings ? (*settings)["region"] : "";
}

}  // namespace nokv::object
