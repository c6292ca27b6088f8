#include <gtest/gtest.h>

#include "net/asio_net.h"
#include "net/testing/raw_socket.h"

namespace nokv::net {
namespace {

using namespace std::chrono_literals;

class AsioHttpTest : public testing::Test {
 protected:
  void start(AsioNetOptions options = {}) {
    net.emplace(1, std::move(options));
    Acceptor acceptor{.http = [](const HttpRequest& request) {
      return HttpResponse{.status = request.target == "/none" ? 404 : 200,
                          .body = str(request.method, " ", request.target, " ", request.body)};
    }};
    listener = net->listen(Address{.host = "127.0.0.1"}, std::move(acceptor)).value();
  }

  // All that comes back for `bytes`, until the server closes.
  std::string exchange(std::string_view bytes) {
    RawSocket peer(listener->address());
    peer.write(bytes);
    return peer.read_all();
  }

  static std::string status_line(const std::string& response) {
    return response.substr(0, response.find("\r\n"));
  }

  static std::string body(const std::string& response) {
    size_t at = response.find("\r\n\r\n");
    return at == std::string::npos ? "no body" : response.substr(at + 4);
  }

  void TearDown() override {
    listener.reset();
    net.reset();
  }

  std::optional<AsioNet> net;
  std::unique_ptr<Listener> listener;
};

TEST_F(AsioHttpTest, ARequestOnTheSamePortIsAnswered) {
  start();
  std::string response = exchange("GET /healthz?x=1 HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_line(response), "HTTP/1.1 200 OK");
  EXPECT_EQ(body(response), "GET /healthz?x=1 ");
  EXPECT_EQ(status_line(exchange("GET /none HTTP/1.0\r\n\r\n")), "HTTP/1.1 404 Not Found");
}

TEST_F(AsioHttpTest, AConnectionServesSeveralRequests) {
  start();
  std::string all = exchange(
      "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"
      "GET /c HTTP/1.1\r\nConnection: close\r\n\r\n");
  size_t a = all.find("GET /a ");
  size_t b = all.find("POST /b xyz");
  size_t c = all.find("GET /c ");
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
  EXPECT_NE(c, std::string::npos);
}

TEST_F(AsioHttpTest, HeadHasTheLengthButNoBody) {
  start();
  std::string response = exchange("HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(body(response), "");
  EXPECT_NE(response.find("Content-Length: 7"), std::string::npos) << response;
}

TEST_F(AsioHttpTest, ARequestInPiecesIsPutTogether) {
  start();
  RawSocket peer(listener->address());
  peer.write("G");
  peer.write("ET /slow HTTP/1.1\r\nConn");
  peer.write("ection: close\r\n\r\n");
  EXPECT_EQ(body(peer.read_all()), "GET /slow ");
}

TEST_F(AsioHttpTest, AnExpectingClientIsToldToGoOn) {
  start();
  RawSocket peer(listener->address());
  peer.write(
      "PUT /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_EQ(peer.read(25), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.write("ab");
  EXPECT_EQ(body(peer.read_all()), "PUT /p ab");
}

TEST_F(AsioHttpTest, BadRequestsAreToldWhatIsWrong) {
  start();
  EXPECT_EQ(status_line(exchange("GARBAGE\r\n\r\n")), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status_line(exchange("TRACE / HTTP/1.1\r\nConnection: close\r\n\r\n")),
            "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(status_line(exchange("POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(status_line(exchange("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a'))),
            "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_F(AsioHttpTest, ARequestThatStallsTimesOut) {
  start({.http_timeout = 30ms});
  EXPECT_EQ(status_line(exchange("GET / HTTP/1.1\r\nHost")), "HTTP/1.1 408 Request Timeout");
}

TEST_F(AsioHttpTest, TheNetworkGoesAwayWithConnectionsOpen) {
  start();
  RawSocket peer(listener->address());
  peer.write("GET /a HTTP/1.1\r\n\r\n");
  EXPECT_EQ(peer.read(15), "HTTP/1.1 200 OK");
  listener.reset();
  net.reset();
  peer.read_all();
}

}  // namespace
}  // namespace nokv::net
