// Objects in a bucket of an S3 store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/env/clock.h"
#include "base/env/executor.h"
#include "base/env/random.h"
#include "net/http_client.h"
#include "object/object_store.h"
#include "object/s3/credentials.h"

namespace nokv::object {

enum class Addressing : uint8_t {
  automatic,     // path for all but AWS, and but an endpoint that begins with "BUCKET."
  path,          // http://endpoint/bucket/key
  virtual_host,  // http://bucket.endpoint/key
};

struct S3Options {
  std::string endpoint;  // "http://127.0.0.1:9000"; empty is AWS in `region`
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;  // before every key, with a slash between; may be empty
  Addressing addressing = Addressing::automatic;
  int parallel_max = 32;    // requests under way at once
  size_t queue_max = 8192;  // requests that wait beyond that; more fail with `overloaded`
  int tries_max = 6;        // of one request
  Duration pause_min = std::chrono::milliseconds(50);  // before the second try, at most; doubles
  Duration pause_max = std::chrono::seconds(5);
  Duration try_timeout = std::chrono::seconds(30);  // of one try
  bool checksums = true;        // send CRC-32C with every body and compare what comes back
  size_t body_max = 256 << 20;  // of one object
};

// The original NoKV's preset for a RustFS on this machine: bucket "nokv" at http://127.0.0.1:9000.
S3Options rustfs_options();
// Its development key pair, "rustfsadmin" twice.
Credentials rustfs_credentials();
// Whether an endpoint is on this machine: elsewhere the development pair deserves a warning.
bool is_loopback(std::string_view endpoint);

// Path or virtual-host style requests signed by SigV4 with UNSIGNED-PAYLOAD, checksums where
// enabled. Retried with full jitter: connection failures, a body that ends early, 5xx, 429,
// SlowDown, RequestTimeout, damaged bodies; as long as the deadline allows. A conditional put that
// was tried twice and finds the key taken fails with already_exists and `maybe_done`: the first try
// may have made the object. Thread-safe; `done` is called on threads of the HTTP client or the
// executor, or within the call.
class S3Store final : public ObjectStore, public PartedPuts, public VersionedReads {
 public:
  // Everything outlives the store and the calls under way; `timers` runs pauses between tries.
  // Errors: invalid_argument (options).
  static Result<std::unique_ptr<S3Store>> create(S3Options options, net::HttpClient& http,
                                                 std::shared_ptr<CredentialsProvider> credentials,
                                                 const Clock& clock, Random& random,
                                                 Executor& timers);
  // Calls that wait complete with `cancelled`; those on the wire end by themselves.
  ~S3Store() override;

  void put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
           Clock::Instant deadline, Done<> done) override;
  void get(std::string key, std::optional<Range> range, Clock::Instant deadline,
           Done<std::string> done) override;
  void head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) override;
  void remove(std::vector<std::string> keys, Clock::Instant deadline,
              Done<std::vector<RemoveFailure>> done) override;
  void list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
            Done<ListPage> done) override;
  // Errors: unavailable before the first credentials have arrived, invalid_argument.
  Result<std::optional<std::string>> presign(std::string_view method, const std::string& key,
                                             Duration valid) override;
  PartedPuts* parted_puts() override { return this; }
  VersionedReads* versioned_reads() override { return this; }
  std::string description() const override;
  Counters counters() const override;

  // ---- PartedPuts; counted as puts

  void begin(std::string key, PutOptions options, Clock::Instant deadline,
             Done<std::string> done) override;
  void put_part(std::string key, std::string upload, uint32_t number,
                std::shared_ptr<const std::string> body, Clock::Instant deadline,
                Done<std::string> done) override;
  void finish(std::string key, std::string upload, std::vector<std::string> tags,
              Clock::Instant deadline, Done<> done) override;
  void abandon(std::string key, std::string upload, Clock::Instant deadline, Done<> done) override;

  // ---- VersionedReads

  void get_same(std::string key, ObjectVersion version, Range range, Clock::Instant deadline,
                Done<std::string> done) override;

 private:
  class Core;
  explicit S3Store(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;
};

}  // namespace nokv::object
