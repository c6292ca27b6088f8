#include "net/curl/curl_client.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/posix/posix_clock.h"
#include "base/posix/posix_executors.h"
#include "net/testing/script_http_server.h"

namespace nokv::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Server = ScriptHttpServer;

class CurlClientTest : public testing::Test {
 protected:
  using Answer = std::unique_ptr<Result<HttpClientResponse>>;

  // Waits until `count` more requests have completed.
  void wait(std::vector<Answer>& answers) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] {
      return std::ranges::all_of(answers, [](const Answer& a) { return a != nullptr; });
    });
  }

  void start(const HttpClientRequest& request, Answer& answer) {
    client->send(request, [this, &answer](Result<HttpClientResponse> result) {
      std::lock_guard lock(mutex);
      answer = std::make_unique<Result<HttpClientResponse>>(std::move(result));
      changed.notify_all();
    });
  }

  Result<HttpClientResponse> run(const HttpClientRequest& request) {
    std::vector<Answer> answers(1);
    start(request, answers[0]);
    wait(answers);
    return std::move(*answers[0]);
  }

  HttpClientRequest request(const std::string& method, const std::string& url,
                            std::optional<std::string> body = std::nullopt) {
    HttpClientRequest out;
    out.method = method;
    out.url = url;
    if (body) out.body = std::make_shared<const std::string>(*std::move(body));
    out.deadline = clock.now() + 20s;
    return out;
  }

  std::mutex mutex;
  std::condition_variable changed;
  PosixClock clock;
  PosixExecutors executors;
  std::unique_ptr<CurlClient> client = std::make_unique<CurlClient>(clock, executors);
};

TEST_F(CurlClientTest, SendsMethodHeadersAndBodyAsGiven) {
  Server server([](const Server::Request& r) {
    return Server::reply(201, r.head + "|" + r.body, "X-Answer:  a b \r\n");
  });
  auto put = request("PUT", server.url() + "/a/../b%20c?q=1&z", std::string(100'000, 'x'));
  put.headers = {{"X-One", "1"}, {"X-Empty", ""}};
  auto answer = run(put);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->header("x-answer"), "a b");
  EXPECT_THAT(answer->body, HasSubstr("PUT /a/../b%20c?q=1&z HTTP/1.1\r\n"));
  EXPECT_THAT(answer->body, HasSubstr("X-One: 1\r\n"));
  EXPECT_THAT(answer->body, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(answer->body, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_THAT(answer->body, Not(HasSubstr("Expect")));
  EXPECT_THAT(answer->body, HasSubstr("|" + std::string(100'000, 'x')));
}

TEST_F(CurlClientTest, AnEmptyBodyAndNoBodyAreSentAsSuch) {
  Server server([](const Server::Request& r) { return Server::reply(200, r.head); });
  auto put = run(request("PUT", server.url() + "/", ""));
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_THAT(put->body, HasSubstr("Content-Length: 0\r\n"));
  auto get = run(request("GET", server.url() + "/"));
  ASSERT_TRUE(get);
  EXPECT_THAT(get->body, Not(HasSubstr("Content-Length")));
  auto post = run(request("POST", server.url() + "/?delete", "<x/>"));
  ASSERT_TRUE(post);
  EXPECT_THAT(post->body, Not(HasSubstr("Content-Type")));
}

TEST_F(CurlClientTest, AHeadHasALengthAndNoBody) {
  Server server([](const Server::Request&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
  });
  auto head = run(request("HEAD", server.url() + "/x"));
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(head->header("content-length"), "1234");
  EXPECT_EQ(head->body, "");
}

TEST_F(CurlClientTest, ConnectionsAreUsedAgainAndBounded) {
  client = std::make_unique<CurlClient>(clock, executors, CurlOptions{.connections_max = 3});
  Server server([](const Server::Request& r) { return Server::reply(200, r.body); });
  std::vector<Answer> answers(100);
  for (size_t i = 0; i < answers.size(); ++i) {
    start(request("PUT", server.url() + "/", std::to_string(i)), answers[i]);
  }
  wait(answers);
  for (size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(*answers[i]) << (*answers[i]).error().message();
    EXPECT_EQ((*answers[i])->body, std::to_string(i));
  }
  EXPECT_LE(server.connections(), 3);
}

TEST_F(CurlClientTest, AnErrorStatusIsAResponseAndRedirectsAreNotFollowed) {
  Server server([](const Server::Request& r) {
    return r.says("/gone") ? Server::reply(404, "no")
                           : Server::reply(307, "", "Location: /gone\r\n");
  });
  EXPECT_EQ(run(request("GET", server.url() + "/gone")).value().status, 404);
  EXPECT_EQ(run(request("GET", server.url() + "/moved")).value().status, 307);
}

TEST_F(CurlClientTest, ABodyShorterThanAnnouncedIsDataLoss) {
  Server server([](const Server::Request&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort");
  });
  auto answer = run(request("GET", server.url() + "/x?X-Amz-Signature=secret"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::data_loss);
  EXPECT_THAT(answer.error().message(), HasSubstr("127.0.0.1"));
  EXPECT_THAT(answer.error().message(), Not(HasSubstr("secret")));
}

TEST_F(CurlClientTest, ABodyLongerThanAskedForIsRefused) {
  Server server([](const Server::Request&) { return Server::reply(200, std::string(1000, 'x')); });
  auto get = request("GET", server.url() + "/");
  get.response_max = 999;
  EXPECT_EQ(run(get).error().code(), Code::resource_exhausted);
  get.response_max = 1000;
  EXPECT_TRUE(run(get));
}

TEST_F(CurlClientTest, NobodyListeningIsUnavailableAndNothingWasDone) {
  std::string url;
  {
    Server server([](const Server::Request&) { return ""; });
    url = server.url();
  }
  auto answer = run(request("PUT", url + "/", "x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::unavailable);
  EXPECT_EQ(answer.error().outcome(), Outcome::not_done);
}

TEST_F(CurlClientTest, AConnectionClosedWithoutAnAnswerMayHaveDoneIt) {
  Server server([](const Server::Request&) { return ""; });
  auto answer = run(request("PUT", server.url() + "/", "x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::unavailable);
  EXPECT_EQ(answer.error().outcome(), Outcome::maybe_done);
}

TEST_F(CurlClientTest, AServerThatDoesNotAnswerIsGivenUpAtTheDeadline) {
  Server* self = nullptr;
  Server server([&](const Server::Request&) {
    while (!self->stopping()) std::this_thread::yield();
    return std::string();
  });
  self = &server;
  auto get = request("GET", server.url() + "/");
  get.deadline = clock.now() + 50ms;
  auto answer = run(get);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::cancelled) << answer.error().message();
  EXPECT_EQ(answer.error().outcome(), Outcome::maybe_done);
}

TEST_F(CurlClientTest, ClosingTheClientCompletesWhatIsUnderWay) {
  Server* self = nullptr;
  Server server([&](const Server::Request&) {
    while (!self->stopping()) std::this_thread::yield();
    return std::string();
  });
  self = &server;
  std::vector<Answer> answers(5);
  for (Answer& answer : answers) start(request("GET", server.url() + "/"), answer);
  client.reset();
  wait(answers);
  for (Answer& answer : answers) EXPECT_EQ(answer->error().code(), Code::cancelled);
}

TEST_F(CurlClientTest, UrlsAndHeadersThatCannotBeSentAreInvalid) {
  EXPECT_EQ(run(request("GET", "file:///etc/passwd")).error().code(), Code::invalid_argument);
  auto get = request("GET", "http://127.0.0.1:1/");
  get.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(run(get).error().code(), Code::invalid_argument);
}

TEST_F(CurlClientTest, RequestsBeyondTheLimitAreOverloaded) {
  client = std::make_unique<CurlClient>(clock, executors, CurlOptions{.requests_max = 0});
  EXPECT_EQ(run(request("GET", "http://127.0.0.1:1/")).error().code(), Code::overloaded);
}

}  // namespace
}  // namespace nokv::net
