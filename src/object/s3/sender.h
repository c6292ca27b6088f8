// Sends signed requests to one bucket: a bound on how many at once, tries, pauses. Private to
// object/s3.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "object/s3/place.h"
#include "object/s3/s3_store.h"
#include "object/s3/sigv4.h"
#include "object/s3/verdict.h"

namespace nokv::object {

struct S3Call {
  std::string what;  // "put a/b", for messages
  uint64_t ObjectStore::Counters::* counter = nullptr;
  std::string method;
  std::string key;  // with the store's prefix; empty for the bucket
  Query query;
  net::HttpHeaders signed_headers;  // names in lower case
  net::HttpHeaders plain_headers;
  std::shared_ptr<const std::string> body;
  Clock::Instant deadline;
  size_t response_max = 1 << 20;
  // An answer that is not good although its status says so, or nothing.
  std::function<std::optional<Error>(const net::HttpClientResponse&)> verify;
  Done<net::HttpClientResponse> done;  // gets answers below 300 only
};

struct S3Doors {
  net::HttpClient& http;
  const Clock& clock;
  Random& random;
  Executor& timers;
};

// Thread-safe. Held by its calls, so it lives until the last has completed.
class Sender : public std::enable_shared_from_this<Sender> {
 public:
  Sender(S3Options options, Place place, std::shared_ptr<CredentialsProvider> credentials,
         S3Doors doors)
      : options_(std::move(options)),
        place_(std::move(place)),
        credentials_(std::move(credentials)),
        doors_(doors) {}

  void send(S3Call call);
  // Calls that wait for their turn are cancelled, and nothing is tried again.
  void close();

  const S3Options& options() const { return options_; }
  const Place& place() const { return place_; }
  CredentialsProvider& credentials() { return *credentials_; }
  const Clock& clock() const { return doors_.clock; }
  ObjectStore::Counters counters();
  std::string description() const;

 private:
  struct Call {
    S3Call call;
    int tries = 0;
    bool doubtful = false;       // an earlier try may have had its effect
    std::optional<Error> heard;  // of the last try that did not only run out of time
    bool waiting = false;        // in the queue
    TimerId expiry = 0;
    CredentialsPtr credentials;
  };
  using CallPtr = std::shared_ptr<Call>;
  struct State {
    std::deque<CallPtr> queue;  // those that expired are left in it, with waiting == false
    int running = 0;
    bool closed = false;
    ObjectStore::Counters counters;
  };

  enum class Admission : uint8_t {
    run,
    wait,
    full,
    closed,
  };

  static Error too_late(const Call& call, std::string_view otherwise);
  void admit(const CallPtr& call);
  // Takes a turn, or a place in the queue if `enqueue`.
  Admission decide(const CallPtr& call, bool enqueue);
  void expire(const CallPtr& call);
  void begin(const CallPtr& call);
  void transmit(const CallPtr& call);
  net::HttpClientRequest request_of(const Call& call);
  void answered(const CallPtr& call, Result<net::HttpClientResponse> result);
  Verdict judge(const Call& call, Result<net::HttpClientResponse>& result);
  bool try_again(const CallPtr& call, const Verdict& verdict);
  void leave();  // a request ended: the next one may begin
  void finish(const CallPtr& call, Error error);

  const S3Options options_;
  const Place place_;
  const std::shared_ptr<CredentialsProvider> credentials_;
  const S3Doors doors_;
  Guarded<State> state_;
};

}  // namespace nokv::object
