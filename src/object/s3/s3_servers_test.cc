// The suite and more against the real servers that tools/s3_server.sh lists.

#include <array>
#include <atomic>
#include <cstdio>
#include <map>

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_random.h"
#include "base/posix/testing/temp_dir.h"
#include "net/curl/curl_client.h"
#include "object/s3/probe.h"
#include "object/s3/s3_store.h"
#include "object/s3/sigv4.h"
#include "object/testing/object_store_suite.h"

namespace nokv::object {
namespace {

using namespace std::chrono_literals;

std::string output_of(const std::string& arguments) {
  std::string command = str("\"", NOKV_SOURCE_DIR, "/tools/s3_server.sh\" ", arguments);
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string out;
  std::array<char, 4096> buffer{};
  while (size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.append(buffer.data(), got);
  }
  ::pclose(pipe);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

Credentials test_credentials() {
  return {"testkey", Secret("testsecret123"), Secret(), std::nullopt, "test"};
}

// A server that runs as long as the test program.
class RealServer {
 public:
  explicit RealServer(const std::string& name)
      : url_(output_of(str("start ", name, " '", dir_ / "s3", "' ", ::getpid()))) {}
  ~RealServer() { output_of(str("stop '", dir_ / "s3", "'")); }
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;

  const std::string& url() const { return url_; }

  static RealServer& of(const std::string& name) {
    static std::map<std::string, std::unique_ptr<RealServer>> servers;
    auto& server = servers[name];
    if (!server) server = std::make_unique<RealServer>(name);
    return *server;
  }

 private:
  TempDir dir_;
  std::string url_;
};

// A bucket of its own on a real server.
struct S3UnderTest final : StoreUnderTest {
  explicit S3UnderTest(const std::string& server_name, std::string prefix = "") {
    static std::atomic<int> buckets = 0;
    refuses_wrong_checksums = server_name != "rgw";
    has_urls = true;
    has_etags = true;
    options.endpoint = RealServer::of(server_name).url();
    options.bucket = str("bucket-", ++buckets);
    options.prefix = std::move(prefix);
    make_bucket();
    s3 = S3Store::create(options, http, fixed_credentials(test_credentials()), real_clock, random,
                         *timers)
             .value();
  }

  void make_bucket() {
    std::string host = options.endpoint.substr(options.endpoint.find("://") + 3);
    Credentials credentials = test_credentials();
    SignableRequest bucket{"PUT", host, "/" + options.bucket, {}, {}};
    net::HttpClientRequest request;
    request.method = "PUT";
    request.url = options.endpoint + bucket.path;
    request.headers =
        sign_headers({credentials, "us-east-1", real_clock.wall()}, bucket, kUnsignedPayload);
    request.body = std::make_shared<const std::string>();
    EXPECT_EQ(send(std::move(request)).value().status, 200);
  }

  Result<net::HttpClientResponse> send(net::HttpClientRequest request) {
    Waiter<net::HttpClientResponse> waiter;
    request.deadline = real_clock.now() + 20s;
    http.send(std::move(request), waiter.done());
    return waiter.wait();
  }

  ObjectStore& store() override { return *s3; }
  const Clock& clock() override { return real_clock; }

  PosixClock real_clock;
  PosixRandom random;
  PosixExecutors executors;
  std::unique_ptr<Executor> timers = executors.serial("timers");
  net::CurlClient http{real_clock, executors};
  S3Options options;
  std::unique_ptr<S3Store> s3;
};

std::vector<std::string> server_names() {
  std::vector<std::string> out;
  std::string list = output_of("list");
  for (size_t begin = 0; begin < list.size();) {
    size_t end = std::min(list.find_first_of(" ,\n", begin), list.size());
    if (end > begin) out.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  // Serves the refusal test only: it does not keep what it promises.
  std::erase(out, "s3s-fs");
  return out;
}

std::vector<StoreCase> cases() {
  std::vector<StoreCase> out;
  for (const std::string& name : server_names()) {
    out.push_back({name, [name] { return std::make_unique<S3UnderTest>(name); }});
    out.push_back(
        {name + "_prefix", [name] { return std::make_unique<S3UnderTest>(name, "p/q"); }});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreSuite, testing::ValuesIn(cases()),
                         [](const auto& store) { return store.param.name; });

class S3Servers : public testing::TestWithParam<std::string> {
 protected:
  Result<> put(const std::string& key, const std::string& body) {
    Waiter<> waiter;
    env.s3->put(key, std::make_shared<const std::string>(body), {}, env.real_clock.now() + 20s,
                waiter.done());
    return waiter.wait();
  }

  S3UnderTest env{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(S3, S3Servers, testing::ValuesIn(server_names()),
                         [](const auto& server) { return server.param; });

TEST_P(S3Servers, APresignedUrlReadsAndWritesItsKeyOnly) {
  std::string key = "signed/a b+c";
  net::HttpClientRequest upload;
  upload.method = "PUT";
  upload.url = env.s3->presign("PUT", key, 1min).value().value();
  upload.body = std::make_shared<const std::string>("through the URL");
  EXPECT_EQ(env.send(upload).value().status, 200);
  net::HttpClientRequest download;
  download.method = "GET";
  download.url = env.s3->presign("GET", key, 1min).value().value();
  EXPECT_EQ(env.send(download).value().body, "through the URL");
  upload.url = download.url;
  EXPECT_EQ(env.send(upload).value().status, 403);
  size_t at = download.url.find("signed/");
  download.url.replace(at, 6, "other0");
  EXPECT_GE(env.send(download).value().status, 403);
}

TEST_P(S3Servers, AnObjectIsPutInPartsAndKeepsItsMetadata) {
  PutOptions described;
  described.content_type = "text/plain";
  described.metadata = {{"nokv-body", "sha256:ab"}, {"mtime", "1.5"}};
  std::string whole(PartedPuts::kPartBytesMin, 'a');
  PartedPuts& parts = *env.s3->parted_puts();
  auto soon = [&] { return env.real_clock.now() + 20s; };
  Waiter<std::string> begun;
  parts.begin("big", described, soon(), begun.done());
  std::string upload = begun.wait().value();
  std::vector<std::string> tags;
  for (const std::string& bytes : {whole, std::string("the end")}) {
    Waiter<std::string> put;
    parts.put_part("big", upload, static_cast<uint32_t>(tags.size() + 1),
                   std::make_shared<const std::string>(bytes), soon(), put.done());
    tags.push_back(put.wait().value());
  }
  Waiter<ObjectInfo> before;
  env.s3->head("big", soon(), before.done());
  EXPECT_EQ(before.wait().error().code(), Code::not_found);
  Waiter<> finished;
  parts.finish("big", upload, tags, soon(), finished.done());
  auto result = finished.wait();
  ASSERT_TRUE(result) << result.error().message();
  Waiter<ObjectInfo> head;
  env.s3->head("big", soon(), head.done());
  ObjectInfo info = head.wait().value();
  EXPECT_EQ(info.size, whole.size() + 7);
  EXPECT_EQ(info.metadata, described.metadata);
  Waiter<std::string> read;
  env.s3->get("big", {}, soon(), read.done());
  EXPECT_EQ(read.wait().value(), whole + "the end");
}

TEST_P(S3Servers, PartsThatAreAbandonedMakeNoObject) {
  PartedPuts& parts = *env.s3->parted_puts();
  auto soon = [&] { return env.real_clock.now() + 20s; };
  Waiter<std::string> begun;
  parts.begin("big", {}, soon(), begun.done());
  std::string upload = begun.wait().value();
  Waiter<std::string> put;
  parts.put_part("big", upload, 1, std::make_shared<const std::string>("x"), soon(), put.done());
  std::string tag = put.wait().value();
  Waiter<> abandoned;
  parts.abandon("big", upload, soon(), abandoned.done());
  EXPECT_TRUE(abandoned.wait());
  Waiter<> finished;
  parts.finish("big", upload, {tag}, soon(), finished.done());
  EXPECT_FALSE(finished.wait());
}

TEST_P(S3Servers, TheProbePasses) {
  for (const ProbeCheck& check : probe(*env.s3, env.real_clock, env.random, 30s)) {
    EXPECT_TRUE(check.passed) << check.name << ": " << check.detail;
  }
}

TEST_P(S3Servers, AWrongBucketAndAWrongKeyAreNamed) {
  ASSERT_TRUE(put("k", "x"));
  env.options.bucket = "no-such-bucket";
  env.s3 = S3Store::create(env.options, env.http, fixed_credentials(test_credentials()),
                           env.real_clock, env.random, *env.timers)
               .value();
  auto result = put("k", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::not_found);
  EXPECT_THAT(result.error().message(), testing::HasSubstr("NoSuchBucket"));
  Credentials wrong = test_credentials();
  wrong.secret_key = Secret("not-the-key");
  env.s3 = S3Store::create(env.options, env.http, fixed_credentials(wrong), env.real_clock,
                           env.random, *env.timers)
               .value();
  result = put("k", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::permission_denied) << result.error().message();
  EXPECT_THAT(result.error().message(), testing::Not(testing::HasSubstr("not-the-key")));
}

TEST_P(S3Servers, VirtualHostAddressingWorksToo) {
  std::string port = env.options.endpoint.substr(env.options.endpoint.rfind(':'));
  env.options.endpoint = "http://s3.localhost" + port;
  env.options.addressing = Addressing::virtual_host;
  env.s3 = S3Store::create(env.options, env.http, fixed_credentials(test_credentials()),
                           env.real_clock, env.random, *env.timers)
               .value();
  auto result = put("k", "x");
  EXPECT_TRUE(result) << result.error().message();
}

}  // namespace
}  // namespace nokv::object
