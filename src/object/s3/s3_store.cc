#include "object/s3/s3_store.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/guarded.h"
#include "codec/crc32c.h"
#include "object/key.h"
#include "object/s3/answers.h"
#include "object/s3/dates.h"
#include "object/s3/digest.h"
#include "object/s3/place.h"
#include "object/s3/sender.h"

namespace nokv::object {
namespace {

constexpr size_t kKeysPerDelete = 1000;
constexpr size_t kErrorBytes = 64 << 10;   // room for an error where little is expected
constexpr size_t kListBytesMax = 8 << 20;  // 1,000 keys of 1 KiB, escaped
constexpr std::string_view kChecksum = "x-amz-checksum-crc32c";
constexpr std::string_view kMetadata = "x-amz-meta-";

using Counters = ObjectStore::Counters;

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// Passes an error on, or what `read` makes of the answer, named by `where`.
template <class T>
Done<net::HttpClientResponse> reading(
    Done<T> done, std::string where,
    std::move_only_function<Result<T>(net::HttpClientResponse&)> read) {
  return [done = std::move(done), where = std::move(where),
          read = std::move(read)](Result<net::HttpClientResponse> response) mutable {
    if (!response) return done(std::unexpected(std::move(response).error()));
    Result<T> result = read(*response);
    if (!result) result = std::unexpected(std::move(result).error().within(where));
    done(std::move(result));
  };
}

void describe(S3Call& call, const PutOptions& options) {
  if (!options.content_type.empty()) {
    call.signed_headers.emplace_back("content-type", options.content_type);
  }
  for (const auto& [name, value] : options.metadata) {
    call.signed_headers.emplace_back(str(kMetadata, name), value);
  }
}

Result<std::string> body_of(net::HttpClientResponse& response, const std::optional<Range>& range) {
  if (!range) return std::move(response.body);
  // A server may ignore the range and send all.
  std::string_view body = response.body;
  if (response.status == 200) body.remove_prefix(std::min<size_t>(range->offset, body.size()));
  if (body.size() < range->length || (response.status != 200 && body.size() != range->length)) {
    return fail(Code::data_loss, "only ", body.size(), " of ", range->length, " bytes at ",
                range->offset);
  }
  if (body.size() == response.body.size()) {
    response.body.resize(range->length);
    return std::move(response.body);
  }
  return std::string(body.substr(0, range->length));
}

void ask_for(S3Call& call, const Range& range, size_t body_max) {
  uint64_t last = range.offset + range.length - 1;
  call.plain_headers.emplace_back("Range", str("bytes=", range.offset, "-", last));
  call.response_max = std::min<uint64_t>(body_max, std::max<uint64_t>(range.length, kErrorBytes));
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Of the object that an answer gives all or a range of: "bytes 0-4/10" tells 10.
std::optional<uint64_t> whole_size(const net::HttpClientResponse& response) {
  if (response.status == 200) return response.body.size();
  std::string_view range = response.header("content-range");
  size_t slash = range.find('/');
  return slash == std::string_view::npos ? std::nullopt : number_of(range.substr(slash + 1));
}

// One remove() of many keys: completes when the last of its requests has.
class Removal {
 public:
  explicit Removal(Done<std::vector<RemoveFailure>> done) : done_(std::move(done)) {}

  void expect(size_t requests) {
    state_.with([&](State& state) { state.left = requests; });
  }
  void add(RemoveFailure failure) {
    state_.with([&](State& state) { state.failures.push_back(std::move(failure)); });
  }
  void request_done() {
    auto result = state_.with([](State& state) -> std::optional<std::vector<RemoveFailure>> {
      if (--state.left > 0) return std::nullopt;
      return std::move(state.failures);
    });
    if (result) done_(*std::move(result));
  }

 private:
  struct State {
    std::vector<RemoveFailure> failures;
    size_t left = 0;
  };
  Done<std::vector<RemoveFailure>> done_;
  Guarded<State> state_;
};

}  // namespace

S3Options rustfs_options() {
  S3Options out;
  out.endpoint = "http://127.0.0.1:9000";
  out.bucket = "nokv";
  return out;
}

Credentials rustfs_credentials() {
  return Credentials{"rustfsadmin", Secret("rustfsadmin"), Secret(), std::nullopt,
                     "the rustfs development pair"};
}

bool is_loopback(std::string_view endpoint) {
  size_t scheme = endpoint.find("://");
  if (scheme != std::string_view::npos) endpoint.remove_prefix(scheme + 3);
  std::string_view host = endpoint.substr(0, endpoint.find('/'));
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host = host.substr(0, host.find(':'));
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  // "127.example.com" is a name, not an address.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

class S3Store::Core {
 public:
  explicit Core(std::shared_ptr<Sender> sender) : sender_(std::move(sender)) {}

  Sender& sender() { return *sender_; }
  const S3Options& options() const { return sender_->options(); }
  std::string full_key(std::string_view key) const {
    return options().prefix.empty() ? std::string(key) : str(options().prefix, "/", key);
  }
  std::string where(std::string_view what) const { return str(sender_->description(), ": ", what); }

  // The object's own request, or tells what is wrong with the key.
  template <class T>
  bool starts(S3Call& call, std::string_view verb, std::string method, const std::string& key,
              Clock::Instant deadline, Done<T>& done) {
    call.what = str(verb, " ", key);
    if (auto valid = check_key(full_key(key)); !valid || key.empty()) {
      Error error =
          valid ? Error(Code::invalid_argument, "the key is empty") : std::move(valid).error();
      done(std::unexpected(std::move(error).within(where(verb))));
      return false;
    }
    call.method = std::move(method);
    call.key = full_key(key);
    call.deadline = deadline;
    return true;
  }

  void remove_chunk(std::vector<std::string> keys, Clock::Instant deadline,
                    std::shared_ptr<Removal> removal);

 private:
  std::shared_ptr<Sender> sender_;
};

Result<std::unique_ptr<S3Store>> S3Store::create(S3Options options, net::HttpClient& http,
                                                 std::shared_ptr<CredentialsProvider> credentials,
                                                 const Clock& clock, Random& random,
                                                 Executor& timers) {
  while (options.prefix.ends_with('/')) options.prefix.pop_back();
  if (!options.prefix.empty()) NOKV_TRY(check_key(options.prefix));
  if (options.parallel_max < 1 || options.tries_max < 1) {
    return fail(Code::invalid_argument, "S3 needs at least one request at once and one try");
  }
  NOKV_ASSIGN(Place place, Place::of(options));
  // Asked for now, so that presign() has them; an error comes again with the first request.
  credentials->get(clock.now() + options.try_timeout, [](const Result<CredentialsPtr>&) {});
  auto sender =
      std::make_shared<Sender>(std::move(options), std::move(place), std::move(credentials),
                               S3Doors{http, clock, random, timers});
  return std::unique_ptr<S3Store>(new S3Store(std::make_shared<Core>(std::move(sender))));
}

S3Store::S3Store(std::shared_ptr<Core> core) : core_(std::move(core)) {}
S3Store::~S3Store() { core_->sender().close(); }

void S3Store::put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
                  Clock::Instant deadline, Done<> done) {
  S3Call call;
  if (!core_->starts(call, "put", "PUT", key, deadline, done)) return;
  if (body->size() > core_->options().body_max) {
    return done(fail(Code::invalid_argument, core_->where(call.what), ": ", body->size(),
                     " bytes are more than the limit of ", core_->options().body_max));
  }
  call.counter = &Counters::puts;
  describe(call, options);
  if (options.if_absent) call.signed_headers.emplace_back("if-none-match", "*");
  if (core_->options().checksums) {
    std::string checksum = base64_crc32c(options.crc32c ? *options.crc32c : crc32c(*body));
    call.signed_headers.emplace_back(kChecksum, checksum);
    call.signed_headers.emplace_back("x-amz-sdk-checksum-algorithm", "CRC32C");
    call.verify = [checksum](const net::HttpClientResponse& response) -> std::optional<Error> {
      std::string_view stored = response.header(kChecksum);
      if (stored.empty() || stored == checksum) return std::nullopt;
      return Error(Code::data_loss, str("the store has other bytes than were sent: crc32c ", stored,
                                        " instead of ", checksum));
    };
  }
  call.body = std::move(body);
  call.done = [done = std::move(done)](Result<net::HttpClientResponse> response) mutable {
    if (!response) return done(std::unexpected(std::move(response).error()));
    done({});
  };
  core_->sender().send(std::move(call));
}

void S3Store::get(std::string key, std::optional<Range> range, Clock::Instant deadline,
                  Done<std::string> done) {
  S3Call call;
  if (!core_->starts(call, "get", "GET", key, deadline, done)) return;
  if (range && range->length == 0) return done("");
  call.counter = &Counters::gets;
  call.response_max = core_->options().body_max;
  if (range) ask_for(call, *range, call.response_max);
  call.done = reading<std::string>(
      std::move(done), core_->where(call.what),
      [range](net::HttpClientResponse& response) { return body_of(response, range); });
  core_->sender().send(std::move(call));
}

// The store is asked to compare (If-Match), and what it answers is compared all the same.
void S3Store::get_same(std::string key, ObjectVersion version, Range range, Clock::Instant deadline,
                       Done<std::string> done) {
  S3Call call;
  if (!core_->starts(call, "get", "GET", key, deadline, done)) return;
  call.counter = &Counters::gets;
  ask_for(call, range, core_->options().body_max);
  call.plain_headers.emplace_back("If-Match", str("\"", version.etag, "\""));
  auto read = [version, range](net::HttpClientResponse& response) -> Result<std::string> {
    std::string_view etag = unquoted(response.header("etag"));
    if (etag != version.etag) {
      return fail(Code::aborted, "its ETag is ", etag, ", not ", version.etag);
    }
    if (auto size = whole_size(response); size != version.size) {
      return fail(Code::aborted, "it has another size than ", version.size, " bytes");
    }
    return body_of(response, range);
  };
  auto answered = reading<std::string>(std::move(done), core_->where(call.what), std::move(read));
  call.done = [answered = std::move(answered),
               version](Result<net::HttpClientResponse> response) mutable {
    // 412, which a put would take for a key that is taken.
    if (!response && response.error().code() == Code::already_exists) {
      response = std::unexpected(Error(
          Code::aborted, str(response.error().message(), ": its ETag is not ", version.etag)));
    }
    answered(std::move(response));
  };
  core_->sender().send(std::move(call));
}

void S3Store::head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) {
  S3Call call;
  if (!core_->starts(call, "head", "HEAD", key, deadline, done)) return;
  call.counter = &Counters::heads;
  auto read = [key](net::HttpClientResponse& response) -> Result<ObjectInfo> {
    ObjectInfo info{key, 0, std::string(unquoted(response.header("etag"))), 0};
    auto length = number_of(response.header("content-length"));
    if (!length) return fail(Code::data_loss, "the answer has no length");
    info.size = *length;
    if (auto time = parse_http_date(response.header("last-modified"))) {
      info.modified_ns = to_unix_ns(*time);
    }
    for (const auto& [name, value] : response.headers) {
      if (name.starts_with(kMetadata)) info.metadata[name.substr(kMetadata.size())] = value;
    }
    return info;
  };
  call.done = reading<ObjectInfo>(std::move(done), core_->where(call.what), std::move(read));
  core_->sender().send(std::move(call));
}

void S3Store::remove(std::vector<std::string> keys, Clock::Instant deadline,
                     Done<std::vector<RemoveFailure>> done) {
  auto removal = std::make_shared<Removal>(std::move(done));
  std::vector<std::vector<std::string>> chunks;
  for (std::string& key : keys) {
    if (auto valid = check_key(core_->full_key(key)); !valid) {
      removal->add({std::move(key), std::move(valid).error()});
      continue;
    }
    if (chunks.empty() || chunks.back().size() == kKeysPerDelete) chunks.emplace_back();
    chunks.back().push_back(std::move(key));
  }
  removal->expect(chunks.size() + 1);
  for (auto& chunk : chunks) core_->remove_chunk(std::move(chunk), deadline, removal);
  removal->request_done();
}

void S3Store::Core::remove_chunk(std::vector<std::string> keys, Clock::Instant deadline,
                                 std::shared_ptr<Removal> removal) {
  S3Call call;
  call.what = str("remove of ", keys.size(), " objects, the first ", keys.front());
  call.counter = &Counters::removes;
  call.method = "POST";
  call.query = {{"delete", ""}};
  call.deadline = deadline;
  call.response_max = kListBytesMax;
  std::vector<std::string> full;
  for (const std::string& key : keys) full.push_back(full_key(key));
  std::string body = write_delete(full);
  // Stores insist on one of the two.
  if (std::string digest = md5(body); !digest.empty()) {
    call.signed_headers.emplace_back("content-md5", base64(digest));
  } else {
    call.signed_headers.emplace_back(kChecksum, base64_crc32c(crc32c(body)));
  }
  call.plain_headers.emplace_back("Content-Type", "application/xml");
  call.body = std::make_shared<const std::string>(std::move(body));
  size_t cut = full.front().size() - keys.front().size();
  call.done = [removal = std::move(removal), keys = std::move(keys), cut,
               where = where(call.what)](Result<net::HttpClientResponse> response) {
    auto failed = [&](const Error& error) {
      for (const std::string& key : keys) removal->add({key, error});
    };
    if (!response) {
      failed(response.error());
    } else if (auto errors = read_delete_errors(response->body); !errors) {
      failed(std::move(errors).error().within(where));
    } else {
      for (const DeleteError& one : *errors) {
        if (one.error.code == "NoSuchKey" || one.key.size() < cut) continue;
        removal->add({one.key.substr(cut), error_of_key(one.error).within(where)});
      }
    }
    removal->request_done();
  };
  sender_->send(std::move(call));
}

void S3Store::list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
                   Done<ListPage> done) {
  limit = std::min(limit, kListMax);
  if (limit == 0) return done(ListPage{});
  S3Call call;
  call.what = str("list ", prefix);
  call.counter = &Counters::lists;
  call.method = "GET";
  call.query = {{"list-type", "2"},
                {"encoding-type", "url"},
                {"max-keys", std::to_string(limit)},
                {"prefix", core_->full_key(prefix)}};
  if (!after.empty()) call.query.emplace_back("start-after", core_->full_key(after));
  call.deadline = deadline;
  call.response_max = kListBytesMax;
  size_t cut = core_->full_key("").size();
  auto read = [prefix, after, cut](net::HttpClientResponse& response) -> Result<ListPage> {
    NOKV_ASSIGN(ListPage page, read_list(response.body));
    // What a store gives beyond what was asked would confuse whoever pages through it.
    std::erase_if(page.objects, [&](ObjectInfo& object) {
      object.key.erase(0, cut);
      return !object.key.starts_with(prefix) || object.key <= after;
    });
    std::ranges::sort(page.objects, {}, &ObjectInfo::key);
    return page;
  };
  call.done = reading<ListPage>(std::move(done), core_->where(call.what), std::move(read));
  core_->sender().send(std::move(call));
}

// ---- in parts

void S3Store::begin(std::string key, PutOptions options, Clock::Instant deadline,
                    Done<std::string> done) {
  S3Call call;
  if (!core_->starts(call, "begin", "POST", key, deadline, done)) return;
  call.counter = &Counters::puts;
  call.query = {{"uploads", ""}};
  describe(call, options);
  call.body = std::make_shared<const std::string>();
  call.done = reading<std::string>(
      std::move(done), core_->where(call.what),
      [](net::HttpClientResponse& response) { return read_upload(response.body); });
  core_->sender().send(std::move(call));
}

void S3Store::put_part(std::string key, std::string upload, uint32_t number,
                       std::shared_ptr<const std::string> body, Clock::Instant deadline,
                       Done<std::string> done) {
  S3Call call;
  if (!core_->starts(call, str("put part ", number, " of"), "PUT", key, deadline, done)) return;
  call.counter = &Counters::puts;
  call.query = {{"partNumber", std::to_string(number)}, {"uploadId", std::move(upload)}};
  // CRC-32C would have to be announced when it begins, and told again at its end.
  if (std::string digest = md5(*body); core_->options().checksums && !digest.empty()) {
    call.signed_headers.emplace_back("content-md5", base64(digest));
  }
  call.body = std::move(body);
  auto read = [](net::HttpClientResponse& response) -> Result<std::string> {
    if (std::string_view tag = response.header("etag"); !tag.empty()) return std::string(tag);
    return fail(Code::data_loss, "the answer has no ETag");
  };
  call.done = reading<std::string>(std::move(done), core_->where(call.what), std::move(read));
  core_->sender().send(std::move(call));
}

void S3Store::finish(std::string key, std::string upload, std::vector<std::string> tags,
                     Clock::Instant deadline, Done<> done) {
  S3Call call;
  if (!core_->starts(call, "finish", "POST", key, deadline, done)) return;
  call.counter = &Counters::puts;
  call.query = {{"uploadId", std::move(upload)}};
  call.plain_headers.emplace_back("Content-Type", "application/xml");
  call.body = std::make_shared<const std::string>(write_parts(tags));
  // The status is sent before the work is done: what came of it stands in the body.
  call.verify = [](const net::HttpClientResponse& response) -> std::optional<Error> {
    auto finished = check_finished(response.body);
    if (finished) return std::nullopt;
    return std::move(finished).error();
  };
  call.done = [done = std::move(done)](Result<net::HttpClientResponse> response) mutable {
    if (!response) return done(std::unexpected(std::move(response).error()));
    done({});
  };
  core_->sender().send(std::move(call));
}

void S3Store::abandon(std::string key, std::string upload, Clock::Instant deadline, Done<> done) {
  S3Call call;
  if (!core_->starts(call, "abandon", "DELETE", key, deadline, done)) return;
  call.counter = &Counters::removes;
  call.query = {{"uploadId", std::move(upload)}};
  call.done = [done = std::move(done)](Result<net::HttpClientResponse> response) mutable {
    if (!response) return done(std::unexpected(std::move(response).error()));
    done({});
  };
  core_->sender().send(std::move(call));
}

Result<std::optional<std::string>> S3Store::presign(std::string_view method, const std::string& key,
                                                    Duration valid) {
  static constexpr Duration kValidMax = std::chrono::days(7);
  NOKV_TRY(check_key(core_->full_key(key)));
  if ((method != "GET" && method != "PUT") || valid < std::chrono::seconds(1) ||
      valid > kValidMax) {
    return fail(Code::invalid_argument, "presign ", method, " ", key,
                ": only GET and PUT, for 1 second to 7 days");
  }
  CredentialsPtr credentials = core_->sender().credentials().cached();
  if (!credentials) {
    return fail(Code::unavailable, core_->where("presign "), key, ": no credentials yet");
  }
  const Place& place = core_->sender().place();
  SignableRequest request{
      std::string(method), place.host(), place.path(core_->full_key(key)), {}, {}};
  SigningContext context{*credentials, core_->options().region, core_->sender().clock().wall()};
  return place.url(request.path, presign_query(context, request, valid));
}

std::string S3Store::description() const { return core_->sender().description(); }
ObjectStore::Counters S3Store::counters() const { return core_->sender().counters(); }

}  // namespace nokv::object
