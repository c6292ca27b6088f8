#include "object/s3/s3_store.h"

#include <atomic>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "base/posix/posix_files.h"
#include "base/posix/posix_random.h"
#include "base/posix/testing/temp_dir.h"
#include "codec/crc32c.h"
#include "net/curl/curl_client.h"
#include "net/testing/script_http_server.h"
#include "object/memory_store.h"
#include "object/s3/dates.h"
#include "object/s3/digest.h"
#include "object/s3/probe.h"
#include "object/waiter.h"

namespace nokv::object {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Server = net::ScriptHttpServer;

// "20130524T000000Z" with its dashes and colons.
std::string amz_iso(WallTime time) {
  std::string text = amz_date(time);
  for (size_t at : {4U, 7U}) text.insert(at, "-");
  for (size_t at : {13U, 16U}) text.insert(at, ":");
  return text;
}

std::string error_xml(std::string_view code) {
  return str("<Error><Code>", code, "</Code><Message>because</Message></Error>");
}

// An S3Store in front of a server that answers as the test says.
class S3StoreTest : public testing::Test {
 protected:
  void serve(Server::Answer answer) {
    server = std::make_unique<Server>([this, answer = std::move(answer)](const Server::Request& r) {
      ++requests;
      return answer(r);
    });
    options.endpoint = server->url();
    open();
  }

  void open() {
    store = S3Store::create(options, http, credentials, clock, random, *timers).value();
  }

  // What a server that does not answer does: returns when the test is over.
  std::string hang() {
    while (!over) std::this_thread::yield();
    return {};
  }

  void TearDown() override {
    over = true;
    store.reset();
    server.reset();
  }

  Clock::Instant soon() { return clock.now() + deadline; }
  Result<> put(const std::string& key, const std::string& body, PutOptions put_options = {}) {
    Waiter<> waiter;
    store->put(key, std::make_shared<const std::string>(body), put_options, soon(), waiter.done());
    return waiter.wait();
  }
  Result<std::string> get(const std::string& key, std::optional<Range> range = {}) {
    Waiter<std::string> waiter;
    store->get(key, range, soon(), waiter.done());
    return waiter.wait();
  }
  Result<std::vector<RemoveFailure>> remove(std::vector<std::string> keys) {
    Waiter<std::vector<RemoveFailure>> waiter;
    store->remove(std::move(keys), soon(), waiter.done());
    return waiter.wait();
  }

  Duration deadline = 20s;
  S3Options options = [] {
    S3Options out;
    out.bucket = "bucket";
    out.prefix = "pre/fix";
    out.pause_min = 1ms;
    out.pause_max = 2ms;
    return out;
  }();
  std::atomic<int> requests = 0;
  std::atomic<bool> over = false;
  PosixClock clock;
  PosixRandom random;
  PosixFiles files;
  PosixExecutors executors;
  std::unique_ptr<Executor> timers = executors.serial("timers");
  std::shared_ptr<CredentialsProvider> credentials =
      fixed_credentials({"id", Secret("very-secret"), Secret("session"), std::nullopt, "test"});
  net::CurlClient http{clock, executors};
  std::unique_ptr<Server> server;
  std::unique_ptr<S3Store> store;
};

TEST_F(S3StoreTest, APutIsSignedCheckedAndUnderThePrefix) {
  std::mutex mutex;
  Server::Request seen;
  serve([&](const Server::Request& r) {
    std::lock_guard lock(mutex);
    seen = r;
    return Server::reply(200, "");
  });
  ASSERT_TRUE(put("a b", "123456789", {.if_absent = true, .crc32c = {}}));
  std::lock_guard lock(mutex);
  EXPECT_THAT(seen.head, HasSubstr("PUT /bucket/pre/fix/a%20b HTTP/1.1\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("x-amz-checksum-crc32c: 4waSgw==\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("x-amz-security-token: session\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("if-none-match: *\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("authorization: AWS4-HMAC-SHA256 Credential=id/"));
  EXPECT_THAT(seen.head, Not(HasSubstr("very-secret")));
  EXPECT_EQ(seen.body, "123456789");
}

TEST_F(S3StoreTest, WhatDescribesAnObjectIsSent) {
  std::mutex mutex;
  std::string head;
  serve([&](const Server::Request& r) {
    std::lock_guard lock(mutex);
    head = r.head;
    return Server::reply(200, "");
  });
  PutOptions put_options;
  put_options.content_type = "text/csv";
  put_options.metadata = {{"mtime", "1.5"}};
  ASSERT_TRUE(put("k", "x", put_options));
  std::lock_guard lock(mutex);
  EXPECT_THAT(head, HasSubstr("content-type: text/csv\r\n"));
  EXPECT_THAT(head, HasSubstr("x-amz-meta-mtime: 1.5\r\n"));
  EXPECT_THAT(head, HasSubstr("SignedHeaders=content-type;host;"));
}

TEST_F(S3StoreTest, AnErrorInAGoodAnswerToTheLastPartIsAnError) {
  serve([&](const Server::Request& r) {
    EXPECT_EQ(r.body,
              "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part>"
              "<PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag></Part>"
              "</CompleteMultipartUpload>");
    // First it fails late; the second try finds it done.
    return requests == 1 ? Server::reply(200, error_xml("InternalError"))
                         : Server::reply(404, error_xml("NoSuchUpload"));
  });
  Waiter<> finished;
  store->finish("k", "upload", {"\"e\""}, soon(), finished.done());
  auto result = finished.wait();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::not_found);
  EXPECT_EQ(result.error().outcome(), Outcome::maybe_done);
  EXPECT_EQ(requests, 2);
}

TEST_F(S3StoreTest, VirtualHostAddressingPutsTheBucketIntoTheHost) {
  std::mutex mutex;
  std::string head;
  serve([&](const Server::Request& r) {
    std::lock_guard lock(mutex);
    head = r.head;
    return Server::reply(200, "x");
  });
  std::string port = options.endpoint.substr(options.endpoint.rfind(':'));
  options.endpoint = "http://s3.localhost" + port;
  options.addressing = Addressing::virtual_host;
  open();
  ASSERT_TRUE(get("k"));
  std::lock_guard lock(mutex);
  EXPECT_THAT(head, HasSubstr("GET /pre/fix/k HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Host: bucket.s3.localhost" + port + "\r\n"));
}

TEST_F(S3StoreTest, TroubleThatPassesIsTriedAgain) {
  serve([&](const Server::Request&) {
    switch (requests) {
      case 1:
        return std::string();  // closes the connection
      case 2:
        return Server::reply(503, error_xml("SlowDown"));
      case 3:
        return Server::reply(500, error_xml("InternalError"));
      case 4:
        return Server::reply(400, error_xml("RequestTimeout"));
      default:
        return Server::reply(200, "");
    }
  });
  auto result = put("k", "x");
  EXPECT_TRUE(result) << result.error().message();
  EXPECT_EQ(requests, 5);
  EXPECT_EQ(store->counters().retries, 4U);
  EXPECT_EQ(store->counters().puts, 5U);
}

TEST_F(S3StoreTest, TroubleThatDoesNotPassIsUnavailableAfterTheTries) {
  serve([](const Server::Request&) { return Server::reply(503, error_xml("SlowDown")); });
  options.tries_max = 3;
  open();
  auto result = put("k", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::unavailable);
  EXPECT_EQ(result.error().outcome(), Outcome::maybe_done);
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(result.error().message(), "s3 bucket bucket at " + options.endpoint +
                                          ": put k: 503 SlowDown: because, after 3 tries");
}

TEST_F(S3StoreTest, ATruncatedBodyIsReadAgainAndNeverReturned) {
  serve([&](const Server::Request&) {
    if (requests < 3) {
      return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n01234");
    }
    return Server::reply(200, "0123456789");
  });
  EXPECT_EQ(get("k").value(), "0123456789");
  options.tries_max = 1;
  open();
  requests = 0;
  auto result = get("k");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::data_loss);
}

TEST_F(S3StoreTest, AServerThatIsTooSlowIsCancelledAtTheDeadline) {
  serve([this](const Server::Request&) { return hang(); });
  deadline = 60ms;
  auto result = put("k", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::cancelled) << result.error().message();
  EXPECT_EQ(result.error().outcome(), Outcome::maybe_done);
}

TEST_F(S3StoreTest, WhatTheServerAnsweredLastIsToldWhenTheTimeIsOver) {
  serve([this](const Server::Request&) {
    if (requests == 1) return Server::reply(503, error_xml("SlowDown"));
    return hang();
  });
  deadline = 200ms;
  auto result = get("k");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::unavailable);
  EXPECT_NE(result.error().message().find("503 SlowDown"), std::string::npos)
      << result.error().message();
}

TEST_F(S3StoreTest, ATryThatIsTooSlowIsGivenUpForAnotherOne) {
  serve([this](const Server::Request&) {
    if (requests == 1) return hang();
    return Server::reply(200, "x");
  });
  options.try_timeout = 50ms;
  open();
  EXPECT_EQ(get("k").value(), "x");
}

TEST_F(S3StoreTest, CallsThatWaitForTheirTurnEndAtTheirDeadline) {
  serve([this](const Server::Request&) { return hang(); });
  options.parallel_max = 1;
  open();
  Waiter<std::string> first;
  Waiter<std::string> second;
  store->get("a", std::nullopt, clock.now() + 20s, first.done());
  store->get("b", std::nullopt, clock.now() + 30ms, second.done());
  auto result = second.wait();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::cancelled);
  EXPECT_FALSE(first.ready());
  Waiter<std::string> third;
  store->get("c", std::nullopt, clock.now() + 20s, third.done());
  store.reset();
  EXPECT_EQ(third.wait().error().code(), Code::cancelled);
}

TEST_F(S3StoreTest, NobodyListeningIsUnavailableAndNothingWasDone) {
  options.endpoint = "http://127.0.0.1:1";
  open();
  auto result = put("k", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::unavailable);
  EXPECT_EQ(result.error().outcome(), Outcome::not_done);
  EXPECT_THAT(result.error().message(), HasSubstr("put k"));
}

TEST_F(S3StoreTest, AWrongBucketIsToldApartFromAMissingObject) {
  serve([](const Server::Request& r) {
    return Server::reply(404, error_xml(r.says("/lost") ? "NoSuchKey" : "NoSuchBucket"));
  });
  auto bucket = get("k");
  ASSERT_FALSE(bucket);
  EXPECT_EQ(bucket.error().code(), Code::not_found);
  EXPECT_THAT(bucket.error().message(), HasSubstr("NoSuchBucket"));
  EXPECT_FALSE(bucket.error().hint().empty());
  EXPECT_THAT(get("lost").error().message(), HasSubstr("NoSuchKey"));
  EXPECT_EQ(requests, 2);
}

TEST_F(S3StoreTest, AStoreThatKeptOtherBytesIsDataLoss) {
  serve([](const Server::Request&) {
    return Server::reply(200, "",
                         "x-amz-checksum-crc32c: " + base64_crc32c(crc32c("12345")) + "\r\n");
  });
  options.tries_max = 2;
  open();
  EXPECT_TRUE(put("k", "12345"));
  auto result = put("k", "123456789");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::data_loss);
  EXPECT_EQ(result.error().outcome(), Outcome::maybe_done);
}

TEST_F(S3StoreTest, AConditionalPutTriedTwiceDoesNotKnowWhoseTheObjectIs) {
  serve([&](const Server::Request&) {
    return requests % 2 == 1 ? std::string() : Server::reply(412, error_xml("PreconditionFailed"));
  });
  auto result = put("k", "x", {.if_absent = true, .crc32c = {}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::already_exists);
  EXPECT_EQ(result.error().outcome(), Outcome::maybe_done);
}

TEST_F(S3StoreTest, AWrongClockIsNamed) {
  serve([](const Server::Request&) {
    return Server::reply(403, error_xml("RequestTimeTooSkewed"),
                         "Date: Fri, 24 May 2013 00:00:00 GMT\r\n");
  });
  auto result = put("k", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::failed_precondition);
  EXPECT_THAT(result.error().message(), HasSubstr("Fri, 24 May 2013"));
  EXPECT_THAT(result.error().hint(), HasSubstr("clock"));
}

TEST_F(S3StoreTest, AFullStoreAndARefusedKeyHaveTheirOwnCodes) {
  serve([](const Server::Request& r) {
    return r.says("/full") ? Server::reply(507, "") : Server::reply(403, error_xml("AccessDenied"));
  });
  EXPECT_EQ(put("full", "x").error().code(), Code::resource_exhausted);
  EXPECT_EQ(put("k", "x").error().code(), Code::permission_denied);
}

TEST_F(S3StoreTest, ARangeThatTheServerIgnoredIsCutOut) {
  serve([](const Server::Request&) { return Server::reply(200, "0123456789"); });
  EXPECT_EQ(get("k", Range{3, 4}).value(), "3456");
  EXPECT_EQ(get("k", Range{8, 4}).error().code(), Code::data_loss);
}

// Also by a server that does not know If-Match.
TEST_F(S3StoreTest, AnObjectThatIsAnotherOneIsNotReadWhateverTheServerAnswers) {
  std::mutex mutex;
  std::string answer;
  std::string head;
  auto now = [&](std::string text) {
    std::lock_guard lock(mutex);
    answer = std::move(text);
  };
  serve([&](const Server::Request& r) {
    std::lock_guard lock(mutex);
    head = r.head;
    return answer;
  });
  auto read = [&] {
    Waiter<std::string> waiter;
    store->get_same("k", {"tag", 10}, {3, 4}, soon(), waiter.done());
    return waiter.wait();
  };
  constexpr std::string_view kRange = "Content-Range: bytes 3-6/10\r\n";
  now(Server::reply(206, "3456", str("ETag: \"tag\"\r\n", kRange)));
  EXPECT_EQ(read().value(), "3456");
  {
    std::lock_guard lock(mutex);
    EXPECT_THAT(head, HasSubstr("If-Match: \"tag\"\r\n"));
    EXPECT_THAT(head, HasSubstr("Range: bytes=3-6\r\n"));
  }
  now(Server::reply(200, "0123456789", "ETag: \"tag\"\r\n"));
  EXPECT_EQ(read().value(), "3456");
  now(Server::reply(412, error_xml("PreconditionFailed")));
  EXPECT_EQ(read().error().code(), Code::aborted);
  now(Server::reply(206, "3456", str("ETag: \"other\"\r\n", kRange)));
  EXPECT_EQ(read().error().code(), Code::aborted);
  now(Server::reply(206, "3456", kRange));
  EXPECT_EQ(read().error().code(), Code::aborted);
  for (const char* range : {"bytes 3-6/11", "bytes 3-6/*", "bytes 3-6", ""}) {
    now(Server::reply(206, "3456", str("ETag: \"tag\"\r\nContent-Range: ", range, "\r\n")));
    EXPECT_EQ(read().error().code(), Code::aborted) << range;
  }
  now(Server::reply(200, "01234567890", "ETag: \"tag\"\r\n"));
  EXPECT_EQ(read().error().code(), Code::aborted);
}

TEST_F(S3StoreTest, KeysThatCouldNotBeRemovedAreNamed) {
  serve([](const Server::Request& r) {
    EXPECT_TRUE(r.says("POST /bucket?delete= "));
    EXPECT_TRUE(r.says("content-md5: "));
    return Server::reply(200,
                         "<DeleteResult><Error><Key>pre/fix/b</Key><Code>AccessDenied</Code>"
                         "</Error></DeleteResult>");
  });
  auto failures = remove({"a", "b", "../c"});
  ASSERT_TRUE(failures);
  ASSERT_EQ(failures->size(), 2U);
  EXPECT_EQ((*failures)[0].key, "../c");
  EXPECT_EQ((*failures)[1].key, "b");
  EXPECT_EQ((*failures)[1].error.code(), Code::permission_denied);
}

TEST_F(S3StoreTest, ExpiredKeysAreFetchedAgain) {
  TempDir dir;
  auto write = [&](const std::string& id) {
    ASSERT_TRUE(
        write_file_atomic(files, dir / "credentials",
                          str("[default]\naws_access_key_id=", id, "\naws_secret_access_key=s\n")));
  };
  write("old");
  Variables variables = [&](const std::string& name) {
    return name == "AWS_SHARED_CREDENTIALS_FILE" ? dir / "credentials" : "";
  };
  credentials =
      credential_chain(clock, files, http, {.variables = variables, .home = "", .preset = {}});
  serve([&](const Server::Request& r) {
    if (r.says("Credential=new/")) return Server::reply(200, "");
    write("new");
    return Server::reply(400, error_xml("ExpiredToken"));
  });
  auto result = put("k", "x");
  EXPECT_TRUE(result) << result.error().message();
  EXPECT_EQ(requests, 2);
}

class CredentialChainTest : public S3StoreTest {
 protected:
  Result<CredentialsPtr> find() {
    ChainOptions chain{.variables = [this](const std::string& name) { return variables[name]; },
                       .home = dir.path(),
                       .preset = preset,
                       .metadata_url = metadata_url};
    credentials = credential_chain(clock, files, http, chain);
    Waiter<CredentialsPtr> waiter;
    credentials->get(soon(), waiter.done());
    return waiter.wait();
  }

  std::map<std::string, std::string> variables;
  std::optional<Credentials> preset;
  std::string metadata_url;
  TempDir dir;
};

TEST_F(CredentialChainTest, NoneAtAllIsPermissionDeniedWithAHint) {
  auto none = find();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Code::permission_denied);
  EXPECT_THAT(none.error().hint(), HasSubstr("AWS_ACCESS_KEY_ID"));
  options.endpoint = "http://127.0.0.1:1";
  open();
  EXPECT_EQ(put("k", "x").error().code(), Code::permission_denied);
  EXPECT_EQ(store->presign("GET", "k", 1min).error().code(), Code::unavailable);
}

TEST_F(CredentialChainTest, EnvironmentThenFilesThenPreset) {
  preset = rustfs_credentials();
  EXPECT_EQ(find().value()->access_key_id, "rustfsadmin");
  ASSERT_TRUE(files.make_dirs(dir / ".aws"));
  ASSERT_TRUE(write_file_atomic(files, dir / ".aws/config",
                                "[profile p]\nregion=r\naws_access_key_id=P\n"
                                "[default]\naws_access_key_id=D\naws_secret_access_key=d\n"));
  ASSERT_TRUE(write_file_atomic(files, dir / ".aws/credentials", "[p]\naws_secret_access_key=p\n"));
  EXPECT_EQ(find().value()->access_key_id, "D");
  variables["AWS_PROFILE"] = "p";
  EXPECT_EQ(find().value()->secret_key.reveal(), "p");
  EXPECT_EQ(configured_region(
                files, [this](const std::string& n) { return variables[n]; }, dir.path()),
            "r");
  variables["AWS_PROFILE"] = "missing";
  EXPECT_THAT(find().error().message(), HasSubstr("'missing'"));
  variables["AWS_ACCESS_KEY_ID"] = "E";
  variables["AWS_SECRET_ACCESS_KEY"] = "e";
  variables["AWS_SESSION_TOKEN"] = "t";
  auto found = find().value();
  EXPECT_EQ(found->access_key_id, "E");
  EXPECT_EQ(found->session_token.reveal(), "t");
}

TEST_F(CredentialChainTest, TheMachinesRoleIsAskedWithATokenAndRenewedBeforeItExpires) {
  std::atomic<int> keys = 0;
  Server metadata([&](const Server::Request& r) {
    if (r.says("PUT /latest/api/token")) return Server::reply(200, "TOKEN");
    if (!r.says("X-aws-ec2-metadata-token: TOKEN")) return Server::reply(401, "");
    if (!r.says("/security-credentials/role ")) return Server::reply(200, "role\n");
    // The first key ends within the five minutes, so asking for it fetches the next one.
    auto expires = amz_iso(clock.wall() + (++keys == 1 ? Duration(1min) : Duration(1h)));
    return Server::reply(200, str("{\"AccessKeyId\" : \"K", keys.load(),
                                  "\", \"SecretAccessKey\" : \"S\", \"Token\" : \"T\", "
                                  "\"Expiration\" : \"",
                                  expires, "\"}"));
  });
  metadata_url = metadata.url();
  auto first = find();
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ((*first)->access_key_id, "K1");
  EXPECT_EQ((*first)->session_token.reveal(), "T");
  while (credentials->cached()->access_key_id == "K1") {
    Waiter<CredentialsPtr> waiter;
    credentials->get(soon(), waiter.done());
    ASSERT_TRUE(waiter.wait());
    std::this_thread::yield();
  }
  EXPECT_EQ(credentials->cached()->access_key_id, "K2");
  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_FALSE(find());
}

TEST(RustfsPreset, IsForThisMachine) {
  EXPECT_TRUE(is_loopback(rustfs_options().endpoint));
  EXPECT_TRUE(is_loopback("https://localhost:1/"));
  EXPECT_TRUE(is_loopback("http://[::1]:9000"));
  EXPECT_FALSE(is_loopback("http://127.example.com"));
  EXPECT_FALSE(is_loopback("https://s3.amazonaws.com"));
}

TEST_F(S3StoreTest, OptionsThatCannotWorkAreRefused) {
  for (std::string endpoint :
       {"127.0.0.1:9000", "ftp://x", "http://", "http://a/b", "http://u@h"}) {
    options.endpoint = endpoint;
    EXPECT_FALSE(S3Store::create(options, http, credentials, clock, random, *timers)) << endpoint;
  }
  options.endpoint = "";
  options.bucket = "a/b";
  EXPECT_FALSE(S3Store::create(options, http, credentials, clock, random, *timers));
}

TEST_F(S3StoreTest, AmazonIsReachedThroughTheBucketsOwnHost) {
  options.region = "eu-central-1";
  open();
  EXPECT_THAT(store->presign("GET", "k", 1min).value().value(),
              HasSubstr("https://bucket.s3.eu-central-1.amazonaws.com/pre/fix/k?X-Amz-Algorithm"));
  EXPECT_FALSE(store->presign("DELETE", "k", 1min));
  EXPECT_FALSE(store->presign("GET", "k", 24h * 8));
}

TEST(Probe, PassesAGoodStoreAndNamesWhatABadOneDoes) {
  PosixClock clock;
  PosixRandom random;
  PosixExecutors executors;
  auto executor = executors.serial("memory");
  MemoryStore memory(*executor, clock);
  for (const ProbeCheck& check : probe(memory, clock, random, 20s)) {
    EXPECT_TRUE(check.passed) << check.name << ": " << check.detail;
  }
  EXPECT_EQ(memory.object_count(), 0U);
  memory.fail_next(1, Error(Code::permission_denied, "403 AccessDenied"));
  auto checks = probe(memory, clock, random, 20s);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_FALSE(checks[0].passed);
  EXPECT_THAT(checks[0].detail, HasSubstr("AccessDenied"));
}

// Conditions are the one thing that a store may lack without saying so.
TEST_F(S3StoreTest, AStoreThatIgnoresConditionsIsRecognised) {
  std::mutex mutex;
  std::map<std::string, std::string> objects;
  serve([&](const Server::Request& r) {
    std::lock_guard lock(mutex);
    size_t begin = r.head.find(' ') + 1;
    std::string path = r.head.substr(begin, r.head.find(' ', begin) - begin);
    if (r.says("PUT ")) {
      objects[path] = r.body;
      return Server::reply(200, "");
    }
    return objects.contains(path) ? Server::reply(200, objects[path])
                                  : Server::reply(404, error_xml("NoSuchKey"));
  });
  int failed = 0;
  for (const ProbeCheck& check : probe(*store, clock, random, 20s)) {
    bool conditional = check.name == "conditional create" || check.name == "exclusive create";
    if (!conditional) continue;
    ++failed;
    EXPECT_FALSE(check.passed) << check.name;
  }
  EXPECT_EQ(failed, 2);
}

}  // namespace
}  // namespace nokv::object
